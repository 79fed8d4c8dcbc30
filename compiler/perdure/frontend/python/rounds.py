"""Loops over constants, written out when they are compiled, once for each value.

    for host in ("one", "two"):             let: {host: "'one'"}
        sql("... :host ...")                sql: ... :host ...
                                            let: {host: "'two'"}
                                            sql: ... :host ...

While a round is read its names are constants, like those of the module. Where SQL reads
one, it is bound by a `let` before the round: a value of the workflow, never text that
is put into a statement. Names of steps that run at the same time or for each row are
their own, and a name keeps its type, so there a further round takes a further name,
`host_2`, and its SQL reads that.
"""

from __future__ import annotations

import ast
import dataclasses
import datetime
import decimal
import enum
from collections import ChainMap
from collections.abc import Iterator, Sequence
from typing import Any

from perdure.frontend.python import expressions
from perdure.frontend.python.constants import constant
from perdure.frontend.python.context import Context, Given, Round, name_of
from perdure.frontend.python.held import shown
from perdure.frontend.python.strings import TextBuilder
from perdure.frontend.sqltext import read_sql
from perdure.frontend.sqltext.lexer import lex
from perdure.source import Span, Text
from perdure.syntax.expr import Cast, Expr, Literal, Name, Ref, Unary
from perdure.syntax.sql import SqlText
from perdure.syntax.tree import Head, LetStep, Step

MAX_ROUNDS = 200
"""How many rounds of a loop over constants are written out."""

MAX_COPIES = 1000
"""How often the steps of loops inside of one another are written out."""

_MORE = MAX_ROUNDS + 1
_TIMES = (datetime.date, datetime.time, datetime.timedelta)
_CONSTANTS = (str, int, float, decimal.Decimal, enum.Enum, tuple, list, dict, *_TIMES)
_VIEWS = ("items", "keys", "values")


def written_out(ctx: Context, node: ast.For) -> Iterator[Round] | None:
    """Return the rounds of a loop over constants, None for any other loop.

    While a round is read, its names are constants like those of the module.
    """
    items = _items(ctx, node.iter)
    if items is None:
        return None
    count = len(items[:_MORE])  # that of a range may be more than `len` can say
    if count > MAX_ROUNDS:
        message = f"the loop has more rounds than the limit, {MAX_ROUNDS}"
        return _refuse(ctx, node, message)
    if ctx.copies * count > MAX_COPIES:
        message = f"with those around it, the loop has more than {MAX_COPIES} rounds"
        return _refuse(ctx, node, message)
    return _rounds(ctx, node, items)


def _refuse(ctx: Context, node: ast.For, message: str) -> Iterator[Round]:
    help_ = "put the values into an sql step, and loop over its rows"
    ctx.report("WF172", ctx.span(node.iter), message, help=help_)
    return iter(())


def _items(ctx: Context, node: ast.expr) -> Sequence[Any] | None:
    """Return what a loop over constants goes over."""
    match node:
        case ast.Call(func=ast.Attribute(value=owner, attr=view), args=[], keywords=[]):
            value = constant(ctx, owner)
            if isinstance(value, dict) and view in _VIEWS:
                return list(getattr(value, view)())
            return None
        case ast.Call(func=function, args=args, keywords=options):
            made = constant(ctx, function)
            names = [each.arg for each in options]
            if made is enumerate and names == ["start"] and len(args) == 1:
                return _made(ctx, made, [*args, options[0].value])
            ordered = _is_builtin(ctx, function, "sorted")
            if ordered and names in ([], ["reverse"]) and len(args) == 1:
                return _sorted(ctx, args[0], options)
            strict = made is zip and names == ["strict"]
            return _made(ctx, made, args) if strict or not options else None
    value = constant(ctx, node)
    if isinstance(value, (set, frozenset)):
        return sorted(value, key=shown)
    if isinstance(value, (tuple, list, range)):
        return value
    if isinstance(value, dict):
        return list(value)
    if isinstance(value, type) and issubclass(value, enum.Enum):
        return list(value)
    return None


def _made(
    ctx: Context, function: Any, args: Sequence[ast.expr]
) -> Sequence[Any] | None:
    """Return what `range`, `enumerate`, `zip`, `list` and such of constants give."""
    if function is range and 0 < len(args) < 4:
        numbers = [_number(ctx, each) for each in args]
        whole = all(type(each) is int for each in numbers) and 0 not in numbers[2:]
        return range(*numbers) if whole else None
    inner = [_items(ctx, each) for each in args[: 1 if function is enumerate else None]]
    lists = [each for each in inner if each is not None]
    if not lists or len(lists) < len(inner):
        return None
    if function is enumerate:
        first = _number(ctx, args[1]) if len(args) > 1 else 0
        return list(enumerate(lists[0][:_MORE], first)) if type(first) is int else None
    if function is zip:
        return list(zip(*(each[:_MORE] for each in lists), strict=False))
    if len(args) == 1 and (function is list or function is tuple):
        return lists[0]
    return lists[0][::-1] if function is reversed else None


