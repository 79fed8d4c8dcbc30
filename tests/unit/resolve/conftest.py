"""A workflow text resolved against the schema of the golden cases."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from perdure.catalog import CatalogSettings, SchemaSource, open_catalog
from perdure.catalog.model import Catalog
from perdure.diagnostics import Diagnostic
from perdure.frontend.yaml import read
from perdure.ir.tree import Workflow
from perdure.resolve import resolve
from perdure.source import Source
from perdure.syntax import tree as syntax

SCHEMA = Path(__file__).parents[2] / "golden" / "schema.sql"


@dataclass(frozen=True)
class Resolved:
    """What came out: the IR, and each finding as its code and the text it marks."""

    text: str
    syntax: syntax.Workflow
    ir: Workflow | None
    diagnostics: list[Diagnostic]

    @property
    def found(self) -> list[tuple[str, str]]:
        return [
            (each.code, self.text[each.span.start : each.span.end])
            for each in self.diagnostics
            if each.span is not None
        ]

    @property
    def workflow(self) -> Workflow:
        assert self.ir is not None, self.diagnostics
        return self.ir


Resolve = Callable[[str], Resolved]


@pytest.fixture(scope="session")
def catalog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalog]:
    """Return the real catalog of the schema, on an embedded server."""
    state = tmp_path_factory.mktemp("resolve")
    settings = CatalogSettings(SchemaSource((SCHEMA,)), state)
    with open_catalog(settings) as opened:
        yield opened


@pytest.fixture
def resolved(catalog: Catalog) -> Resolve:
    """Return a function that resolves the text of a workflow below its name."""

    def run(body: str) -> Resolved:
        text = f"workflow: w\n{body}"
        workflow, wrong = read(Source("w.yaml", text), lambda path: None)
        assert workflow is not None, wrong
        assert not wrong, wrong
        ir, diagnostics = resolve(workflow, catalog)
        return Resolved(text, workflow, ir, diagnostics)

    return run
