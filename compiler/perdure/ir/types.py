"""Types, result shapes and variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Cardinality = Literal["one", "maybe", "many"]


@dataclass(frozen=True, slots=True)
class Scalar:
    """A PostgreSQL type under its canonical name, as `format_type` prints it."""

    name: str

    @property
    def base(self) -> str:
        """The name without its modifier: `numeric(12,2)` is `numeric`."""
        return re.sub(r"\([^)]*\)", "", self.name)


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object with known members."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Items:
    """A JSON list with items of one type."""

    item: Type
    nullable: bool


Type = Scalar | Record | Items

JSONB = Scalar("jsonb")
TEXT = Scalar("text")
BOOLEAN = Scalar("boolean")


@dataclass(frozen=True, slots=True)
class Field:
    """A column of a result, or a member of a record."""

    name: str
    type: Type
    nullable: bool


@dataclass(frozen=True, slots=True)
class Variable:
    """Something that a reference can name.

    `id` is unique in the workflow and made of `[a-z0-9_]`; arms of an `if` that bind
    the same name share one variable. What the kinds hold:

    * `input`, `value` (a `let`): one value; its only field is named `value`;
    * `rows`: the result of an SQL step, with its columns;
    * `http`: `status integer, ok boolean, headers jsonb, body text, json jsonb?`;
    * `signal`: `timed_out boolean, data <payload>?`;
    * `race`: `winner text`;
    * `item`: the row of a `foreach`, with its columns;
    * `error`: `step`, `message`, `sqlstate`, `detail`, all `text`;
    * `run`: `id text, workflow text, version integer, started_at timestamptz`.

    After a race, a name bound in one of its branches is a variable of its own, of
    the same kind, nullable throughout (see `ir.tree.Export`). So is, but with no
    variable of its own, what a step binds that `when` may skip.
    """

    id: str
    name: str
    kind: Literal[
        "input", "value", "rows", "http", "signal", "race", "run", "item", "error"
    ]
    fields: tuple[Field, ...]
    cardinality: Cardinality = "one"
