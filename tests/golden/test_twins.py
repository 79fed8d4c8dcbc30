"""A workflow in YAML and its twin in Python are the same syntax tree.

The twins of `examples/` and of `stages/` stand in `twins/`, under the name of the
workflow or with the name of the project behind it; `twins/pairs` holds both of a pair.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.config import Config
from perdure.diagnostics.render import render_text
from perdure.dump import to_json
from perdure.frontend.python import read_file
from perdure.frontend.yaml import read
from perdure.pipeline import open_compiler, workflow_files
from perdure.source import Source
from perdure.syntax.tree import Workflow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def yaml_files() -> dict[str, Path]:
    """Return the workflow files that need a twin, by the name that theirs has."""
    stages = HERE.glob("stages/*/workflows/*.yaml")
    examples = ROOT.glob("examples/*/workflows/*.yaml")
    pairs = HERE.glob("twins/pairs/*.yaml")
    return {
        **{f"{path.stem}_example": path for path in examples},
        **{path.stem: path for path in stages},
        **{f"pairs/{path.stem}": path for path in pairs},
    }


def loader(path: Path) -> object:
    """Return what reads the file of a `sql_file`."""

    def load(name: str) -> Source | None:
        file = path.parent / name
        return Source(name, file.read_text()) if file.exists() else None

    return load


def read_yaml(path: Path) -> Workflow:
    source = Source(path.name, path.read_text())
    workflow, found = read(source, loader(path))  # type: ignore[arg-type]
    assert render_text(found, {path.name: source}, colour=False) == ""
    assert workflow is not None
    return workflow


def read_python(path: Path) -> Workflow:
    source = Source(path.name, path.read_text())
    readings, _ = read_file(source, loader(path), path.parent)  # type: ignore[arg-type]
    ((workflow, found),) = readings
    assert render_text(found, {path.name: source}, colour=False) == ""
    assert workflow is not None
    return workflow


@pytest.mark.parametrize("name", sorted(yaml_files()))
def test_a_workflow_and_its_twin_are_one_tree(name: str) -> None:
    twin = HERE / "twins" / f"{name}.py"
    assert twin.exists(), "write the same workflow in Python"
    python, yaml = read_python(twin), read_yaml(yaml_files()[name])
    assert to_json(python) == to_json(yaml)
    assert python == yaml


def test_every_twin_has_a_workflow_in_yaml() -> None:
    twins = {
        path.relative_to(HERE / "twins").with_suffix("").as_posix()
        for path in HERE.glob("twins/**/*.py")
    }
    assert twins == set(yaml_files())


def test_twins_have_one_digest_and_one_sql(tmp_path: Path) -> None:
    folders = {"yaml": HERE / "stages" / "race" / "workflows", "python": tmp_path}
    (tmp_path / "race.py").write_text((HERE / "twins" / "race.py").read_text())
    outcomes = {}
    for kind, folder in folders.items():
        config = Config(root=folder, schema=(HERE / "schema.sql",), workflows=folder)
        with open_compiler(config, state_dir=tmp_path / "state") as compiler:
            (unit,) = compiler.check(workflow_files(config)).units
            assert unit.findings == ()
            plan = to_json(compiler.plan(unit))
            outcomes[kind] = (unit.digest, plan.replace("race.py", "race.yaml"))
    assert outcomes["yaml"] == outcomes["python"]
