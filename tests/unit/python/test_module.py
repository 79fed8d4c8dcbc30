"""Importing the module of a workflow: isolated, quiet, and never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from perdure.frontend.python import load_module, read_file
from perdure.source import Source
from perdure.syntax.tree import LetStep, NamedType, ShapeType, SqlStep
from tests.unit.python.reading import HEAD, at, body, findings, read_source, steps


def test_a_module_leaves_nothing_behind(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "shared_names.py").write_text("LIMIT = 5\nprint('loud')\n")
    text = body(
        "x = LIMIT\nsleep('1s')\nreturn x", head="from shared_names import LIMIT"
    )
    (tmp_path / "f.py").write_text(text)
    before, searched = set(sys.modules), list(sys.path)
    readings, files = read_file(Source("f.py", text), lambda _: None, tmp_path)
    assert readings[0][1] == []
    assert files == (tmp_path / "shared_names.py",)
    assert set(sys.modules) == before
    assert sys.path == searched
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.rglob("__pycache__"))


def test_a_changed_neighbour_is_read_again(tmp_path: Path) -> None:
    text = body(
        "x = LIMIT\nsleep('1s')\nreturn x", head="from shared_names import LIMIT"
    )
    read = []
    for limit in ("5", "6"):
        (tmp_path / "shared_names.py").write_text(f"LIMIT = {limit}\n")
        readings, _ = read_file(Source("f.py", text), lambda _: None, tmp_path)
        workflow = readings[0][0]
        assert workflow is not None
        let = workflow.steps[0]
        assert isinstance(let, LetStep)
        read.append(let.bindings[0][1])
    assert [each.text for each in read] == ["5", "6"]  # type: ignore[union-attr]


@pytest.mark.parametrize("package", [True, False])
def test_imports_may_be_relative(tmp_path: Path, package: bool) -> None:
    flows = tmp_path / "flows" / "late"
    flows.mkdir(parents=True)
    (tmp_path / "flows" / "shapes.py").write_text("LIMIT = 3\n")
    (flows / "near.py").write_text("from ..shapes import LIMIT\nNEAR = LIMIT\n")
    if package:
        (tmp_path / "flows" / "__init__.py").write_text("FIRST = 1\n")
        (flows / "__init__.py").write_text("")
    before = set(sys.modules)
    text = "from . import near\nfrom .near import NEAR\nfrom ..shapes import LIMIT\n"
    module, found = load_module(Source("flows/late/f.py", text), tmp_path)
    assert found == []
    assert module is not None
    assert module.namespace["NEAR"] == module.namespace["LIMIT"] == 3
    assert {each.name for each in module.files} >= {"near.py", "shapes.py"}
    assert {x for x in set(sys.modules) - before if x.startswith("flows")} == set()


@pytest.mark.parametrize("line", ["from . import near", "from ...x import y"])
def test_an_import_beyond_the_project_has_a_help(line: str, tmp_path: Path) -> None:
    name = "f.py" if "near" in line else "flows/f.py"
    _, (found,) = load_module(Source(name, f"{line}\n"), tmp_path)
    assert found.code == "WF171"
    assert found.help == "write its name without dots: it is found beside this file"


def test_the_function_is_not_executed() -> None:
    text = body("x = 1 / 0\nreturn missing_name")
    ((_, found),) = read_source(text)
    assert found == []


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module", "ModuleNotFoundError: No module named"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("raise KeyError", "KeyError"),
        ("import os; os._exit(3)", "SystemExit: 3"),
        ("workflow('name')", "TypeError: workflow('name') takes its options by name"),
        ("raise type('E', (Exception,), {'__str__': print})", "E"),
        ("def again(): again()\nagain()", "RecursionError: maximum recursion depth"),
    ],
)
def test_what_an_import_raises_is_a_finding(line: str, reason: str) -> None:
    text = f"from perdure import workflow\n{line}\n"
    ((workflow, (found,)),) = read_source(text)
    assert workflow is None
    assert found.code == "WF171"
    assert found.message.startswith(f"importing this file fails with {reason}")
    assert at(text, found.span) == line.splitlines()[0]


def test_a_name_that_is_not_imported_is_told() -> None:
    text = "import perdure\n@workflow\ndef f(a: int):\n    sql('select 1')\n"
    ((_, (found,)),) = read_source(text)
    assert found.help == "add: from perdure import workflow"


def test_a_module_has_the_same_name_on_every_machine(tmp_path: Path) -> None:
    """What is made from `__name__` would be another version on each."""
    names = []
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        module, _ = load_module(Source("w/f.py", "x = 1\n"), tmp_path / folder)
        assert module is not None
        names.append(module.namespace["__name__"])
    assert names[0] == names[1]
    other, _ = load_module(Source("w/g.py", "x = 1\n"), tmp_path)
    assert other is not None
    assert names[0] != other.namespace["__name__"]


@pytest.mark.parametrize("name", ["tuple[int, int]", "set[int]", "Union[int, str]"])
def test_a_type_is_named_as_it_is_written(name: str) -> None:
    ((_, (found,)),) = read_source(body("sleep('1s')", f"a: {name}", TYPES))
    assert found.code == "WF192"
    assert "object at" not in found.message


def test_frames_of_the_project_are_shown(tmp_path: Path) -> None:
    (tmp_path / "low.py").write_text(
        "import json\n\ndef fail():\n    json.loads('{')\n"
    )
    text = "from low import fail\nfrom perdure import workflow\nfail()\n"
    _, (found,) = load_module(Source("f.py", text), tmp_path)
    assert found.notes == ("in low.py, line 4: json.loads('{')",)


@pytest.mark.parametrize("terms", [300, 900, 5000, 100_000])
def test_a_sum_that_is_too_deep_is_a_finding(terms: int) -> None:
    found = findings(f"x = {' + '.join(['order_id'] * terms)}")
    assert [code for code, _ in found] == ["WF105"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("x = (1", "("),
        ("def f(:\n  pass", ":"),
        ("return 1", "return 1"),
        ("x = '\\N{NO SUCH NAME}'", None),
        ("\0", None),
        ("(" * 300 + ")" * 300, None),
    ],
)
def test_what_is_not_python_is_a_finding(text: str, place: str | None) -> None:
    whole = f"# perdure workflow\n{text}\n"
    ((workflow, (found,)),) = read_source(whole)
    assert workflow is None
    assert found.code == "WF170"
    if place is not None:
        assert at(whole, found.span) == place


def test_a_file_without_workflows_is_not_imported() -> None:
    assert read_source("1 / 0\n") == []
    assert read_source("import perdure\nworkflow = 1\n") == []


def test_a_file_may_hold_several_workflows() -> None:
    text = (
        HEAD
        + "import perdure as p\n"
        + "@workflow\ndef first(a: int):\n    p.sleep('1s')\n    return a\n\n"
        + "@p.workflow(name='class')\ndef second():\n"
        + "    sql('select 1')  # perdure: ignore[WF412] fine\n"
    )
    readings = read_source(text)
    assert [w and w.name.text for w, _ in readings] == ["first", "class"]
    assert [w and len(w.ignores) for w, _ in readings] == [0, 1]
    assert [found for _, found in readings] == [[], []]


def test_an_ignore_that_is_malformed_is_reported() -> None:
    assert findings("sql('select 1')  # perdure: ignore[412]\n") == [
        ("WF127", "412"),
    ]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_do_not_move_places(end: str) -> None:
    text = body("x = 'ü'\ny = sql('''select 1\nfrom :x\n''').n\nreturn x")
    text = text.replace("\n", end)
    ((_, (found,)),) = read_source(text)
    assert at(text, found.span).startswith("sql('''select 1")


def test_sql_of_a_constant_points_to_the_constant() -> None:
    head = 'ORDERS = """\\\nselect id\nfrom shop.orders\nwhere id = :order_id\n"""\n'
    (step,) = steps("sql(ORDERS)", head=head)
    text = body("sql(ORDERS)", head=head)
    assert isinstance(step, SqlStep)
    assert at(text, step.sql.refs[0].span) == ":order_id"


def test_sql_is_placed_across_pieces_and_escapes() -> None:
    lines = (
        "x = sql('select \\'a\\', ' r'b' # more\n        \"\"\" where :order_id\"\"\")"
    )
    (step,) = steps(lines)
    assert isinstance(step, SqlStep)
    assert step.sql.text.value == "select 'a', b where :order_id"
    assert at(body(lines), step.sql.refs[0].span) == ":order_id"


INPUTS = [
    ("int", "bigint", False),
    ("'int'", "bigint", False),
    ("str | None", "text", True),
    ("Optional[bool]", "boolean", True),
    ("float", "double precision", False),
    ("Decimal", "numeric", False),
    ("dt.datetime", "timestamptz", False),
    ("dt.date", "date", False),
    ("dt.time", "time", False),
    ("dt.timedelta", "interval", False),
    ("UUID", "uuid", False),
    ("bytes", "bytea", False),
    ("dict", "jsonb", False),
    ("dict[str, int]", "jsonb", False),
    ("list[str] | None", "text[]", True),
    ("Optional[int]", "bigint", True),
    ("Union[int, None]", "bigint", True),
    ("Union[None, 'int']", "bigint", True),
    ("list[list[int]]", "bigint[][]", False),
    ("Annotated[int, 'integer']", "integer", False),
    ("Annotated[str | None, 'varchar(10)?']", "varchar(10)", True),
    ("Literal['a', 'b']", "text", False),
    ("Level", "bigint", False),
    ("OrderId", "bigint", False),
    ("Alias", "integer", False),
]
TYPES = """
import datetime as dt, enum
from dataclasses import dataclass
from decimal import Decimal
from typing import *
from uuid import UUID
class Level(enum.IntEnum):
    LOW = 1
