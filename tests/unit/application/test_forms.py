"""Whether what is given has the declared form: tables, without a database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Annotated, Any, TypedDict

import pytest

from perdure.application.errors import WrongInput
from perdure.application.forms import check_input, surplus


@dataclass
class Point:
    x: int


class Shape(TypedDict):
    at: Point


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (["a"], list[str]),
        (("a", "b"), Annotated[list[str], "text[]"]),
        (["a", None], list[str | None]),
        ([[1, 2], [3]], list[list[int]]),
        ([None, [1], {}], list[Any]),
        (None, list[str] | None),
        ({}, dict[str, Any]),
        (Point(1), dict),
        ({"x": 1}, Point),
        ([{"at": 1}], list[Shape]),
        ([1], Any),
        ([1], object),
    ],
)
def test_what_has_the_form_is_accepted(value: object, wanted: Any) -> None:
    check_input(value, wanted, 'input "it"')


@pytest.mark.parametrize(
    ("value", "wanted", "message"),
    [
        (["a", None], list[str], '^an item of input "it" may not be None'),
        ([["a"], ["b"]], list[str], '^an item of input "it" is str, not list'),
        ([["a"], ["b"]], Annotated[list[str], "text[]"] | None, "str, not list"),
        ([1, 2], dict, '^input "it" is an object, not list'),
        ("{}", dict[str, Any] | None, "^input \"it\" is an object, not str '{}'"),
        (1, Point, "is an object, not int 1"),
        ([[1]], list[Shape], '^an item of input "it" is an object'),
    ],
)
def test_another_form_is_refused(value: object, wanted: Any, message: str) -> None:
    with pytest.raises(WrongInput, match=message):
        check_input(value, wanted, 'input "it"')


SHAPE = {
    "price": {"?": "numeric(10,2)"},
    "lines": [{"n": "bigint"}],
    "note": "text",
    "on": "date",
    "at": "timestamp(3) with time zone",
    "days": "date[]",
    "any": "jsonb",
    "own": "shop.state",
}
NOON = datetime(2030, 1, 31, 12)
DAY = date(2030, 1, 31)


@dataclass
class Times:
    on: date
    at: datetime


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"price": 1, "note": "1", "lines": [{"n": 1}]}, []),
        ({"price": None}, []),
        ({"prise": 1}, ['data has no member "prise"; did you mean "price"?']),
        ({"price": "7"}, ['data.price is the text "7", expected numeric(10,2)']),
        (
            {"lines": [{"n": 1}, {"n": "2", "zz": 1}]},
            [
                'data.lines[1].n is the text "2", expected bigint',
                'data.lines[1] has no member "zz"; it has: n',
            ],
        ),
        (Times(DAY, NOON.replace(tzinfo=UTC)), []),
        ({"on": "2030-01-31", "at": "2030-01-31T12:00Z", "days": [DAY, None]}, []),
        ({"any": NOON, "own": True, "price": 1.5}, []),
        (
            Times(NOON, NOON),
            [
                f"data.on is date, not datetime {NOON!r}",
                f"data.at is timestamp(3) with time zone, not datetime {NOON!r}"
                "; it needs a time zone, as in datetime.now(UTC)",
            ],
        ),
        (
            {"at": DAY, "days": [DAY, NOON]},
            [
                f"data.at is timestamp(3) with time zone, not date {DAY!r}"
                "; a date has no time of day, a datetime has",
                f"data.days[1] is date, not datetime {NOON!r}",
            ],
        ),
        (
            {"on": "tomorrow", "note": 1},
            [
                "data.on is date, not str 'tomorrow'; as text it is written 2030-01-31",
                "data.note is text, not int 1",
            ],
        ),
    ],
)
def test_surplus_of_data_is_found(value: object, found: list[str]) -> None:
    assert list(surplus(value, SHAPE, "data")) == found
