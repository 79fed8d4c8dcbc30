"""Reading a value: every use of a variable becomes typed, parenthesised SQL."""

from __future__ import annotations

import json

from perdure.ir.expr import Expression, Reference
from perdure.ir.types import JSONB, Scalar, Type, Variable
from perdure.lower.reads import SINGLE, column_of
from perdure.lower.scope import ROWS, WHOLE, Scope, place_of
from perdure.lower.shapes import shape_of
from perdure.lower.sqltext import pieces_of
from perdure.lower.types import carried_column, columns_of, is_json, native, sql_type
from perdure.plan.query import (
    Code,
    Identifier,
    InputRef,
    Piece,
    Query,
    ResultRef,
    RunRef,
    StepOf,
    StringLiteral,
)


def read(scope: Scope, reference: Reference) -> Query:
    """Return the SQL of a reference, cast to its type."""
    variable = scope.variables[reference.variable]
    if reference.row_set:
        return _row_set(scope, reference)
    match variable.kind:
        case "input":
            base = (InputRef(variable.name, sql_type(variable.fields[0].type)),)
            return _members(_raw(base), variable.fields[0].type, reference, 0)
        case "run":
            return _of_run(scope, reference)
        case "http" | "signal":
            value = _from_envelope(scope, reference, variable)
            return _shaped(value, reference.type)
        case "error" if reference.path == ("step",):
            return (StepOf(place_of(scope, variable.id).result), Code("::text"))
        case "rows" if scope.reads[variable.id].row_set:
            return _first_of_rows(scope, reference, variable)
        case _:
            return _column(scope, reference, variable)


def expression(scope: Scope, expr: Expression) -> Query:
    """Return the SQL of an expression; an inlined `let` stands in parentheses."""
    pieces: list[Piece] = []
    for part in expr.parts:
        pieces += pieces_of(part) if isinstance(part, str) else read(scope, part)
    return tuple(pieces)


def typed(scope: Scope, expr: Expression, type: Type | str) -> Query:
    """Return an expression cast to a type; a reference that has it, as it is read."""
    name = type if isinstance(type, str) else sql_type(type)
    match expr.parts:
        case (Reference(type=own, row_set=False),) if sql_type(own) == name:
            return expression(scope, expr)
        case _:
            return cast(expression(scope, expr), name)


def cast(inner: Query, type: Type | str) -> Query:
    """Return `(inner)::type`."""
    name = type if isinstance(type, str) else sql_type(type)
    if _enclosed(inner):
        return (*inner, Code("::"), *pieces_of(name))
    return (Code("("), *inner, Code(")::"), *pieces_of(name))


def _enclosed(query: Query) -> bool:
    """Say whether a pair of parentheses encloses all of a query."""
    depth = 0
    for at, piece in enumerate(query):
        if not isinstance(piece, Code):
            if depth == 0:
                return False
            continue
        for offset, char in enumerate(piece.text, 1):
            depth += (char == "(") - (char == ")")
            last = at == len(query) - 1 and offset == len(piece.text)
            if depth <= 0 and not last:
                return False
    return depth == 0


def carried(inner: Query, type: Type) -> Query:
    """Return a value in the form in which it travels between steps."""
    return carried_column(inner, type) if native(type) else cast(inner, "text")


def _raw(base: Query) -> Query:
    return (Code("("), *base, Code(")"))


def _column(scope: Scope, reference: Reference, variable: Variable) -> Query:
    """Read a column of the first row, or an inlined expression."""
    column = column_of(reference, variable)
    type = next(field.type for field in variable.fields if field.name == column)
    depth = 0 if variable.kind in SINGLE else 1
    if variable.id in scope.inlined:
        return _members(
            _raw(expression(scope, scope.inlined[variable.id])), type, reference, depth
        )
    place = place_of(scope, variable.id)
    optional = reference.nullable or variable.id in scope.doubtful
    found = ResultRef(place.result, place.columns[column], optional)
    return _members(_raw((found,)), type, reference, depth)


def _shaped(value: Query, type: Type) -> Query:
    """Return JSON that came from outside with the members of its type only.

    Read as it came, the whole would hold more than its members, or others.
    """
    if isinstance(type, Scalar):
        return value
    shape = json.dumps(shape_of(type), ensure_ascii=False)
    return (
        Code("perdure.shaped("),
        *value,
        Code(", "),
        StringLiteral(shape),
        Code(")"),
    )


