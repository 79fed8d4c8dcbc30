"""What is asked of a database, apart from how it is sent there.

An operation is a generator: it yields queries and is sent their values, and it yields
pauses. So it is written once, and drivers of both kinds, blocking and asynchronous,
carry it out; the rejected way, each operation twice, grows apart.
"""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeVar

from perdure.application.values import check_text

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query:
    """A statement that gives one text: `parts` with a value between each two.

    A value is text or null, and a parameter of the statement, never part of its text.
    """

    parts: tuple[str, ...]
    values: tuple[str | None, ...] = ()

    def numbered(self) -> str:
        """Return the statement with parameters `$1`, `$2`, ..."""
        text = self.parts[0]
        for number, part in enumerate(self.parts[1:], 1):
            text += f"${number}{part}"
        return text

    def formatted(self) -> str:
        """Return the statement with parameters `%s`."""
        return "%s".join(part.replace("%", "%%") for part in self.parts)


@dataclass(frozen=True, slots=True)
class Pause:
    """A time to wait, in seconds, before the operation goes on."""

    seconds: float


Operation = Generator[Query | Pause, str | None, T]


def query(text: str, *values: str | None) -> Query:
    """Return a query of a text in which `?` stands for each value.

    Raises WrongInput for a value with characters that PostgreSQL has not.
    """
    for value in values:
        if value is not None:
            check_text(value, "what was given")
    return Query(tuple(text.split("?")), values)


def ask(asked: Query) -> Operation[Any]:
    """Ask for a JSON text and return what it says; numbers with a point are Decimal."""
    answer = yield asked
    return None if answer is None else json.loads(answer, parse_float=Decimal)