def _sorted(
    ctx: Context, inner: ast.expr, options: Sequence[ast.keyword]
) -> Sequence[Any] | None:
    """Return what `sorted(names)` gives, also with `reverse=True`."""
    items = _items(ctx, inner)
    last_first = constant(ctx, options[0].value) if options else False
    if items is None or not isinstance(last_first, bool) or items[_MORE:]:
        return None
    try:
        return sorted(items, reverse=last_first)
    except TypeError:  # of values that have no order
        return None


def _number(ctx: Context, node: ast.expr) -> Any:
    """Return a number of rounds, which may be `len(names)` and `10**6`."""
    match node:
        case ast.Call(func=function, args=[inner], keywords=[]):
            counted = _is_builtin(ctx, function, "len")
            items = _items(ctx, inner) if counted else None
            return None if items is None or items[_MORE:] else len(items)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            base, power = constant(ctx, left), constant(ctx, right)
            whole = type(base) is int and type(power) is int
            small = whole and abs(base) < _MORE and 0 <= power < 64
            return base**power if small else None
    return constant(ctx, node)


def _is_builtin(ctx: Context, function: ast.expr, name: str) -> bool:
    """Say whether a function is Python's own of a name."""
    mine = name in ctx.namespace or name in ctx.locals
    return isinstance(function, ast.Name) and function.id == name and not mine


def _rounds(ctx: Context, node: ast.For, items: Sequence[Any]) -> Iterator[Round]:
    before = ctx.namespace, ctx.locals, ctx.literals, ctx.rounds, ctx.copies
    ctx.copies *= max(1, len(items))
    targets = _targets(ctx, node)
    ctx.locals = ctx.locals - {name for name, _ in targets}
    ctx.literals = {n: e for n, e in before[2].items() if n not in dict(targets)}
    for item in items if targets else ():
        bound = _unpacked(ctx, node.target, item)
        if bound is None:
            break
        values = dict(bound)
        given = {name: Given(values[name], span) for name, span in targets}
        ctx.namespace = ChainMap(values, dict(before[0]))
        this = Round(given, bool(ctx.apart_depth))
        ctx.rounds = {**before[3], **dict.fromkeys(given, this)}
        yield this
    ctx.namespace, ctx.locals, ctx.literals, ctx.rounds, ctx.copies = before
    ctx.ended |= {name for name, _ in targets} & ctx.once


def _targets(ctx: Context, node: ast.For) -> list[tuple[str, Span]]:
    """Return the names of a loop over constants, none after a finding."""
    found = [each for each in ast.walk(node.target) if isinstance(each, ast.Name)]
    names = {each.id for each in found}
    for statement in node.body:
        for each in ast.walk(statement):
            stored = isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
            if isinstance(each, ast.Name) and stored and each.id in names:
                message = f'"{each.id}" is a constant in this loop'
                help_ = "assign to another name"
                ctx.report("WF176", ctx.span(each), message, help=help_)
                return []
    return [(each.id, ctx.span(each)) for each in found]


def _unpacked(
    ctx: Context, target: ast.expr, item: Any
) -> list[tuple[str, Any]] | None:
    """Return the names that a round binds; report what does not fit."""
    if isinstance(target, ast.Name):
        return [(target.id, item)]
    several = isinstance(item, (tuple, list))
    if isinstance(target, (ast.Tuple, ast.List)) and several:
        pairs = [
            _unpacked(ctx, each, value)
            for each, value in zip(target.elts, item, strict=False)
        ]
        if len(item) == len(target.elts) and None not in pairs:
            return [pair for each in pairs for pair in each or ()]
    message = f'"{ctx.shown(target)}" does not fit {ctx.shown(Given(item, _NOWHERE))}'
    ctx.report("WF176", ctx.span(target), message)
    return None


_NOWHERE = Span("", 0, 0)


# --- names that SQL reads -------------------------------------------------------


