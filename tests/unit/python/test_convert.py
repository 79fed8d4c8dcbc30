"""`perdure convert` keeps what a workflow does, and its comments."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.dump import to_json
from perdure.frontend.python.convert import Converted, convert
from perdure.frontend.yaml import read
from perdure.frontend.yaml.language import STEPS
from perdure.frontend.yaml.shared import Shared, read_shared
from perdure.source import Source
from perdure.syntax.tree import Workflow
from tests.golden.test_twins import (
    HERE,
    SHARED,
    loader,
    read_python,
    read_yaml,
    yaml_files,
)


def converted(source: Source, folder: Path, shared: Shared = SHARED) -> Converted:
    (first, *_), _ = convert(source, loader(folder / "x"), folder, shared)
    assert first.exact, first.text
    return first


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


def examples_of_the_language() -> dict[str, str]:
    """Return a workflow for each kind of step, with the example of its page."""
    indented = {kind.name: textwrap.indent(kind.example, "  ") for kind in STEPS}
    head = "workflow: w\ninput: {order_id: bigint}\nsteps:\n"
    return {name: head + text for name, text in indented.items()}


@pytest.mark.parametrize("name", sorted(examples_of_the_language()))
def test_every_kind_of_step_survives(name: str) -> None:
    files = {"totals.sql": "select sum(total) as sum from shop.orders\n"}

    def load(path: str) -> Source | None:
        return Source(path, files[path]) if path in files else None

    text = examples_of_the_language()[name]
    workflow, _ = read(Source("a.yaml", text), load)
    (there,), _ = convert(Source("a.yaml", text), load, Path("/"))
    assert there.exact, there.text
    assert "pass" not in there.text
    (back,), _ = convert(Source("a.py", there.text), load, Path("/"))
    assert back.exact, back.text
    assert read(Source("a.yaml", back.text), load)[0] == workflow


# An `undo` that returns is refused in both, at other stages; long chains of `elif`
# nest in Python's tree; the defaults of the third name what no module holds.
INEXACT = {"exits", "many_arms", "default_not_constant"}


@pytest.mark.slow
def test_the_corpus_survives_both_ways() -> None:
    """Convert every workflow of the golden cases that can be read, wrong or not."""
    count = 0
    for path in sorted(HERE.glob("*/*/workflows/**/*.yaml")):
        shared = path.parent / "shared.yaml"
        known = Shared()
        if path == shared or path.stem in INEXACT or not is_text(path):
            continue
        if shared.exists():
            known, _ = read_shared(Source("shared.yaml", shared.read_text()))
        source = Source("a.yaml", path.read_text())
        workflow, found = read(source, loader(path), known)
        if workflow is None or any(each.severity == "error" for each in found):
            continue
        there = converted(source, path.parent, known)
        back = converted(Source("a.py", there.text), path.parent, known)
        again, _ = read(Source("a.yaml", back.text), loader(path), known)
        assert again == workflow, path
        count += 1
    assert count > 100


def is_text(path: Path) -> bool:
    try:
        path.read_text()
    except UnicodeDecodeError:
        return False
    return True


def test_names_of_shared_definitions_are_kept() -> None:
    pair = HERE / "twins" / "pairs" / "requests.yaml"
    there = converted(Source("a.yaml", pair.read_text()), pair.parent).text
    assert 'retry="gentle"' in there
    assert 'payload="address"' in there
    back = converted(Source("a.py", there), pair.parent).text
    assert "retry: gentle" in back
    assert "payload: address" in back


def test_names_that_shadow_perdure_are_written_in_full() -> None:
    text = (
        "workflow: parallel\nsteps:\n"
        "  - {name: sql, sql: select 1 as date}\n"
        "  - {name: signal, start: other}\n"
        "  - {signal: s, to: '${signal.run_id}'}\n"
        "  - wait_for_signal: sql\n    payload: date\n"
        "  - let: {date: sql.date, retry: 1}\n"
    )
    there = converted(Source("a.yaml", text), Path("/")).text
    assert "sql = perdure.sql(" in there
    assert "perdure.signal(" in there
    assert 'payload=Annotated[Any, "date"]' in there


def test_a_name_that_is_a_word_of_python_is_said(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text("workflow: flow\nsteps:\n  - name: class\n    sql: select 1\n")
    told = CliRunner().invoke(app, ["convert", str(file)])
    assert told.exit_code == 1
    assert 'flow.yaml:3:11: "class" is a word of Python' in told.output


NULLABLE = """\
workflow: nullable

input:
  a: bigint

returns: [{a: bigint, lines: [{price: numeric?}], ns: [[bigint], null]}, null]

steps:
  - name: hook
    http: GET https://shop.example
    returns: {lines: [[{sku: text, at: {x: bigint}}, null]]}
  - return: null
