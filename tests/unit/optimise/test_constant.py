"""What is known of an expression before it runs."""

from __future__ import annotations

from decimal import Decimal

import pytest

from perdure.ir.constant import UNKNOWN, Known, Value, constants, simplified, value_of
from perdure.ir.expr import Expression, Reference
from perdure.ir.types import BOOLEAN, TEXT, Scalar, Type

X = Reference("x", (), BOOLEAN, False)
DEBUG = Reference("debug", (), BOOLEAN, False)
LETS: dict[str, Known] = {"debug": False, "mode": "it's", "most": Decimal(10)}


def expr(*parts: str | Reference, type: Type = BOOLEAN) -> Expression:
    return Expression(parts, type, True, True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True),
        ("(not true)", False),
        ("(not null)", None),
        ("(1 = 1.0)", True),
        ("(1 <> 1)", False),
        ("(2 < 10)", True),
        ("(2 >= 10)", False),
        ("((-5) < 3)", True),
        ("('a' = 'a')", True),
        ("('a' != 'a ')", True),
        ("('it''s' = 'its')", False),
        ("('a' < 'b')", UNKNOWN),
        ("('1' = 1)", UNKNOWN),
        ("(null = 1)", None),
        ("(null is null)", True),
        ("(1 is not null)", True),
        ("(true and null)", None),
        ("(false and null)", False),
        ("(true or null)", True),
        ("(1 in (1, 2))", True),
        ("(3 not in (1, 2))", True),
        ("(3 in (1, null))", None),
        ("(3 in (1, now()))", UNKNOWN),
        ("cast(5 as bigint)", Decimal(5)),
        ("cast(5.5 as bigint)", UNKNOWN),
        ("cast(40000 as smallint)", UNKNOWN),
        ("cast('5' as bigint)", UNKNOWN),
        ("cast(null as shop.status)", None),
        ("(1 + 1)", UNKNOWN),
        ("(1 = lower('a'))", UNKNOWN),
        ("lower('a')", UNKNOWN),
        ("(case when true then 1 end)", UNKNOWN),
        ("(1 between 0 and 2)", UNKNOWN),
        ("('a' like '%')", UNKNOWN),
        ("((1 = 1)", UNKNOWN),
        ("1)", UNKNOWN),
        ("(" * 500 + "true" + ")" * 500, UNKNOWN),
    ],
)
def test_constants(text: str, expected: Value) -> None:
    assert value_of(expr(text), {}) == expected


def test_a_side_that_decides_alone() -> None:
    assert value_of(expr("(false and ", X, ")"), {}) is False
    assert value_of(expr("(", X, " or true)"), {}) is True
    assert value_of(expr("(true and ", X, ")"), {}) is UNKNOWN


def test_known_variables() -> None:
    mode = Reference("mode", (), TEXT, False)
    assert value_of(expr("(not ", DEBUG, ")"), LETS) is True
    assert value_of(expr("(", mode, " in ('it''s', 'b'))"), LETS) is True
    assert value_of(
        expr("(", Reference("most", ("a",), TEXT, False), " = 1)"), LETS
    ) is (UNKNOWN)


def test_which_variables_are_constants() -> None:
    bigint = Scalar("bigint")
    lets = [
        ("once", expr("5", type=bigint)),
        ("copy", expr(Reference("once", (), bigint, False), type=bigint)),
        ("twice", expr("true")),
        ("twice", expr("true")),
        ("elsewhere", expr("true")),
        ("date", expr("'2030-01-01'", type=Scalar("date"))),
        ("small", expr("1.5", type=bigint)),
        ("later", Expression(("now()",), TEXT, False, False)),
    ]
    assert constants(lets, ["elsewhere"]) == {"once": 5, "copy": 5}


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        (("(true and ", X, ")"), (X,)),
        (("(", X, " or ", DEBUG, ")"), (X,)),
        (
            ("((true and ", X, ") or (", X, " is null))"),
            ("(", X, " or (", X, " is null))"),
        ),
        (("(", X, " and ", X, ")"), None),
        (("(not (true and ", X, "))"), None),
        ((X,), None),
    ],
)
def test_operands_that_decide_nothing(
    parts: tuple[str | Reference, ...], expected: tuple[str | Reference, ...] | None
) -> None:
    assert simplified(expr(*parts), LETS) == expected
