"""A catalog of one schema, on an embedded PostgreSQL, for all tests of this folder."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from perdure.catalog import CatalogSettings, SchemaCatalog, SchemaSource, open_catalog

HERE = Path(__file__).parent


@pytest.fixture(scope="package")
def state_dir() -> Iterator[Path]:
    """Return a state folder that the tests of this folder share."""
    folder = Path(tempfile.mkdtemp(prefix="perdure-catalog-"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="package")
def catalog(state_dir: Path) -> Iterator[SchemaCatalog]:
    """Return a catalog of `schema.sql`."""
    source = SchemaSource((HERE / "schema.sql",))
    with open_catalog(CatalogSettings(source, state_dir, HERE)) as opened:
        assert opened.problems() == []
        yield opened


@pytest.fixture
def open_schema(
    state_dir: Path, tmp_path: Path
) -> Iterator[Callable[[str], SchemaCatalog]]:
    """Return a function that opens a catalog of a schema given as text."""
    with ExitStack() as stack:

        def open_text(text: str) -> SchemaCatalog:
            path = tmp_path / "schema.sql"
            path.write_text(text)
            settings = CatalogSettings(SchemaSource((path,)), state_dir, tmp_path)
            return stack.enter_context(open_catalog(settings))

        yield open_text