"""


def test_objects_and_lists_that_may_be_null_survive() -> None:
    python = converted(Source("a.yaml", NULLABLE), Path("/")).text
    assert "-> Shape2 | None:" in python
    assert "    ns: list[int] | None\n" in python
    assert converted(Source("a.py", python), Path("/")).text == NULLABLE


def test_a_dollar_sign_before_a_value_survives() -> None:
    head = "from perdure import workflow\n\n\n@workflow\ndef w(a: int):\n"
    text = 'return {"x": f"${a} $$${a}$ ${{a}} $", "y": f"${a}"}\n'
    yaml = converted(Source("w.py", f"{head}    {text}"), Path("/")).text
    assert """y: "${'$'}${a}\"""" in yaml
    assert text in converted(Source("w.yaml", yaml), Path("/")).text


def test_texts_that_are_marks_of_yaml_are_in_quotes() -> None:
    head = "from perdure import workflow\n\n\n@workflow\ndef w():\n"
    marks = ["-", "?", ":", "- a", "? a", "-a", "&a", "*a", "# a", "a #b", "a: b", ""]
    marks += ["a:", "~", "null", "1", "[a", "}", "@a", "%a", "!a", "| a", " a", "a "]
    pairs = {each: each for each in marks}
    text = f"{head}    # a\fb\u2028c\n    return {pairs!r}\n"
    yaml = converted(Source("w.py", text), Path("/")).text
    assert "  # a b c\n" in yaml


UNSEEN = "\x07\x7f\x85\u2028\u202e\ufeff\U000e0001"


def test_characters_that_can_not_be_seen_are_escaped() -> None:
    head = "from perdure import http, sql, workflow\n\n\n@workflow\ndef w():\n"
    lines = [
        f'    """Say {UNSEEN!a}."""\n',
        f"    sql({'select 1' + chr(10) + '-- ' + UNSEEN[4:]!a})\n",
        f"    http.post('https://x.example', body={UNSEEN!a})\n",
        f"    http.post('https://x.example', body={'a' + chr(10) + UNSEEN!a})\n",
        f"    http.post('https://x.example', json={{{UNSEEN!a}: '  x', 'y': 'y '}})\n",
    ]
    yaml = converted(Source("w.py", head + "".join(lines)), Path("/")).text
    assert all(each.isprintable() for each in yaml.split("\n"))
    python = converted(Source("w.yaml", yaml), Path("/")).text
    assert all(each.isprintable() for each in python.split("\n"))


def test_what_can_not_be_said_has_its_place(tmp_path: Path) -> None:
    file = tmp_path / "flow.yaml"
    file.write_text(
        "workflow: flow\nsteps:\n  - sql: select 1\n  - name: x\n    sql: select 2\n"
        "    undo:\n      - sql: select 3\n      - return: 1\n      - sql: select 4\n"
    )
    told = CliRunner().invoke(app, ["convert", str(file)])
    assert told.exit_code == 1
    assert "flow.yaml:5:5: this can't be said in Python" in told.output
    assert 'in Python: "return" in a branch would end the branch' in told.output


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


SEVERAL = '''\
"""What the module is for."""

# The licence.

from perdure import branch, parallel, sleep, sql, workflow

# What the limit is.
LIMIT = 3


# Above one.
# perdure: ignore[WF412] why
@workflow  # beside the decorator
def one(a: int):  # beside def
    # First of one.
    sql("select 1 as n")  # beside first
    if a > 1:
        sleep("1s")
        # End of then.
    # The other arm.
    else:
        sleep("2s")
    with parallel():
        # Branch a.
        with branch("a"):
            sleep("1s")  # beside a
        # Branch b.
        with branch("b"):
            sleep("1s")
            # End of b.
    # End of one.
# Below one.


# Above a helper.
def helper():
    # In the helper.
    return LIMIT


# Above two.
@workflow
def two(
    # In the parameters.
    a: int,
):
    """Describe two."""
    # First of two.
    x = sql(
        # In the call.
        "select 1 as n",
    )
    return x.n
    # End of two.

# End of file.
'''
ONE = """\
# What the module is for.
# The licence.
# Above one.
# perdure: ignore[WF412] why
# beside the decorator
# beside def
workflow: one

input:
  a: bigint

steps:
  # First of one.
  # beside first
  - sql: select 1 as n
  - if: a > 1
    then:
      - sleep: 1s
      # End of then.
    else:
      # The other arm.
      - sleep: 2s
  - parallel:
      a:
        # Branch a.
        # beside a
        - sleep: 1s
      b:
        # Branch b.
        - sleep: 1s
        # End of b.
  # End of one.
# Below one.
"""
TWO = """\
# What the module is for.
# The licence.
# Above two.
# In the parameters.
workflow: two
description: Describe two.

input:
  a: bigint

steps:
  # First of two.
  # In the call.
  - name: x
    sql: select 1 as n
  - return: "${x.n}"
  # End of two.
# End of file.
"""


@pytest.mark.parametrize("text", [ONE, TWO], ids=["one", "two"])
def test_each_workflow_of_a_file_has_its_own_comments(text: str) -> None:
    found, _ = convert(Source("f.py", SEVERAL), lambda _: None, Path("/"))
    assert all(each.exact for each in found)
    assert text in [each.text for each in found]
    left_out = {SEVERAL.splitlines()[each - 1].strip() for each in found[0].left_out}
    assert left_out == {"# What the limit is.", "# Above a helper.", "# In the helper."}


