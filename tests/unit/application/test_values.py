"""Values as text for PostgreSQL, and results as values: tables, without a database."""

from __future__ import annotations

import datetime
import enum
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from decimal import Decimal
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypedDict,
)
from uuid import UUID

import pytest

from perdure.application.errors import WrongInput, WrongResult
from perdure.application.results import decode, returned
from perdure.application.values import as_json, as_text

NOON = datetime.datetime(2030, 1, 2, 12, tzinfo=UTC)


class Colour(enum.Enum):
    red = "RED"


class Pair(NamedTuple):
    x: int
    note: str | None = None


@dataclass
class Point:
    x: int
    y: Decimal | None = None
    norm: float = field(default=0, init=False)


class Shape(TypedDict):
    at: Point
    name: NotRequired[str]


Id = NewType("Id", int)


@pytest.mark.parametrize(
    ("value", "type_", "text"),
    [
        (None, "bigint", None),
        (-(2**15), "smallint", "-32768"),
        (Decimal("1E+3"), "numeric", "1E+3"),
        (5, "numeric(10,2)", "5"),
        (0.1, "double precision", "0.1"),
        (False, "boolean", "false"),
        (Colour.red, "text", "RED"),
        ("x", "character varying(5)", "x"),
        (NOON, "timestamp with time zone", "2030-01-02T12:00:00+00:00"),
        ("2030-01-02", "date", "2030-01-02"),
        ("2030-01-02 12:00+02", "timestamp with time zone", "2030-01-02 12:00+02"),
        (
            "2030-01-02T12:00:00.5",
            "timestamp without time zone",
            "2030-01-02T12:00:00.5",
        ),
        (str(UUID(int=1)), "uuid", str(UUID(int=1))),
        (date(2030, 1, 2), "date", "2030-01-02"),
        (timedelta(-1, 5, 7), "interval", "-1 days +5 seconds +7 microseconds"),
        (UUID(int=1), "uuid", "00000000-0000-0000-0000-000000000001"),
        (b"\x01\xff", "bytea", "\\x01ff"),
        ("open", "shop.state", "open"),
        ([1, None], "bigint[]", '{"1",NULL}'),
        (['a"b', "\\", "NULL", ""], "text[]", '{"a\\"b","\\\\","NULL",""}'),
        ([[1, 2], [3, 4]], "integer[]", '{{"1","2"},{"3","4"}}'),
        ([], "text[]", "{}"),
        ([{"a": 1}], "jsonb[]", '{"{\\"a\\":1}"}'),
        (
            {"a": [Decimal("1.10"), NOON]},
            "jsonb",
            '{"a":[1.10,"2030-01-02T12:00:00+00:00"]}',
        ),
        ("text", "jsonb", '"text"'),
    ],
)
def test_values_become_text(value: object, type_: str, text: str | None) -> None:
    assert as_text(value, type_, "it") == text


