"""A statement as a constant, and the values that it reads beside it.

Values never become code: what the engine would replace in the statement's text stands
in an array next to it instead, as text, and the statement reads `($1)[n]`. Every read
of a value is cast to its type, so its text is as good as the value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from perdure.plan.query import (
    Code,
    Identifier,
    InputRef,
    Piece,
    Query,
    Quoted,
    ResultRef,
    RunRef,
    StringLiteral,
)
from perdure.plan.tree import Origin, Sql, Transaction
from perdure.syntax.sql import Token
from perdure.targets.helpers import as_role, run_id
from perdure.targets.scopes import Part, Pieces, Scope, Where, Work

_JSON = "result"
"""The column in which a run's result is JSON, not text."""


@dataclass(slots=True)
class Values:
    """Collects values; `inner` are those that an earlier statement gives."""

    inner: Mapping[tuple[str, str | None], int] = field(default_factory=dict)
    given: list[Query] = field(default_factory=list)
    needed: list[int] = field(default_factory=list)

    def constant(self, query: Query) -> Query:
        """Return a statement that reads its values from the array."""
        return tuple(self._read(piece) for piece in query)

    def _read(self, piece: Piece) -> Piece:
        match piece:
            case ResultRef(name, column) if (name, column) in self.inner:
                number = self.inner[name, column]
                if not piece.optional:
                    self._need(number)
            case ResultRef(name, column, optional, False):
                lenient = optional or column is not None
                number = self._number(
                    (Code("("), replace(piece, optional=lenient), Code(")::text"))
                )
                if not optional:
                    self._need(number)
            case InputRef():
                number = self._number((Code("("), piece, Code(")::text")))
            case RunRef("id"):
                number = self._number((piece, Code("::text")))
            case RunRef("started_at"):
                number = self._number((Code("("), piece, Code(")::text")))
                return Code(f"select ($1)[{number}]::timestamptz")
            case _:
                return piece
        return Code(f"($1)[{number}]")

    def _number(self, value: Query) -> int:
        if value not in self.given:
            self.given.append(value)
        return self.given.index(value) + 1

    def _need(self, number: int) -> None:
        if number not in self.needed:
            self.needed.append(number)

    @property
    def array(self) -> Pieces:
        """The values in SQL, and which of them may not be null."""
        pieces: list[str | Piece] = []
        for value in self.given:
            pieces += [", " if pieces else "", *value]
        numbers = ", ".join(map(str, sorted(self.needed)))
        return ("array[", *pieces, f"]::text[], array[{numbers}]::integer[]")


def step_of(origin: Origin) -> str:
    """Return what an error calls the step of a node."""
    return origin.name or origin.path


def _head(function: str, scope: Scope) -> Pieces:
    return (f"{function}(", run_id(), ", ", *scope.pieces, ", ")


def _steps(origins: Sequence[Origin]) -> Pieces:
    pieces: list[str | Piece] = []
    for each in origins:
        pieces += [", " if pieces else "array[", StringLiteral(step_of(each))]
    return (*pieces, "]")


# --- one statement --------------------------------------------------------------


def attempt(work: Work, where: Where, node: Sql) -> Part:
    """Return a statement whose failure is kept in the scope."""
    assert where.scope is not None
    values = Values()
    statement = values.constant(node.query)
    columns = work.columns.get(node.result or "", ())
    call: Pieces = (
        *_head("perdure.attempt", where.scope),
        *_steps([node.origin]),
        ",\n  array[",
        Quoted(statement),
        f"], array[{_wanted(columns)}]::text[],\n  ",
        *values.array,
        *_entry(work, where, node),
        ") as a",
    )
    if not columns:
        return Part(_made(node, "select a.ok\nfrom ", *call), True, True, True)
    row = "\nleft join lateral jsonb_array_elements(a.rows -> 0) as r (value) on true"
    query = ("select ", *selected(columns, "r.value"), "\nfrom ", *call, row)
    return Part(_made(node, *query, "\nlimit 1"), True, True, True)


_ALONE = re.compile(
    r"(vacuum|call|alter system|(create|drop) (database|tablespace)) "
    r"|(create|drop|reindex) .*\bconcurrently\b"
)
"""Statements that cannot be executed by a function."""

_EFFECTS = ("sql", "start", "send", "transaction")
"""Roles of the statements that the user wrote, and of starts and signals."""


def _entry(work: Work, where: Where, node: Sql | Transaction) -> Pieces:
    """Return the argument that has a statement kept in the ledger."""
    if not work.kept(node) or node.origin.role not in _EFFECTS:
        return ()
    return (", p_entry => ", *work.entry(where))


def stands_alone(node: Sql) -> bool:
    """Say whether a statement cannot be executed by a function."""
    tokens = [piece for piece in node.query if isinstance(piece, Token)]
    words = [token.text.lower() for token in tokens if token.kind == "word"][:6]
    return _ALONE.match(" ".join(words) + " ") is not None


