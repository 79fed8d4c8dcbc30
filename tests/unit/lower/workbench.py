"""Workflows compiled in tests: text to IR, plan and SQL, on the golden schema."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from perdure.catalog import CatalogSettings, SchemaSource, open_catalog
from perdure.catalog.model import Catalog
from perdure.diagnostics import Diagnostic
from perdure.emit import Previous, Registration, VersionSql, emit
from perdure.frontend.yaml import read
from perdure.ir.digest import digest
from perdure.ir.tree import Workflow
from perdure.lower import lower
from perdure.plan.target import Target
from perdure.plan.tree import Plan
from perdure.resolve import resolve
from perdure.source import Source
from perdure.targets import PERDURE, parse_target
from perdure.targets.legal import legalise

SCHEMA = Path(__file__).parents[2] / "golden" / "schema.sql"
PG_DURABLE = "pg_durable>=0.2.5"


@dataclass(frozen=True, slots=True)
class Workbench:
    """Compiles texts; asserts that they have no findings that are errors."""

    catalog: Catalog

    def ir(self, text: str, name: str = "demo", inputs: str = "id: bigint") -> Workflow:
        """Return the IR of steps, or of a whole workflow file."""
        source = _source(text, name, inputs)
        syntax, found = read(source, lambda _: None)
        assert syntax is not None, found
        workflow, more = resolve(syntax, self.catalog)
        assert workflow is not None, more
        return workflow

    def plan(
        self, text: str, target: str = "perdure", inputs: str = "id: bigint"
    ) -> Plan:
        """Return the legal plan of steps."""
        plan, found = self.legalised(text, target, inputs)
        assert plan is not None, found
        return plan

    def legalised(
        self, text: str, target: str, inputs: str = "id: bigint"
    ) -> tuple[Plan | None, list[Diagnostic]]:
        """Return the plan of steps made legal, or what is refused."""
        return legalise(lower(self.ir(text, inputs=inputs)), known(target))

    def sql(
        self,
        text: str,
        *,
        target: str = "perdure",
        inputs: str = "id: bigint",
        version: int = 1,
        previous: Previous | None = None,
    ) -> VersionSql:
        """Return the SQL of steps as a version."""
        workflow = self.ir(text, inputs=inputs)
        plan, found = legalise(lower(workflow), known(target))
        assert plan is not None, found
        return emit(
            plan,
            version=version,
            target=known(target),
            registration=Registration(
                digest(workflow),
                "0.0.0",
                _source(text, "demo", inputs),
                previous=previous,
            ),
        )


def known(target: str) -> Target:
    """Return a target that exists."""
    found = parse_target(target)
    assert isinstance(found, Target)
    return found


def _source(text: str, name: str, inputs: str) -> Source:
    text = dedent(text).strip("\n") + "\n"
    if not text.startswith("workflow:"):
        head = f"workflow: {name}\n"
        head += f"input:\n{indent(dedent(inputs).strip(), '  ')}\n" if inputs else ""
        text = f"{head}steps:\n{indent(text, '  ')}"
    return Source("workflows/demo.yaml", text)


@contextmanager
def opened(folder: Path) -> Iterator[Workbench]:
    """Open the catalog of the golden schema."""
    schema = SchemaSource(files=(SCHEMA,))
    with open_catalog(CatalogSettings(schema, state_dir=folder)) as catalog:
        assert catalog.problems() == []
        yield Workbench(catalog)


__all__ = ["PERDURE", "PG_DURABLE", "Workbench", "opened"]
