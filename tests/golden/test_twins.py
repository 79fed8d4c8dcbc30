"""A workflow in YAML and its twin in Python are the same syntax tree.

The twins of `examples/` and of `stages/` stand in `twins/`, under the name of the
workflow or with the name of the project behind it; `twins/pairs` holds both of a pair.
"""

from __future__ import annotations

import ast
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from perdure.config import Config, read_config
from perdure.diagnostics.render import render_text
from perdure.dump import to_json
from perdure.frontend.python import read_file
from perdure.frontend.python.calls import BLOCKS, STEP_FUNCTIONS
from perdure.frontend.python.convert import convert
from perdure.frontend.yaml import read
from perdure.frontend.yaml.shared import read_shared
from perdure.pipeline import open_compiler, workflow_files
from perdure.source import Source
from perdure.syntax.tree import Workflow

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PAIRS = HERE / "twins" / "pairs"
SHARED, _ = read_shared(Source("shared.yaml", (PAIRS / "shared.yaml").read_text()))


def yaml_files() -> dict[str, Path]:
    """Return the workflow files that need a twin, by the name that theirs has."""
    stages = HERE.glob("stages/*/workflows/*.yaml")
    examples = ROOT.glob("examples/*/workflows/*.yaml")
    pairs = HERE.glob("twins/pairs/*.yaml")
    return {
        **{f"{path.stem}_example": path for path in examples},
        **{path.stem: path for path in stages},
        **{f"pairs/{path.stem}": path for path in pairs if path.stem != "shared"},
    }


def loader(path: Path) -> Callable[[str], Source | None]:
    """Return what reads the file of a `sql_file`."""

    def load(name: str) -> Source | None:
        file = path.parent / name
        return Source(name, file.read_text()) if file.exists() else None

    return load


def read_yaml(path: Path) -> Workflow:
    source = Source(path.name, path.read_text())
    workflow, found = read(source, loader(path), SHARED)
    assert render_text(found, {path.name: source}, colour=False) == ""
    assert workflow is not None
    return workflow


def read_python(path: Path) -> Workflow:
    source = Source(path.name, path.read_text())
    readings, _ = read_file(source, loader(path), path.parent, SHARED)
    (workflow, found), *_ = readings  # those that it calls are below
    assert render_text(found, {path.name: source}, colour=False) == ""
    assert workflow is not None
    return workflow


@pytest.mark.parametrize("name", sorted(yaml_files()))
def test_a_workflow_and_its_twin_are_one_tree(name: str, accept: bool) -> None:
    twin = HERE / "twins" / f"{name}.py"
    if accept and not twin.exists():
        path = yaml_files()[name]
        source = Source(path.name, path.read_text())
        (made,), _ = convert(source, loader(path), path.parent, SHARED)
        twin.write_text(made.text)
    assert twin.exists(), "run pytest --accept, which converts it"
    python, yaml = read_python(twin), read_yaml(yaml_files()[name])
    assert to_json(python) == to_json(yaml)
    assert python == yaml


def test_every_twin_has_a_workflow_in_yaml() -> None:
    twins = {
        path.relative_to(HERE / "twins").with_suffix("").as_posix()
        for path in HERE.glob("twins/**/*.py")
    }
    assert twins == set(yaml_files())


def test_twins_have_one_digest_and_one_plan(tmp_path: Path) -> None:
    """Compile all stages from both languages, each as one project."""
    stages = {path.stem: path for path in HERE.glob("stages/*/workflows/*.yaml")}
    for name, path in stages.items():
        twin = HERE / "twins" / f"{name}.py"
        for kind, file in (("yaml", path), ("python", twin)):
            (tmp_path / kind).mkdir(exist_ok=True)
            (tmp_path / kind / file.name).write_text(file.read_text())
    outcomes = {kind: compiled(tmp_path, kind) for kind in ("yaml", "python")}
    assert len(outcomes["yaml"]) == len(stages) > 10
    assert outcomes["yaml"] == outcomes["python"]