def with_names(this: Round, steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """Return the steps of a round, after a step that binds what their SQL reads."""
    if not this.bound:
        return steps
    place = next(iter(this.bound.values()))[0].span
    bindings = tuple(this.bound.values())
    return (LetStep(Head(None, None, place, place), bindings), *steps)


def read_statement(ctx: Context, text: Text) -> SqlText | None:
    """Read SQL; what it reads of the rounds around it is bound for it."""
    renamed = _renamed(ctx, text) if ctx.rounds else text
    statement = ctx.take(read_sql(renamed))
    _report_constants(ctx, statement)
    for each in statement.suspects if statement else ():
        if any(name in ctx.rounds for name in each.names):
            ctx.found.append(each.finding)
    return statement


def _report_constants(ctx: Context, statement: SqlText | None) -> None:
    """Report constants of the module that SQL reads as if they were values."""
    for ref in statement.refs if statement else ():
        name = ref.parts[0].text
        if report_ended(ctx, name, ref.parts[0].span):
            continue
        if name in {*ctx.locals, *ctx.rounds, "run", "secrets"}:
            continue
        if isinstance(constant(ctx, ast.Name(name, ast.Load())), _CONSTANTS):
            own = name.lower() if name.lower() != name else f"{name}_"
            message = f'"{name}" is a constant of the module: SQL reads values only'
            help_ = f"write {own} = {name} on a line before it, and :{own} in the SQL"
            ctx.report("WF201", ref.parts[0].span, message, help=help_)
            ctx.unread.add(name)


def report_ended(ctx: Context, name: str, place: Span) -> bool:
    """Report a name that is read after its loop over constants; say if it is one.

    Where SQL reads it in the loop, it is bound, and is still there.
    """
    if name not in ctx.ended or name in ctx.taken or name in ctx.rounds:
        return False
    message = f'"{name}" ends with its loop, whose rounds are written out'
    own = f"last_{name}"
    help_ = f"write {own} = {name} in the loop, and read {own} after it"
    ctx.report("WF201", place, message, help=help_)
    ctx.unread.add(name)
    return True


def _renamed(ctx: Context, text: Text) -> Text:
    """Return a statement with the names that the values of this round have."""
    builder, rest = TextBuilder(text.whole.path), 0
    for token in lex(text.value):
        name = token.text[1:].split(".")[0] if token.kind == "reference" else ""
        bound = _bound(ctx, name) if name in ctx.rounds else name
        if bound != name:
            builder.text(text.slice(rest, token.start + 1))
            place = text.span(token.start + 1, token.start + 1 + len(name))
            builder.at(bound, place.start)
            rest = token.start + 1 + len(name)
    if not rest:
        return text
    builder.text(text.slice(rest, len(text.value)))
    return builder.done(text.whole.start, text.whole.end)


def _bound(ctx: Context, name: str) -> str:
    """Return the name in the workflow of a name of a round, and bind it there."""
    this = ctx.rounds[name]
    if (name, ctx.undoing) in this.bound:
        return this.bound[name, ctx.undoing][0].text
    given = this.given[name]
    value = expressions.from_value(ctx, given)
    if value is None or name_of(ctx, name, given.span) is None:
        return name
    kind = (this.apart or ctx.undoing, _kind(value))
    chosen, count = name, 1
    while _is_taken(ctx, chosen, name, kind):
        count += 1
        chosen = f"{name}_{count}"
    ctx.taken[chosen] = kind
    this.bound[name, ctx.undoing] = (Name(chosen, given.span), value)
    return chosen


def _is_taken(ctx: Context, chosen: str, name: str, kind: tuple[bool, str]) -> bool:
    """Say whether a name can't be bound here; in one row of steps it can be, again."""
    if chosen in ctx.taken:
        return kind[0] or ctx.taken[chosen] != kind
    return chosen != name and (chosen in ctx.locals or chosen in ctx.rounds)


def _kind(value: Expr) -> str:
    """Return what tells the types of constants apart."""
    match value:
        case Unary():
            return _kind(value.operand)
        case Cast():
            return value.type.text
        case Literal(kind="number", text=text) if text.isdecimal():
            return f"integer {int(text).bit_length() // 32}"
        case Literal():
            return value.kind
    return ""


def substituted(ctx: Context, node: Any) -> Any:
    """Return an expression of PostgreSQL's with the values of the rounds around it."""
    if not ctx.rounds:
        return node
    if isinstance(node, Ref) and len(node.parts) == 1:
        this = ctx.rounds.get(node.parts[0].text)
        if this is not None:
            value = this.given[node.parts[0].text].value
            return expressions.from_value(ctx, Given(value, node.span))
    if isinstance(node, tuple):
        return tuple(substituted(ctx, each) for each in node)
    if not dataclasses.is_dataclass(node) or isinstance(node, (type, Span)):
        return node
    parts = {each.name: getattr(node, each.name) for each in dataclasses.fields(node)}
    made = {name: substituted(ctx, each) for name, each in parts.items()}
    return dataclasses.replace(node, **made)
