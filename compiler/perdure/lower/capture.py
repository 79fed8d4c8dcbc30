"""What is kept of a statement's result, and how the user's text is wrapped for it.

The user's statement becomes a CTE, spliced after a `with` list of the user's own (a
data-modifying WITH must stand at the top level), and the compiler owns the select
list. A statement whose rows are wanted as they are is not wrapped at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.ir.tree import SqlStep
from perdure.ir.types import Field, Variable
from perdure.lower.scope import ROWS, Scope, parts_of, place_of
from perdure.lower.types import carried_column, decoded, native
from perdure.lower.values import read
from perdure.plan.query import Code, Identifier, Piece, Query, StringLiteral
from perdure.syntax.sql import Token, is_subscripted

_ROWS_AFFECTED = "rows_affected"
_WRITES = ("insert", "update", "delete", "merge")
_WRAPS = (*_WRITES, "select", "values", "table", "with", "(")
_EXPECTED = ("one", "maybe")


def statement(scope: Scope, step: SqlStep) -> tuple[Query, tuple[str, ...]]:
    """Return the SQL of a step, and what it needs of a target beyond running SQL."""
    variable = scope.variables.get(step.variable or "")
    reads = scope.reads[variable.id] if variable else None
    parts = parts_of(variable, reads) if variable and reads else []
    expect = step.expect if step.expect in _EXPECTED else None
    if not parts and expect is None:
        return _text(scope, step, step.statement.parts), ()
    if step.statement.keyword not in _WRAPS:
        return _utility(scope, step, parts, variable, expect)
    if not step.facts.returns_rows and step.columns[:1]:
        return _counted(scope, step, expect)
    if expect is None and variable and _as_is(step, variable, parts):
        return _text(scope, step, step.statement.parts), ()
    query = (*_with(scope, step), *_selected(scope, step, variable, parts, expect))
    return query, ()


def _text(scope: Scope, step: SqlStep, parts: Sequence[object]) -> Query:
    """Return the user's text with its references read; not a token is changed."""
    query: list[Piece] = []
    for at, part in enumerate(parts):
        if isinstance(part, Token):
            query.append(part)
            continue
        value = read(scope, part)  # type: ignore[arg-type] # the other kind of part
        if is_subscripted(parts, at):  # a bare `x::int[] [1]` is a type, not an item
            value = (Code("("), *value, Code(")"))
        query += value
    return tuple(query)


def _as_is(step: SqlStep, variable: Variable, parts: list[str]) -> bool:
    """Say whether the statement's own columns are just what is wanted."""
    return (
        [field.name for field in step.columns] == parts
        and all(decoded(field.type) for field in step.columns)
        and all(_columns_kept(variable, name) for name in parts)
    )


def _columns_kept(variable: Variable, name: str) -> bool:
    return name.isascii() and name.isidentifier() and name == name.lower()


def _with(scope: Scope, step: SqlStep, returning: str = "") -> Query:
    """Return `with <the user's list>, step as (<the user's statement>)`."""
    text = step.statement
    head = _trimmed(text.parts[: text.main]) if text.has_with else ()
    query: list[Piece] = []
    if head:
        query += _text(scope, step, head)
        broken = isinstance(head[-1], Token) and head[-1].text.startswith("--")
        query.append(Code("\n, " if broken else ",\n"))
    else:
        query.append(Code("with "))
    main = _text(scope, step, text.parts[text.main if head else 0 :])
    query += [Code(f"{cte(step)} as (\n  "), *main, Code(f"\n{returning})\n")]
    return tuple(query)


def _trimmed(parts: Sequence[object]) -> Sequence[object]:
    end = len(parts)
    while end and isinstance(last := parts[end - 1], Token) and last.kind == "space":
        end -= 1
    return parts[:end]


