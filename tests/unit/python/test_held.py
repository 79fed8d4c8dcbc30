"""What a module holds is looked at without a call of the user's code."""

from __future__ import annotations

import datetime
from decimal import Decimal
from uuid import UUID

import pytest

from perdure.frontend.python.held import Opaque, Record, Row, held, shown
from perdure.source import Text
from perdure.syntax.tree import (
    Constant,
    HttpStep,
    LetStep,
    Mapping,
    ReturnStep,
    SqlStep,
)
from tests.unit.python.reading import body, findings, read_source, steps

SHY = """
class Shy:
    def ended(self, *args):
        raise SystemExit("the user's code was called")
    __eq__ = __hash__ = __repr__ = __str__ = __bool__ = __len__ = __iter__ = ended
    __getattr__ = __format__ = __neg__ = __add__ = __radd__ = __contains__ = ended
    __getitem__ = __call__ = __lt__ = __index__ = __enter__ = ended
    @property
    def __class__(self):
        raise SystemExit("the user's code was called")
class Meta(type):
    __eq__ = __hash__ = __getattr__ = __instancecheck__ = Shy.ended
class Odd(metaclass=Meta):
    pass
shy = Shy()
many, named = [shy, shy], {"a": shy}
"""
EXPRESSIONS = [
    "{}", "{} + 1", "1 + {}", "-{}", "not {}", "{} == 1", "a == {}", "a in {}",
    "a in (1, {})", "{}.name", "{}[0]", "{}.get()", "{}()", "f'{{{}}}'", "'x' + {}",
    "cast(a, {})", "func.abs({})", "coalesce({}, 1)", "expr({})", "interval({})",
    "1 if {} else 2", "many[0] + {}", "named[{}]",
]  # fmt: skip
STATEMENTS = [
    "sql({})", "sql(f'select {{{}}}')", "sleep({})", "for x in {}:\n    sleep('1s')",
    "match a:\n    case {}.name:\n        sleep('1s')", "raise {}", "raise {}('x')",
    "parallel(a={}, b={})", "call({}, {})", "start({}, key={})", "return {}",
    "signal('s', to={}, data={})", "with {}:\n    sleep('1s')", "return [many, {}]",
    "http.get('http://x.example.com', headers={}, retry={}, timeout={})",
    "http.post('http://x.example.com', json={{'a': many, 'b': {}}})",
    "http.post('http://x.example.com', form=named, expect_status={})",
    "wait_for_signal('s', payload={})", "wait_for_schedule('0 9 * * *', timezone={})",
    "try:\n    sleep('1s')\nexcept {} as err:\n    sleep('1s')", "assert {}, {}",
    "for x in enumerate({}):\n    sleep('1s')", "for x in range({}):\n    sleep('1s')",
    "x: {} = 1", "@{}\ndef f():\n    sleep('1s')", "sql('select 1', expect={})",
    "sql('select 1', retry=Retry(max_attempts={}, on={}))",
]  # fmt: skip


@pytest.mark.parametrize("name", ["shy", "Odd"])
@pytest.mark.parametrize("form", [f"x = {each}" for each in EXPRESSIONS] + STATEMENTS)
def test_nothing_of_the_user_s_is_called(form: str, name: str) -> None:
    written = form.replace("{}", name).replace("{{", "{").replace("}}", "}")
    ((_, found),) = read_source(body(written, "a: int", SHY))
    assert found
    assert all(each.severity == "error" for each in found)


@pytest.mark.parametrize("name", ["shy", "Odd", "list[Odd]", "'Odd | None'"])
def test_nothing_is_called_in_a_signature(name: str) -> None:
    text = body("sleep('1s')", f"a: {name}, b: int = shy", SHY)
    ((_, found),) = read_source(
        text.replace("):\n    sleep", f") -> {name}:\n    sleep")
    )
    assert {each.code for each in found} <= {"WF192", "WF195"}
    assert found


ODD_SUBCLASSES = """
class N(int):
    def __str__(self): return "seven"
    __repr__ = __format__ = __str__
    def __eq__(self, other): return True
    def __hash__(self): return 1
    def __neg__(self): return 1000
    def __add__(self, other): return 1000
class S(str):
    def __str__(self): return "other"
class D(dict):
    def items(self): return [("other", 1)]
class L(list):
    def __iter__(self): return iter(["other"])
n, s, d, l = N(7), S("text"), D(a=1), L([1])
"""


def test_subclasses_of_plain_types_are_what_they_hold() -> None:
    text = 'return {"n": n, "f": f"{n}", "m": -n, "p": n + 1, "d": d, "l": l, "s": s}'
    (step,) = steps(text, "a: int", ODD_SUBCLASSES)
    assert isinstance(step, ReturnStep)
    assert isinstance(step.value, Mapping)
    values = {name.text: value for name, value in step.value.entries}
    numbers = {"n": "7", "m": "-7", "p": "8"}
    for name, number in numbers.items():
        value = values[name]
        assert isinstance(value, Constant)
        assert value.text == number
    assert "seven" not in repr(step)
    assert "other" not in repr(step)