def once(work: Work, where: Where, node: Sql) -> Sql:
    """Return a statement that ends the run when it fails, and is not done twice."""
    entry = _entry(work, where, node)
    if not entry or stands_alone(node):
        return node
    values = Values()
    statement = values.constant(node.query)
    columns = work.columns.get(node.result or "", ())
    call: Pieces = (
        "perdure.perform(array[",
        Quoted(statement),
        f"], array[{_wanted(columns)}]::text[],\n  ",
        *values.array,
        ",\n  p_run => ",
        run_id(),
        *entry,
        ")",
    )
    if not columns:
        return _made(node, "select ", *call, " is not null as ok")
    row: Pieces = ("\nfrom (select ", *call, " -> 0 -> 0 as row) as r")
    return _made(node, "select ", *selected(columns, "r.row"), *row)


def _wanted(columns: Sequence[str | None]) -> str:
    return "''" if columns else "null"


def selected(columns: Sequence[str | None], row: str) -> Pieces:
    """Return the select list of the columns that are read of a row of JSON."""
    listed: list[str | Piece] = []
    for column in columns:
        listed += [", "] if listed else []
        if column is None:
            listed.append(f"(select v.value from jsonb_each_text({row}) as v limit 1)")
            listed.append(" as value")
        elif column == _JSON:
            listed.append(f"({row} -> '{_JSON}')::text as {_JSON}")
        else:
            listed += [f"{row} ->> ", StringLiteral(column), " as ", Identifier(column)]
    return tuple(listed)


def _made(node: Sql, *pieces: str | Piece, result: str | None = None) -> Sql:
    query = tuple(Code(each) if isinstance(each, str) else each for each in pieces)
    return Sql(node.origin, query, result or node.result)


def attempt_condition(where: Where, node: Sql, otherwise: bool) -> Sql:
    """Return a condition whose failure is kept in the scope and reads as a boolean."""
    assert where.scope is not None
    values = Values()
    statement = values.constant(node.query)
    return _made(
        node,
        "select ",
        *_head("perdure.attempt_condition", where.scope),
        StringLiteral(step_of(node.origin)),
        ",\n  ",
        Quoted(statement),
        ",\n  ",
        *values.array,
        f", {'true' if otherwise else 'false'}) as ok",
    )


# --- statements that commit together --------------------------------------------


def together(work: Work, where: Where, node: Transaction) -> list[Part]:
    """Return statements in one call, and after it what they bind."""
    each = [inner for inner in node.nodes if isinstance(inner, Sql)]
    named = [(inner, work.columns.get(inner.result or "", ())) for inner in each]
    values = _outer(each)
    outer = len(values.given)
    statements: list[str | Piece] = []
    wanted: list[str] = []
    inner_values: dict[tuple[str, str | None], int] = {}
    for statement, columns in named:
        values.inner = dict(inner_values)
        statements += [",\n    " if statements else "", ""]
        statements.append(Quoted(values.constant(statement.query)))
        for column in columns:
            inner_values[statement.result or "", column] = outer + len(inner_values) + 1
        listed = ",".join(column or "" for column in columns)
        wanted.append(f"'{listed}'" if columns else "null")
    name = work.fresh.name("transaction") if any(c for _, c in named) else None
    call = _together(work, where, node, statements, wanted, values, name)
    caught = where.scope is not None
    parts = [Part(call, flat=caught, risky=caught, solid=caught)]
    if name is not None:
        for at, (statement, columns) in enumerate(named):
            if columns:
                bound = _bound(statement, name, at, columns)
                parts.append(Part(bound, flat=caught, solid=caught))
    return parts


def _outer(statements: Sequence[Sql]) -> Values:
    """Return the values that come from before the statements."""
    values = Values()
    own: set[str] = set()
    for statement in statements:
        pieces = statement.query
        values.constant(
            tuple(
                piece
                for piece in pieces
                if not (isinstance(piece, ResultRef) and piece.name in own)
            )
        )
        own |= {statement.result} if statement.result else set()
    return values


def _together(
    work: Work,
    where: Where,
    node: Transaction,
    statements: Sequence[str | Piece],
    wanted: Sequence[str],
    values: Values,
    name: str | None,
) -> Sql:
    arguments: Pieces = (
        "array[\n    ",
        *statements,
        f"\n  ], array[{', '.join(wanted)}]::text[],\n  ",
        *values.array,
    )
    whole = Sql(as_role(node.origin, "transaction"), (), name, once=node.once)
    entry = _entry(work, where, whole)
    if where.scope is None:
        query: Pieces = ("select perdure.perform(\n  ", *arguments)
        if entry:
            query = (*query, ", p_run => ", run_id(), *entry)
        query = (*query, ")::text as rows")
        return _made(whole, *query)
    head = (
        *_head("perdure.attempt", where.scope),
        *_steps([each.origin for each in node.nodes]),
    )
    query = ("select a.rows::text as rows\nfrom ", *head, ",\n  ", *arguments)
    query = (*query, *entry, ") as a")
    return _made(whole, *query)


def _bound(node: Sql, name: str, at: int, columns: Sequence[str | None]) -> Sql:
    """Return what binds the first row of one of the statements."""
    rows = ResultRef(name, "rows", optional=True)
    row: Pieces = ("\nfrom (select (", rows, f")::jsonb -> {at} -> 0 as row) as r")
    return _made(node, "select ", *selected(columns, "r.row"), *row)