OrderId = NewType("OrderId", int)
Alias = Annotated[int, "integer"]
@dataclass
class Item:
    name: "str | None"
    more: "list[Item] | None"
class Address(TypedDict, total=False):
    street: Required[str]
    tags: NotRequired[list[str]]
    price: Annotated[Decimal, "numeric(10,2)"]
"""


@pytest.mark.parametrize(("annotation", "name", "nullable"), INPUTS)
def test_an_annotation_is_a_type(annotation: str, name: str, nullable: bool) -> None:
    text = body("sleep('1s')\nreturn a", f"a: {annotation}", TYPES)
    ((workflow, found),) = read_source(text)
    assert found == []
    assert workflow is not None
    type_ = workflow.inputs[0].type
    assert (type_.name, type_.nullable) == (name, nullable)


def test_classes_are_shapes() -> None:
    text = body("sleep('1s')\nreturn {}", "", TYPES).replace(
        "flow()", "flow() -> Address"
    )
    ((workflow, found),) = read_source(text)
    assert found == []
    assert workflow is not None
    assert isinstance(workflow.returns, ShapeType)
    names = {name.text: of for name, of in workflow.returns.fields}
    assert isinstance(names["price"], NamedType)
    assert (names["price"].name, names["tags"].nullable) == ("numeric(10,2)", True)
    assert not names["street"].nullable


def test_a_shape_that_contains_itself_is_a_finding() -> None:
    found = findings("s = wait_for_signal('s', payload=Item)", "", TYPES)
    assert found == [("WF192", "Item")]


@pytest.mark.parametrize("head", ["", "TEXT = 'a\\0b'", "TEXT = 'a' + chr(0xd800)"])
def test_characters_that_no_text_has_are_findings(head: str) -> None:
    value = "TEXT" if head else "'a\\0'"
    found = findings(f"x = {value}\nhttp.get({value})\nreturn {value}", head=head)
    assert {code for code, _ in found} == {"WF104"}


def test_what_only_python_s_compiler_finds_is_found() -> None:
    after = """
    match order_id:
        case _:
            sleep("1s")
        case 1:
            sleep("2s")
    """
    assert findings(after) == [("WF170", "_")]