def test_records_rows_and_members_of_enums_are_read() -> None:
    head = (
        "from dataclasses import dataclass\nfrom enum import Enum\n"
        "from types import SimpleNamespace\nfrom typing import NamedTuple\n"
        "@dataclass(frozen=True, slots=True)\nclass Settings:\n    limit: int = 5\n"
        "    @property\n    def double(self): return self.limit * 2\n"
        "class Pair(NamedTuple):\n    first: int\n    second: int\n"
        "class Level(Enum):\n    LOW = 1\n    @property\n"
        "    def label(self): return self.name.lower()\n"
        "settings, pair, space = Settings(), Pair(1, 2), SimpleNamespace(x=3)\n"
    )
    text = (
        "b, c, d = settings.limit, settings.double, pair.second\n"
        "e, f, g = space.x, Level.LOW.label, Level.LOW.value\n"
    )
    (step,) = steps(text, "a: int", head)
    assert isinstance(step, LetStep)
    found = {name.text: getattr(value, "text", None) for name, value in step.bindings}
    assert found == {"b": "5", "c": "10", "d": "2", "e": "3", "f": "low", "g": "1"}


def test_a_named_tuple_is_an_object_in_json() -> None:
    head = "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\np = P(1)\n"
    meant = steps("return {'x': 1}")
    assert steps("return P(1)", head=head) == steps("return p", head=head) == meant


def test_records_are_read_in_loops_over_constants() -> None:
    head = (
        "from dataclasses import dataclass\nfrom typing import NamedTuple\n"
        "@dataclass\nclass Plan:\n    name: str\n"
        "class Host(NamedTuple):\n    code: str\n    url: str\n"
        "hosts, plans = [Host('eu', 'https://eu.example.com')], (Plan('pro'),)\n"
    )
    text = """
    for host, plan in zip(hosts, plans):
        http.get(f"{host.url}/{plan.name}")
    for code, url in hosts:
        sql("select :code as code, :url as url")
    """
    first, _, third = steps(text, "a: int", head)
    assert isinstance(first, HttpStep)
    (url,) = first.url.parts
    assert isinstance(url, Text)
    assert url.value == "https://eu.example.com/pro"
    assert isinstance(third, SqlStep)


def test_members_of_classes_with_a_class_of_their_own_are_read() -> None:
    """As Django's models and choices are."""
    head = (
        "from enum import Enum, EnumMeta\n"
        "class Choices(EnumMeta):\n    pass\n"
        "class ModelBase(type):\n"
        "    def __getattr__(cls, name): raise SystemExit(3)\n"
        "class Order(metaclass=ModelBase):\n    LIMIT = 5\n"
        "    class Status(str, Enum, metaclass=Choices):\n        OPEN = 'open'\n"
        "        @property\n        def label(self): return self.name.title()\n"
    )
    text = "b, c, d = Order.LIMIT, Order.Status.OPEN, Order.Status.OPEN.label"
    (step,) = steps(text, "a: int", head)
    assert isinstance(step, LetStep)
    found = [getattr(value, "text", None) for _, value in step.bindings]
    assert found == ["5", "open", "Open"]
    assert findings("x = Order", "a: int", head) == [("WF195", "Order")]


def test_a_property_that_fails_is_no_constant() -> None:
    head = (
        "from dataclasses import dataclass\n"
        "@dataclass\nclass Settings:\n    @property\n"
        "    def limit(self): raise SystemExit(3)\n"
        "settings = Settings()\n"
    )
    assert findings("x = settings.limit", "a: int", head) == [
        ("WF195", "settings.limit")
    ]


def test_values_are_held_by_their_type() -> None:
    class Text(str):
        __slots__ = ()

    class Own(datetime.datetime):
        pass

    moment = Own(2030, 1, 2, tzinfo=datetime.UTC)
    assert type(held(Text("a"))) is str
    assert type(held(moment)) is datetime.datetime
    assert held(moment) == moment
    for plain in (1, 1.5, "a", b"b", None, True, Decimal(1), UUID(int=1), range(3)):
        assert held(plain) is plain
    assert isinstance(held(object), type)
    assert isinstance(held(Exception("x")), Exception)
    assert isinstance(held(test_values_are_held_by_their_type.__class__), type)


def test_what_holds_itself_ends() -> None:
    inside: list[object] = [1]
    inside.append(inside)
    found = held(inside)
    assert found[1] is found
    assert shown(found) == "[1, [1, [1, ...]]]"
    assert isinstance(held(Row()), tuple)
    assert shown(Opaque("Thing")) == "<Thing>"
    assert shown(Record("Settings", {}, None)) == "Settings(...)"
