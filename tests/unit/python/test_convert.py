"""`perdure convert` keeps what a workflow does, and its comments."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.dump import to_json
from perdure.frontend.python.convert import Converted, convert
from perdure.source import Source
from perdure.syntax.tree import Workflow
from tests.golden.test_twins import HERE, loader, read_python, read_yaml, yaml_files


def converted(source: Source, folder: Path) -> Converted:
    (only,), _ = convert(source, loader(folder / "x"), folder)  # type: ignore[arg-type]
    assert only.exact
    return only


@pytest.mark.parametrize("name", sorted(yaml_files()))
def test_workflows_survive_both_ways(name: str) -> None:
    yaml = yaml_files()[name]
    twin = HERE / "twins" / f"{name}.py"
    there = converted(Source("a.yaml", yaml.read_text()), yaml.parent)
    back = converted(Source("a.py", there.text), yaml.parent)
    again = converted(Source("a.yaml", back.text), yaml.parent)
    assert again.text == there.text or comments(yaml)
    straight = converted(Source("a.py", twin.read_text()), twin.parent)
    assert straight.name == back.name
    trees: list[Workflow] = [read_yaml(yaml), read_python(twin)]
    assert to_json(trees[0]) == to_json(trees[1])


def comments(path: Path) -> bool:
    return "#" in path.read_text()


YAML = """\
# Above all.
workflow: flow
input:
  a: bigint   # an input
steps:
  # Before the first.
  - name: one
    sql: |
      select 1 as n   -- not this #
    expect: one   # beside it
  - if: one.n > a
    then:
      # Inside.
      - sleep: 1s
      - break_: 1
"""


def test_comments_keep_their_place() -> None:
    text = YAML.replace(
        "      - break_: 1\n", "  # perdure: ignore[WF412] why\n  - return\n"
    )
    python = converted(Source("f.yaml", text), Path("/")).text
    lines = [line.strip() for line in python.splitlines()]
    assert lines[:2] == ["# Above all.", "# an input"]
    at = lines.index("# Before the first.")
    assert lines[at + 1] == "# beside it"
    assert lines[at + 2].startswith("one = sql(")
    assert lines[lines.index("# Inside.") + 1] == 'sleep("1s")'
    assert lines[lines.index("# perdure: ignore[WF412] why") + 1] == "return"
    back = converted(Source("f.py", python), Path("/")).text
    for comment in ("# Before the first.", "# Inside.", "# perdure: ignore[WF412] why"):
        assert comment in back


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = tmp_path / "flow.yaml"
    file.write_text(YAML)
    wrong = run(app, ["convert", str(file)])
    assert (wrong.exit_code, "WF111" in wrong.output) == (1, True)
    file.write_text("workflow: flow\nsteps:\n  - name: x\n    sleep: 1s\n")
    inexact = run(app, ["convert", str(file)])
    assert (inexact.exit_code, "no place for" in inexact.output) == (1, True)
    file.write_text("workflow: flow\nsteps:\n  - sleep: 1s\n")
    done = run(app, ["convert", str(file), "-o", str(tmp_path / "flow.py")])
    assert done.exit_code == 0
    back = run(app, ["convert", str(tmp_path / "flow.py")])
    assert back.output == "workflow: flow\n\nsteps:\n  - sleep: 1s\n"
