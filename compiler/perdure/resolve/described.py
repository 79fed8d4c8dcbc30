"""The text that PostgreSQL is asked about, and the way back from its positions.

Every reference becomes `($n)::type`, the same number for the same value. A position
in PostgreSQL's answer is found in the piece that it falls into.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from perdure.ir.expr import Reference
from perdure.ir.types import Record
from perdure.resolve.types import sql_type

Place = TypeVar("Place")


@dataclass
class Asked(Generic[Place]):
    """An SQL text under construction, with a place for each of its pieces."""

    pieces: list[str] = field(default_factory=list)
    starts: list[int] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    numbers: dict[tuple[str, tuple[str, ...]], int] = field(default_factory=dict)
    length: int = 0
    nulls: set[int] = field(default_factory=set)
    """The numbers of parameters that may be null."""

    @property
    def given(self) -> frozenset[int]:
        """The numbers of parameters that are never null."""
        return frozenset(self.numbers.values()) - self.nulls

    @property
    def sql(self) -> str:
        """The text so far."""
        return "".join(self.pieces)

    def add(self, content: str | Reference, place: Place) -> None:
        """Append a piece that stands for `place`."""
        text = content if isinstance(content, str) else self._parameter(content)
        self.pieces.append(text)
        self.starts.append(self.length)
        self.places.append(place)
        self.length += len(text)

    def place(self, position: int | None) -> Place | None:
        """Return the place of a position in the text, None for none."""
        if position is None or not self.starts:
            return None
        return self.places[max(bisect_right(self.starts, position) - 1, 0)]

    def _parameter(self, reference: Reference) -> str:
        key = (reference.variable, reference.path)
        number = self.numbers.setdefault(key, len(self.numbers) + 1)
        if reference.nullable:
            self.nulls.add(number)
        if reference.row_set:
            return _row_set(reference, number)
        return f"(${number})::{sql_type(reference.type)}"


def _row_set(reference: Reference, number: int) -> str:
    assert isinstance(reference.type, Record)
    columns = ", ".join(
        f"{quoted(column.name)} {sql_type(column.type)}"
        for column in reference.type.fields
    )
    rows = f"jsonb_to_recordset((${number})::jsonb) as r({columns})"
    alias = "" if reference.alias is None else f" as {quoted(reference.alias)}"
    return f"(select * from pg_catalog.{rows}){alias}"


def quoted(name: str) -> str:
    """Return a name as a quoted identifier."""
    return '"' + name.replace('"', '""') + '"'
