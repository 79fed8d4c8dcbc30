"""What the catalog answers: data, and the protocol that resolve relies on.

Parameters are written `$1`, `$2`, ... in the SQL that is asked about, each already
cast at its use (`($1)::bigint`), so that the answer holds for the SQL that will run.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

StatementKind = Literal["select", "insert", "update", "delete", "merge", "other"]


@dataclass(frozen=True, slots=True)
class Column:
    """A result column; `type` as `format_type` prints it, with its modifier."""

    name: str
    type: str
    nullable: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a statement without running it.

    `cardinality` is what is proved of the rows returned (`many`: nothing is).
    `star` says that the select list of the outermost query has a `*`. `reads` and
    `writes` are schema-qualified table names, sorted. `analysed` is False where the
    static side could not read the statement; the other fields are then cautious.
    """

    kind: StatementKind
    returns_rows: bool
    cardinality: Literal["one", "maybe", "many"]
    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()
    has_where: bool = True
    star: bool = False
    analysed: bool = True


@dataclass(frozen=True, slots=True)
class WrittenNull:
    """Columns that take no null, and of which a statement writes one.

    `left`: it gives them no value, and they have no default; `written`: it gives one of
    them a null. `position` is an offset into the SQL that was asked.
    """

    table: str
    columns: tuple[str, ...]
    how: Literal["left", "written"]
    position: int


@dataclass(frozen=True, slots=True)
class Described:
    """A statement that PostgreSQL accepts. Statements without rows have no columns.

    `nulls` are those for which PostgreSQL will refuse its rows when it runs.
    """

    columns: tuple[Column, ...]
    facts: Facts
    nulls: tuple[WrittenNull, ...] = ()


@dataclass(frozen=True, slots=True)
class Typed:
    """The type of an expression, and whether all functions in it are immutable."""

    type: str
    immutable: bool


@dataclass(frozen=True, slots=True)
class Computed:
    """The value of an expression, as text; not `settled`: only running it tells."""

    settled: bool
    text: str | None


@dataclass(frozen=True, slots=True)
class Rejected:
    """PostgreSQL's objection; `position` is an offset into the SQL that was asked."""

    message: str
    sqlstate: str
    position: int | None
    hint: str | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    """A function or a view, with its schema, and a digest of its definition."""

    name: str
    digest: str


Given = frozenset[int]
NONE: Given = frozenset()


class Catalog(Protocol):
    """Answers questions about the project's schema."""

    def describe(self, sql: str, given: Given = NONE) -> Described | Rejected:
        """Describe one statement with parameters `($1)::type`.

        `given` are the numbers of those that are never null.
        """
        ...

    def typeof(self, expr: str) -> Typed | Rejected:
        """Return the type of a scalar expression with parameters `($1)::type`."""
        ...

    def compute(self, expr: str) -> Computed | Rejected:
        """Compute an expression without parameters, if it is always the same."""
        ...

    def is_volatile(self, expr: str) -> bool:
        """Say whether two evaluations in one statement may differ (`random()`)."""
        ...

    def canonical_type(self, name: str) -> str | None:
        """Return the canonical spelling of a type, None when there is no such type."""
        ...

    def under(self, path: tuple[str, ...]) -> Catalog:
        """Return the catalog as statements with this search path see it."""
        ...