def cte(step: SqlStep) -> str:
    """Return a name for the statement that stands nowhere in its text."""
    words = {
        part.text.lower().strip('"')
        for part in step.statement.parts
        if isinstance(part, Token) and part.kind in ("word", "quoted")
    }
    words |= {getattr(part, "alias", None) or "" for part in step.statement.parts}
    name, count = "step", 1
    while name in words:
        count += 1
        name = f"step_{count}"
    return name


def _selected(
    scope: Scope,
    step: SqlStep,
    variable: Variable | None,
    parts: list[str],
    expect: str | None,
) -> Query:
    name = cte(step)
    if not parts or variable is None:
        return (
            Code("select "),
            *_expectation(step, expect),
            Code(f" as ok\nfrom {name}"),
        )
    if parts == [ROWS]:
        return _as_rows(step, name, expect)
    columns = _columns(scope, step.columns, variable, parts, "s" if expect else "")
    if expect is None:
        return (Code("select "), *columns, Code(f"\nfrom {name}"))
    join = "left join" if expect == "one" else "join"
    return (
        Code("select "),
        *columns,
        Code(f"\nfrom (select count(*) as n from {name}) as c\n"),
        Code(f"{join} {name} as s on true\nwhere "),
        *_expectation(step, expect, "c.n"),
    )


def _columns(
    scope: Scope,
    fields: Sequence[Field],
    variable: Variable,
    parts: list[str],
    source: str,
) -> Query:
    """Return the select list: each column in its carried form, under its own name."""
    place = place_of(scope, variable.id)
    query: list[Piece] = []
    for field in fields:
        if field.name not in parts:
            continue
        alias = place.columns[field.name]
        own: Query = (Code(f"{source}." if source else ""), Identifier(field.name))
        query += [Code(", " if query else ""), *carried_column(own, field.type)]
        if not decoded(field.type) or alias != field.name:
            query += [Code(" as "), Identifier(alias or field.name)]
    return tuple(query)


def _as_rows(step: SqlStep, name: str, expect: str | None) -> Query:
    """Return all rows as one JSON list in their order; none is the empty list.

    A row is `s.*` there: `s` would be a column of that name, where there is one.
    """
    listed: list[Piece] = []
    for field in step.columns:
        listed += [Code(", " if listed else ""), Identifier(field.name)]
        if not native(field.type):
            listed += [Code("::text as "), Identifier(field.name)]
    having = (Code("\nhaving "), *_expectation(step, expect)) if expect else ()
    return (
        Code("select coalesce(jsonb_agg(to_jsonb(s.*)), '[]')::text as items\n"),
        Code("from (select "),
        *listed,
        Code(f" from {name}) as s"),
        *having,
    )


def _counted(
    scope: Scope, step: SqlStep, expect: str | None
) -> tuple[Query, tuple[str, ...]]:
    """Return the statement with its affected rows counted."""
    query = [
        *_with(scope, step, "  returning 1 as ok\n"),
        Code(f"select count(*) as {_ROWS_AFFECTED} from {cte(step)}"),
    ]
    if expect:
        query += [Code("\nhaving "), *_expectation(step, expect)]
    needs = ("merge_returning",) if step.statement.keyword == "merge" else ()
    return tuple(query), needs


def _expectation(step: SqlStep, expect: str | None, count: str = "count(*)") -> Query:
    return (
        Code(f"perdure.expect({count}, '{expect}', "),
        StringLiteral(step.head.name or step.head.path),
        Code(")"),
    )


def _utility(
    scope: Scope,
    step: SqlStep,
    parts: list[str],
    variable: Variable | None,
    expect: str | None,
) -> tuple[Query, tuple[str, ...]]:
    """Return a statement that cannot stand in a CTE; its columns stay as they are."""
    kept = all(native(field.type) for field in step.columns if field.name in parts)
    named = variable is not None and all(_columns_kept(variable, p) for p in parts)
    rows = step.facts.returns_rows and ROWS not in parts
    plain = rows and expect is None and kept and named
    query = _text(scope, step, step.statement.parts)
    return query, () if plain else ("utility_result",)