def _of_run(scope: Scope, reference: Reference) -> Query:
    match reference.path[0]:
        case "workflow":
            base: Query = (StringLiteral(scope.workflow.name),)
        case what:
            base = (RunRef(what),)
    return cast(base, reference.type)


def _from_envelope(scope: Scope, reference: Reference, variable: Variable) -> Query:
    """Read a member of a signal or a response, never scalar by scalar."""
    place = place_of(scope, variable.id)
    column = place.columns[WHOLE]
    skipped = variable.id in scope.skipped
    ref = ResultRef(place.result, column, optional=column is not None or skipped)
    envelope = cast((ref,), "jsonb")
    if variable.kind == "http" and reference.path[0] == "json":
        body = (
            Code("perdure.parse_json("),
            *envelope,
            Code(" ->> "),
            StringLiteral("body"),
            Code(")"),
        )
        if any(f.name == "json" and f.type != JSONB for f in variable.fields):
            body = (Code("perdure.response_json("), *envelope, Code(")"))
        return member(body, reference.path[1:], reference.type)
    return member(envelope, reference.path, reference.type)


def _first_of_rows(scope: Scope, reference: Reference, variable: Variable) -> Query:
    """Read a column of the first row of a result that is kept as a list."""
    place = place_of(scope, variable.id)
    column = reference.path[0]
    type = next(field.type for field in variable.fields if field.name == column)
    ref = ResultRef(place.result, place.columns[ROWS], optional=True)
    item = (*cast((ref,), "jsonb"), Code(" -> 0 ->> "), StringLiteral(column))
    return _members(_raw(item), type, reference, 1)


def _row_set(scope: Scope, reference: Reference) -> Query:
    """Return all rows as a table, typed; JSON travels in them as text."""
    place = place_of(scope, reference.variable)
    columns = columns_of(reference.type)
    ref = ResultRef(place.result, place.columns[ROWS], optional=True)
    query: list[Piece] = [Code("(select ")]
    for index, (name, type) in enumerate(columns):
        query += [Code(", " if index else ""), Code("t."), Identifier(name)]
        if is_json(type):
            query += [Code(f"::{sql_type(type)} as "), Identifier(name)]
    query += [
        Code(" from jsonb_to_recordset("),
        *cast((ref,), "jsonb"),
        Code(") as t("),
    ]
    for index, (name, type) in enumerate(columns):
        spelled = "text" if is_json(type) else sql_type(type)
        query += [Code(", " if index else ""), Identifier(name), Code(" ")]
        query += pieces_of(spelled)
    query.append(Code("))"))
    if reference.alias:
        query += [Code(" as "), Identifier(reference.alias)]
    return tuple(query)


def _members(base: Query, type: Type, reference: Reference, depth: int) -> Query:
    """Follow the members below a value of a type; without any, cast it."""
    if len(reference.path) <= depth:
        return (*base, Code("::"), *pieces_of(sql_type(reference.type)))
    return member(
        (*base, Code("::"), *pieces_of(sql_type(type))),
        reference.path[depth:],
        reference.type,
    )


def member(value: Query, path: tuple[str, ...], type: Type) -> Query:
    """Return a member of a JSON value as a value of a type; a JSON null is NULL.

    `path` leads to it from `value`, by names.
    """
    steps: list[Piece] = []
    for name in path[:-1]:
        steps += [Code(" -> "), StringLiteral(name)]
    last = [StringLiteral(name) for name in path[-1:]]
    if is_json(type):
        deep: list[Piece] = [Code(" -> "), *last] if last else []
        inner: Query = (Code("nullif("), *value, *steps, *deep, Code(", 'null')"))
        return inner if sql_type(type) == "jsonb" else cast(inner, type)
    if isinstance(type, Scalar) and type.name.endswith("[]"):
        return _array(value, path, type)
    return cast((*value, *steps, Code(" ->> "), *last), type)


def _array(value: Query, path: tuple[str, ...], type: Scalar) -> Query:
    """Return a JSON list as an array, item by item."""
    steps: list[Piece] = []
    for name in path:
        steps += [Code(" -> "), StringLiteral(name)]
    return (
        Code("(select t.v from jsonb_to_record(jsonb_build_object('v', "),
        *value,
        *steps,
        Code(")) as t(v "),
        *pieces_of(type.name),
        Code("))"),
    )
