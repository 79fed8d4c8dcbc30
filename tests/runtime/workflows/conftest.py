"""One database with the runtime and both schemas, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.property.runs import SCHEMA, Bench, bench


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    schema = (SCHEMA, Path(__file__).with_name("schema.sql"))
    with bench(tmp_path_factory.mktemp("bench"), schema) as opened:
        yield opened
