"""What annotations mean: forms of objects, tuples, and inputs of some values."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.frontend.python.convert import convert
from perdure.frontend.python.write_expr import postgres
from perdure.source import Source
from perdure.syntax.tree import CallStep, LetStep
from tests.unit.python.reading import body, findings, read_source, steps

TYPES = "from enum import *\nfrom typing import *\nfrom dataclasses import *\n"
FUTURE = "from __future__ import annotations\n"


def as_yaml(text: str) -> str:
    """Return the first workflow of a file in YAML."""
    (first, *_), found = convert(Source("f.py", text), lambda _: None, Path("/"))
    assert {each.code for each in found} <= {"WF199"}
    assert first.exact, first.lost
    return first.text


SHAPES = [
    (
        "class T(TypedDict):\n    a: int\n    b: NotRequired[str]\n",
        "{a: bigint, b: text?}",
    ),
    (
        "class T(TypedDict, total=False):\n    a: Required[int]\n    b: str\n",
        "{a: bigint, b: text?}",
    ),
    ("class T(NamedTuple):\n    a: int\n    b: str = 'x'\n", "{a: bigint, b: text}"),
    (
        "@dataclass\nclass T:\n    k: ClassVar[int] = 3\n    a: Final[int] = 1\n"
        "    b: tuple[str, ...] = ()\n",
        "{a: bigint, b: [text]}",
    ),
    ("Id = NewType('Id', int)\nT = Id\n", "bigint"),
    ("T: TypeAlias = 'int | None'\n", "bigint?"),
    ("T: TypeAlias = 'list[int] | None'\n", "[[bigint], null]"),
    ("class T(StrEnum):\n    A = 'a'\n", "text"),
]


@pytest.mark.parametrize("future", ["", FUTURE])
@pytest.mark.parametrize(("made", "meant"), SHAPES)
def test_forms_of_results(made: str, meant: str, future: str) -> None:
    alias = made.startswith(
        "T: TypeAlias"
    )  # in quotes it is no type but of annotations
    given = "" if alias else ", returns=T"
    text = body(f"http.get('https://x.example'{given})", head=made)
    text = f"{future}{TYPES}{text}"
    found = as_yaml(text.replace("(order_id: int)", "(order_id: int) -> T"))
    assert f"\nreturns: {meant}\n" in found
    assert alias or f"    returns: {meant}\n" in found


@pytest.mark.parametrize(
    ("result", "place"),
    [
        ("tuple[int, str]", "tuple[int, str]"),
        ("tuple[int, int]", "tuple[int, int]"),
        ("Empty", "Empty"),
        ("Bare", "Bare"),
        ("Literal['a', 1]", "Literal['a', 1]"),
    ],
)
def test_what_is_no_form_of_a_result(result: str, place: str) -> None:
    head = TYPES + "from collections import namedtuple\n"
    head += "class Empty(TypedDict): pass\nBare = namedtuple('Bare', 'a b')\n"
    text = body("return", head=head)
    text = text.replace("(order_id: int)", f"(order_id: int) -> {result}")
    ((_, (found,)),) = read_source(text)
    assert found.span is not None
    assert (found.code, found.help is not None) == ("WF192", True)
    assert text[found.span.start : found.span.end] == place


PRICE = TYPES + (
    "class Price(NamedTuple):\n    net: int\n    label: str = 'none'\n"
    "@workflow\ndef price_of(order_id: int) -> Price:\n    return Price(order_id)\n"
    "@workflow\ndef other(order_id: int) -> int:\n    return 1\n"
)


def test_a_named_tuple_is_taken_apart() -> None:
    text = body("a, b = price_of(1)\na, _ = call(price_of(a), retry=2)", head=PRICE)
    _, _, (workflow, found) = read_source(text)
    assert found == []
    assert workflow is not None
    first, names, second, name = workflow.steps
    assert isinstance(first, CallStep)
    assert isinstance(second, CallStep)
    assert isinstance(names, LetStep)
    assert isinstance(name, LetStep)
    assert [bound.text for bound, _ in names.bindings] == ["a", "b"]
    assert [bound.text for bound, _ in name.bindings] == ["a"]
    assert first.head.name is not None
    assert second.head.name is not None
    assert (first.head.name.text, second.head.name.text) == ("a_b", "a_2")


def test_a_result_is_taken_apart_in_each_round() -> None:
    loop = "for n in (1, 2):\n    a, b = price_of(n)\n    sql('select :a, :b')"
    _, _, (workflow, found) = read_source(body(loop, head=PRICE))
    assert found == []
    assert workflow is not None
    assert [step.head.name and step.head.name.text for step in workflow.steps] == [
        *("a_b", None, None),
        *("a_b", None, None),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("a, b, c = price_of(1)", '"Price" has 2 parts: net, label'),
        ("a, (b, c) = price_of(1)", '"Price" has 2 parts: net, label'),
        ("a, a = price_of(1)", '"a" is bound twice by the same statement'),
        ("a, b = other(1)", "a result can't be unpacked: its columns are read by name"),
        ("a, b = sql('select 1')", "a result can't be unpacked: its columns are read"),
    ],
)
def test_what_can_not_be_taken_apart(line: str, message: str) -> None:
    _, _, (_, (found,)) = read_source(body(line, head=PRICE))
    assert found.code == "WF176"
    assert found.message.startswith(message)


SPEED = TYPES + (
    "class Speed(StrEnum):\n    SLOW = 'slow'\n    FAST = 'fast'\n"
    "class Bits(IntFlag):\n    ONE = 1\n    TWO = 2\n"
)


@pytest.mark.parametrize(
    ("input_", "written", "check"),
    [
        ("s: Speed", "text", "s in ('slow', 'fast')"),
        ("s: 'Speed'", "text", "s in ('slow', 'fast')"),
        ("s: Speed = Speed.FAST", "text = 'fast'", "s in ('slow', 'fast')"),
        ("s: Speed | None", "text?", "s is null or s in ('slow', 'fast')"),
        ("s: Literal[1, 2]", "bigint", "s in (1, 2)"),
        ("s: Literal['a', None]", "text?", "s is null or s in ('a')"),
        ("s: Literal[Speed.SLOW]", "text", "s in ('slow')"),
        ("s: Annotated[Speed, 'shop.speed']", "shop.speed", None),
        ("s: list[Speed]", "text[]", None),
        ("s: Bits", "bigint", None),
    ],
)
@pytest.mark.parametrize("future", ["", FUTURE])
def test_inputs_of_some_values_are_checked(
    input_: str, written: str, check: str | None, future: str
) -> None:
    found = as_yaml(future + body("sleep('1s')", input_, SPEED))
    assert f"\n  s: {written}\n" in found
    if check is None:
        assert "assert" not in found
    else:
        assert f"steps:\n  - assert: {check}\n    message: " in found


@pytest.mark.parametrize(
    ("input_", "written"),
    [
        ("a: tuple[str, ...] = ()", "text[] = '{}'"),
        ("a: list[int] = [1, -2]", "bigint[] = '{1,-2}'"),
        ("a: list[str] = ['a b', 'c\"d\\\\']", r"""text[] = '{"a b","c\"d\\"}'"""),
        ("a: list[Decimal] = LIMITS", "numeric[] = '{1.50,null}'"),
        (
            "a: dict = {'late': False, 'n': [1]}",
            'jsonb = \'{"late": false, "n": [1]}\'',
        ),
        ("a: dict | None = None", "jsonb?"),
    ],
)
def test_defaults_may_be_lists_and_objects(input_: str, written: str) -> None:
    head = "from decimal import Decimal\nLIMITS = [Decimal('1.50'), None]\n"
    text = body("sleep('1s')", input_, head)
    ((workflow, found),) = read_source(text)
    assert found == []
    assert workflow is not None
    (made,) = workflow.inputs
    default = f" = {postgres(made.default)}" if made.default is not None else ""
    assert made.type.name + "?" * made.type.nullable + default == written
    assert as_yaml(text)


@pytest.mark.parametrize("default", ["[object()]", "{1: object()}", "[[1]] * 3"])
def test_other_defaults_are_refused(default: str) -> None:
    head = f"X = {default}\n"
    assert findings("sleep('1s')", "a: list[int] = X", head)[:1] == [("WF195", "X")]


@pytest.mark.parametrize("future", ["", FUTURE])
@pytest.mark.parametrize(
    "hint",
    [
        "Annotated[str | None, 'citext']",
        "Annotated[Optional[str], 'citext']",
        "Annotated[Any, 'citext?']",
        "Annotated[str, 'citext'] | None",
        "'Annotated[str | None, \\'citext\\']'",
        "Text",
    ],
)
def test_a_type_by_its_name_may_be_null(hint: str, future: str) -> None:
    head = TYPES + "Text = Annotated[str | None, 'citext']\n"
    text = future + body("sleep('1s')", f"a: {hint} = None", head)
    assert "\n  a: citext?\n" in as_yaml(text)


@pytest.mark.parametrize("future", ["", FUTURE])
@pytest.mark.parametrize(
    ("hint", "meant"),
    [
        ("Annotated[int, Gt(0)]", "bigint"),
        ("Annotated[int | None, Gt(0), 'integer']", "integer?"),
        ("Positive", "bigint"),
        ("'Positive | None'", "bigint?"),
        ("list[Annotated[str, Gt(1)]]", "text[]"),
    ],
)
def test_annotations_for_others_are_passed_over(
    hint: str, meant: str, future: str
) -> None:
    head = TYPES + "class Gt:\n    def __init__(self, n): pass\n"
    head += "Positive = Annotated[int, Gt(0)]\n"
    text = future + body("sleep('1s')", f"a: {hint}", head)
    assert f"\n  a: {meant}\n" in as_yaml(text)


def test_the_signature_does_not_see_its_own_names() -> None:
    head = "from datetime import *\n"
    text = body("sleep('1s')", "date: date, time: time | None, d: date", head)
    assert "\n  date: date\n  time: time?\n  d: date\n" in as_yaml(text)


def test_workflows_of_other_decorators_are_not_passed_over() -> None:
    text = body("sleep('1s')", head="mine = workflow(timeout='2h')\n")
    (_, found), *_ = read_source(text.replace("@workflow", "@mine"))
    assert [each.code for each in found] == ["WF190"]


def test_names_that_only_checkers_import_have_a_help() -> None:
    head = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from x import Y\n"
    text = FUTURE + body("sleep('1s')", "a: Y", head)
    ((_, (found,)),) = read_source(text)
    assert found.help == 'import "Y" in this module, and not below if TYPE_CHECKING:'


def test_constants_for_inputs_of_some_values_are_checked() -> None:
    one = "@workflow\ndef one(s: Speed, n: Literal[1, 2] = 1):\n    sleep('1s')\n"
    text = "one('slow')\none(Speed.FAST, 2)\none('high')\none(s='slow', n=3)"
    found = findings(text, head=SPEED + one)
    assert found == [("WF191", "'high'"), ("WF191", "3")]
    assert findings("sleep('1s')", "n: Literal[1] = 2", TYPES) == [("WF191", "2")]


def test_a_check_stands_at_its_input() -> None:
    first, *_ = steps("sleep('1s')", "s: Speed", SPEED)
    text = body("sleep('1s')", "s: Speed", SPEED)
    assert text[first.head.whole.start : first.head.whole.end] == "s"