@pytest.mark.parametrize(
    ("value", "type_", "message"),
    [
        (True, "bigint", "is bigint, not bool True"),
        (1, "boolean", "is boolean, not int 1"),
        ("1", "numeric", "not str '1'"),
        (2**31, "integer", "is integer, not int 2147483648"),
        (1.0, "bigint", "not float"),
        (1, "text", "is text, not int 1"),
        (NOON, "date", "is date, not datetime"),
        (NOON.timetz(), "time without time zone", "it may not have a time zone"),
        (NOON.time(), "time with time zone", "it needs a time zone"),
        (NOON, "timestamp without time zone", "may not have a time zone"),
        (NOON.replace(tzinfo=None), "timestamp with time zone", "needs a time zone"),
        (object(), "uuid", "is uuid, not object"),
        (date(2030, 1, 2), "timestamp with time zone", "a date has no time of day"),
        (date(2030, 1, 2), "timestamp without time zone", "no time of day"),
        (5, "date", "is date, not int 5"),
        ("yesterday", "date", '^input "it" is date, .* written 2030-01-31'),
        ("01/02/2026", "date", "is date, not str '01/02/2026'"),
        ("2026-02-30", "date", "is date, not str '2026-02-30'"),
        ("2026-01-01", "timestamp with time zone", r"written 2030-01-31T12:00:00\+"),
        ("2026-01-01T12:00", "timestamp with time zone", "not str"),
        ("2026-01-01T12:00Z", "timestamp without time zone", "not str"),
        ("noon", "time without time zone", "written 12:00:00"),
        ("zz", "uuid", '^input "it" is uuid, not str'),
        ("abc", "bytea", r"as in text.encode\(\)"),
        ("abc", "text[]", r"is text\[\], not str"),
        ([1], "text[]", '^an item of input "it" is text, not int 1'),
        ([b"", "x"], "bytea[]", '^an item of input "it" is bytea, not str'),
        ({1: 2}, "jsonb", "a key that is no text: 1"),
        ({"a": float("nan")}, "jsonb", "holds nan"),
        ({"a": {1, 2}}, "jsonb", "holds set"),
    ],
)
def test_other_values_are_refused(value: object, type_: str, message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        as_text(value, type_, "it")


def test_dataclasses_are_objects() -> None:
    assert as_json([Pair(1)], "it") == '[{"x":1,"note":null}]'
    assert as_json(Point(1, Decimal("2.50")), "it") == '{"x":1,"y":2.50,"norm":0}'


@pytest.mark.parametrize(
    ("value", "wanted", "result"),
    [
        ({"a": 1}, Any, {"a": 1}),
        ({"a": 1}, None, None),
        (Decimal("1.0"), int, 1),
        (1, Decimal, Decimal(1)),
        ("-Infinity", float, float("-inf")),
        ("2030-01-02T12:00:00+00:00", datetime.datetime, NOON),
        ("1 year 2 mons 3 days 04:05:06.5", timedelta, timedelta(428, 14706, 500000)),
        ("-00:00:01", timedelta, timedelta(seconds=-1)),
        ("1 day -00:00:01", timedelta, timedelta(1, -1)),
        ("\\x00ff", bytes, b"\x00\xff"),
        ("RED", Colour, Colour.red),
        (5, Id, 5),
        (None, Optional[int], None),  # noqa: UP045 - as users write it
        ([1, 2], list[Decimal], [Decimal(1), Decimal(2)]),
        ([1, "a"], tuple[int, str], (1, "a")),
        ([1, 2], tuple[int, ...], (1, 2)),
        ({"a": "2030-01-02"}, dict[str, date], {"a": date(2030, 1, 2)}),
        ({"x": 1, "y": 2, "z": 3}, Point, Point(1, Decimal(2))),
        ({"x": 1, "note": "a"}, Pair, Pair(1, "a")),
        ({"x": 1}, Pair, Pair(1)),
        ({"at": {"x": 1}}, Shape, {"at": Point(1)}),
        ({"at": {"x": 1}, "name": None}, Shape, {"at": Point(1)}),
        ({"at": {"x": 1}, "name": "a"}, Shape, {"at": Point(1), "name": "a"}),
        ("a", Literal["a", "b"], "a"),
        ("a", int | str, "a"),
        ([1], Annotated[list[int], "int[]"], [1]),
        ({"a": 1}, dict, {"a": 1}),
    ],
)
def test_results_are_decoded(value: Any, wanted: Any, result: Any) -> None:
    assert decode(value, wanted) == result


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("1", int),
        (True, int),
        (Decimal("1.5"), int),
        (1, str),
        (None, str),
        ("x", datetime.datetime),
        ("infinity", datetime.datetime),
        ("", timedelta),
        ("BLUE", Colour),
        ("c", Literal["a", "b"]),
        ([1], tuple[int, str]),
        ({"a": 1}, list[int]),
        ({"y": 1}, Point),
        ({"name": "x"}, Shape),
        ({"at": {"x": "1"}}, Shape),
        ([], int | str),
    ],
)
def test_results_of_another_type_are_refused(value: Any, wanted: Any) -> None:
    with pytest.raises(WrongResult, match="not of the declared type"):
        decode(value, wanted)


def test_the_value_of_return_is_taken_out() -> None:
    assert returned({"rows": [{"result": 1}], "row_count": 1}) == 1
    other = {"rows": [{"result": 1, "more": 2}], "row_count": 1}
    assert returned(other) == other


def test_integers_may_have_more_digits_than_python_writes() -> None:
    large = 10**5000
    assert as_text(large, "numeric", "n") == "1" + "0" * 5000
    with pytest.raises(WrongInput, match=r'input "n" is bigint, not int$'):
        as_text(large, "bigint", "n")
    with pytest.raises(WrongInput, match=r"not str 'aaa.*\.\.\.$") as error:
        as_text("a" * 10**6, "bigint", "n")
    assert len(str(error.value)) < 200
