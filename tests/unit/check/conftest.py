"""The findings of the rules for a workflow text, on the schema of the golden cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure.catalog import CatalogSettings, SchemaSource, open_catalog
from perdure.catalog.model import Catalog
from perdure.check import check
from perdure.frontend.yaml import read
from perdure.resolve import resolve
from perdure.source import Source

SCHEMA = Path(__file__).parents[2] / "golden" / "schema.sql"

Check = Callable[[str], list[tuple[str, str]]]


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Return the real catalog of the schema, on an embedded server."""
    settings = CatalogSettings(
        SchemaSource((SCHEMA,)), tmp_path_factory.mktemp("check")
    )
    with open_catalog(settings) as opened:
        yield opened


@pytest.fixture
def checked(catalog: Catalog) -> Check:
    """Return a function that gives each finding as its code and the text it marks."""

    def run(body: str) -> list[tuple[str, str]]:
        text = f"workflow: w\n{body}"
        workflow, wrong = read(Source("w.yaml", text), lambda path: None)
        assert workflow is not None, wrong
        resolved, more = resolve(workflow, catalog)
        assert resolved is not None, more
        assert wrong + more == []
        spans = [(each.code, each.span) for each in check(resolved)]
        return [(code, text[s.start : s.end]) for code, s in spans if s is not None]

    return run