def compiled(folder: Path, kind: str) -> dict[str, tuple[str, str]]:
    """Return the digest and the plan of each workflow of a folder."""
    top = folder / kind
    config = Config(root=top, schema=(HERE / "schema.sql",), workflows=top)
    found = {}
    with open_compiler(config, state_dir=folder / "state", remember=False) as compiler:
        for unit in compiler.check(workflow_files(config)).units:
            assert unit.digest is not None, unit.findings
            plan = to_json(compiler.plan(unit)).replace(".py", ".yaml")
            found[unit.name or ""] = (unit.digest, plan)
    return found


@pytest.mark.slow
def test_twins_of_the_examples_have_one_digest(tmp_path: Path) -> None:
    """Compile examples as they are, and with their workflows in Python."""
    count = 0
    for name in ("ai_pipeline", "etl", "invoice", "nightly_report", "saga"):
        found, project = [], ROOT / "examples" / name
        for kind in ("yaml", "python"):
            folder = tmp_path / project.name / kind
            shutil.copytree(project, folder)
            for path in (
                (folder / "workflows").glob("*.yaml") if kind == "python" else ()
            ):
                twin = HERE / "twins" / f"{path.stem}_example.py"
                path.with_suffix(".py").write_text(twin.read_text())
                path.unlink()
            config, _ = read_config(folder / "perdure.toml")
            assert config is not None
            with open_compiler(
                config, state_dir=tmp_path / "state", remember=False
            ) as compiler:
                units = compiler.check(workflow_files(config)).units
                found.append({unit.name: unit.digest for unit in units})
        assert found[0] == found[1]
        assert None not in found[0].values()
        count += len(found[0])
    assert count == 5


def test_twins_use_all_that_python_has_for_workflows() -> None:
    """Each construct and each function of a step is compared with its YAML."""
    nodes: set[str] = set()
    called: set[str] = set()
    for path in (HERE / "twins").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            nodes.add(type(node).__name__)
            nodes |= set(forms(node))
            if isinstance(node, ast.Call):
                called.add(ast.unparse(node.func))
    assert sorted(CONSTRUCTS - nodes) == []
    functions = {each.__name__ for each in (*STEP_FUNCTIONS, *BLOCKS)}
    requests = {"http.get", "http.post"}
    assert sorted((functions | requests | {"Retry", "Failure"}) - called) == []


CONSTRUCTS = {
    "If", "While", "For", "Break", "Continue", "Return", "Raise", "Try",
    "ExceptHandler", "Assert", "IfExp", "BoolOp", "And", "Or", "Not", "In", "NotIn",
    "Is", "IsNot", "Eq", "NotEq", "Lt", "LtE", "Gt", "GtE", "Add", "Sub", "Mult", "Div",
    "Mod", "JoinedStr", "Match", "MatchOr", "AugAssign", "With", "chained", "elif",
    "finally", "as", "docstring", "tuple-result", "lambda-branch", "nested-function",
}  # fmt: skip


def forms(node: ast.AST) -> Iterator[str]:
    """Yield names for forms that are no classes of Python's tree."""
    match node:
        case ast.Compare(ops=[_, _, *_]):
            yield "chained"
        case ast.If(orelse=[ast.If()]):
            yield "elif"
        case ast.Try(finalbody=[_, *_]):
            yield "finally"
        case ast.ExceptHandler(name=str()):
            yield "as"
        case ast.Return(value=ast.Tuple() | ast.List()):
            yield "tuple-result"
        case ast.Call(args=[ast.Lambda(), *_]):
            yield "lambda-branch"
        case ast.FunctionDef(body=[*steps]):
            if ast.get_docstring(node):
                yield "docstring"
            if any(isinstance(each, ast.FunctionDef) for each in steps):
                yield "nested-function"