@pytest.mark.parametrize("text", [ONE, TWO], ids=["one", "two"])
def test_comments_survive_both_ways(text: str) -> None:
    python = converted(Source("f.yaml", text), Path("/")).text
    assert converted(Source("f.py", python), Path("/")).text == text


def test_comments_of_the_classes_of_results_are_kept() -> None:
    text = """# of the file
from dataclasses import dataclass

from perdure import http, workflow


# above the inner
@dataclass
class Inner:
    n: int  # beside n


# of nothing here
@dataclass
class Other:
    x: int


@dataclass
class Out:
    # above the member
    inner: Inner
    # at the end


# above the workflow
@workflow
def first() -> None:
    # the call
    http.get("https://shop.example", returns=Out)
"""
    written = converted(Source("first.py", text), HERE).text
    assert written.split("steps:")[0] == (
        "# of the file\n# above the inner\n# beside n\n# above the member\n"
        "# at the end\n# above the workflow\nworkflow: first\n\n"
    )
    assert written.count("# the call") == 1


def test_comments_of_constants_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "flow.py"
    file.write_text(
        "from perdure import sleep, workflow  # all of it\n\n"
        '# Above the pause.\nPAUSE = "1s"  # beside it\nOTHER = 3  # not read\n\n\n'
        "@workflow\ndef flow():\n    sleep(PAUSE)\n"
    )
    told = CliRunner().invoke(app, ["convert", str(file)])
    head = "# Above the pause.\n# beside it\nworkflow: flow\n"
    assert told.stdout.startswith(head)
    assert told.stderr == "left out: comments in lines 1, 5, outside of the workflow\n"


def test_inputs_that_are_null_by_default_survive() -> None:
    text = "workflow: flow\n\ninput:\n  a: text?\n  b: bigint? = 7\n"
    steps = "\nsteps:\n  - sql: select :a, :b\n"
    for given in ("a: text?", "a: text? = null", "a: text | null = NULL"):
        yaml = text.replace("a: text?", given) + steps
        python = converted(Source("a.yaml", yaml), Path("/")).text
        assert "def flow(a: str | None = None, b: int | None = 7)" in python
        assert converted(Source("a.py", python), Path("/")).text == text + steps


DEFAULTS = {
    "bigint = 5": "int = 5",
    "bigint = 1.0": 'Annotated[Any, "bigint"] = 1.0',
    "bigint = -1.5": 'Annotated[Any, "bigint"] = -1.5',
    "bigint = '5'": 'Annotated[Any, "bigint"] = "5"',
    "bigint = 2 * 3": 'int = expr("2 * 3")',
    "bigint = -(7 / 2)": 'int = expr("-(7 / 2)")',
    "double precision = '1'": 'Annotated[Any, "double precision"] = "1"',
    "numeric = -5": 'Decimal = Decimal("-5")',
    "numeric? = 5": 'Decimal | None = Decimal("5")',
    "text = 'a' || 'b'": "str = expr(\"'a' || 'b'\")",
    "text = upper('x')": 'str = func.upper("x")',
    "date = '2026-01-31'": 'Annotated[Any, "date"] = "2026-01-31"',
}


@pytest.mark.parametrize("yaml", DEFAULTS)
def test_defaults_survive(yaml: str) -> None:
    text = f"workflow: flow\n\ninput:\n  a: {yaml}\n\nsteps:\n  - sql: select :a\n"
    python = converted(Source("a.yaml", text), Path("/")).text
    assert f"def flow(a: {DEFAULTS[yaml]}) -> None:" in python
    assert converted(Source("a.py", python), Path("/")).text == text


def test_where_the_command_writes(tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = tmp_path / "flow.yaml"
    file.write_text("workflow: flow\nsteps:\n  - sleep: 1s\n")
    refused = {
        "flow.txt": "what is written is Python",
        "no/folder.py": "no such file or directory",
        "there.py": "exists already",
    }
    (tmp_path / "there.py").write_text("")
    for name, message in refused.items():
        told = run(app, ["convert", str(file), "-o", str(tmp_path / name)])
        assert told.exit_code == 2
        assert message in told.output
    assert (tmp_path / "there.py").read_text() == ""


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    file = tmp_path / "flow.yaml"
    file.write_text(YAML)
    wrong = run(app, ["convert", str(file)])
    assert (wrong.exit_code, "WF111" in wrong.output) == (1, True)
    file.write_text("workflow: flow\nsteps:\n  - name: x\n    sleep: 1s\n")
    named = run(app, ["convert", str(file)])
    assert 'with step(name="x"):\n        sleep("1s")' in named.output
    file.write_text("workflow: flow\nsteps:\n  - sleep: 1s\n")
    done = run(app, ["convert", str(file), "-o", str(tmp_path / "flow.py")])
    assert done.exit_code == 0
    back = run(app, ["convert", str(tmp_path / "flow.py")])
    assert back.output == "workflow: flow\n\nsteps:\n  - sleep: 1s\n"
