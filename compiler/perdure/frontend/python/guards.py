"""`try`, `raise` and `match`.

A step fails with an SQLSTATE and a message, not with a class of Python: `except`
handles the failure of any step, and `err.sqlstate` tells failures apart.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import perdure.authoring as authoring
from perdure.frontend.python import expressions, statements, texts
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import (
    Context,
    Given,
    name_of,
    names_stored,
    report_missing,
)
from perdure.frontend.python.held import plain
from perdure.source import Run, Span, Text
from perdure.syntax.expr import Cast, Expr, Literal, Name, Unary
from perdure.syntax.tree import (
    Case,
    FailStep,
    Head,
    Step,
    SwitchStep,
    Template,
    TryStep,
)

_Case = tuple[Text, str]
_ANY_FAILURE = (authoring.Failure, Exception, BaseException)


# --- try ------------------------------------------------------------------------


def read_try(ctx: Context, node: ast.Try, head: Head) -> Step | None:
    """Read `try`, with one `except` and `finally`."""
    if node.orelse:
        message = '"else" of a try is no part of a workflow'
        help_ = (
            "write them after the try; where the except goes on, below if done:, with "
            "done = False before the try and done = True as its last line"
        )
        ctx.report("WF172", ctx.places.head(node.orelse[0]), message, help=help_)
    before = len(ctx.found)
    steps = statements.read_body(ctx, node.body, "the try", head.span)
    error, handler = None, None
    for extra in node.handlers[1:]:
        message = "a try has one except: it handles the failure of any step"
        help_ = 'tell failures apart by if err.sqlstate == "23505":'
        ctx.report("WF172", _word(ctx, extra), message, help=help_)
    if node.handlers:
        error = _error(ctx, node.handlers[0])
        handler = _handler(ctx, node.handlers[0], error)
    last = None
    if node.finalbody:
        place = ctx.places.head(node.finalbody[0])
        last = statements.read_body(ctx, node.finalbody, "finally", place)
    wrong = any(each.severity == "error" for each in ctx.found[before:])
    if wrong and not (steps and (handler or last)):
        return None
    return TryStep(head, steps, error, handler, last)


def _word(ctx: Context, node: ast.ExceptHandler) -> Span:
    start = ctx.places.offset(node.lineno, node.col_offset)
    return ctx.places.range(start, start + len("except"))


def _error(ctx: Context, node: ast.ExceptHandler) -> Name | None:
    """Return the name of the error; without one, a name that nothing has."""
    if node.type is not None:
        _check_class(ctx, node.type)
    word = _word(ctx, node)
    if node.name is None:
        taken = [f"err_{number}" for number in range(2, 100)]
        free = (name for name in ("err", *taken) if name not in ctx.locals)
        return Name(next(free), word)
    start = ctx.span(node.type).end if node.type else word.end
    end = ctx.places.head(node.body[0]).start
    after = ctx.places.find("as", start, end).end
    return name_of(ctx, node.name, ctx.places.find(node.name, after, end))


def _check_class(ctx: Context, node: ast.expr) -> None:
    kinds = node.elts if isinstance(node, ast.Tuple) else [node]
    found = [constant(ctx, each) for each in kinds]
    if all(any(one is known for known in _ANY_FAILURE) for one in found):
        return
    for each in kinds:
        if report_missing(ctx, each):
            return
    message = f'a step does not fail with "{ctx.shown(node)}", a class of Python'
    help_ = "write except Failure as err:, and look at err.sqlstate"
    ctx.report("WF172", ctx.span(node), message, help=help_)


def _handler(
    ctx: Context, node: ast.ExceptHandler, error: Name | None
) -> tuple[Step, ...] | None:
    if all(isinstance(each, ast.Pass) for each in node.body):
        message = "the except has no steps: the failure would be forgotten"
        help_ = 'write at least sql("insert into ... :err.message")'
        ctx.report("WF118", ctx.places.head(node.body[0]), message, help=help_)
        return None
    ctx.errors.append(error.text if error else "")
    try:
        return statements.read_body(ctx, node.body, "the except", _word(ctx, node))
    finally:
        ctx.errors.pop()


# --- raise ----------------------------------------------------------------------


def read_raise(ctx: Context, node: ast.Raise, head: Head) -> Step | None:
    """Read `raise Failure("...")`, and `raise` alone, which fails again."""
    if node.cause is not None and not _is_error(ctx, node.cause):
        message = '"from" is no part of a failure: it has a message only'
        ctx.report("WF172", ctx.span(node.cause), message, help="leave it out")
        return None
    made = node.exc
    if made is None or _is_error(ctx, made):
        return FailStep(head, None)
    if not isinstance(made, ast.Call) or len(made.args) != 1 or made.keywords:
        message = "a failure has a message"
        ctx.report("WF172", head.span, message, help='write raise Failure("...")')
        return None
    if report_missing(ctx, made.func):
        return None
    kind = constant(ctx, made.func)
    if not (isinstance(kind, type) and issubclass(kind, BaseException)):
        message = f'"{ctx.shown(made.func)}" is not an exception'
        help_ = "write raise Failure(...)"
        ctx.report("WF172", ctx.span(made.func), message, help=help_)
        return None
    text = texts.template(ctx, made.args[0])
    return FailStep(head, text) if text is not None else None


def _is_error(ctx: Context, node: ast.expr) -> bool:
    """Say whether this is the failure that is being handled, or None after `from`."""
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Name) and node.id in ctx.errors[-1:]


# --- match ----------------------------------------------------------------------


def read_match(ctx: Context, node: ast.Match, head: Head) -> Step | None:
    """Read `match` on constants; `case _` is for all other values."""
    subject = expressions.expression(ctx, node.subject)
    before = len(ctx.found)
    cases: list[Case] = []
    default = None
    for each in node.cases:
        values = _values(ctx, each.pattern)
        if each.guard is not None:
            message = "a case has no condition of its own"
            help_ = "write the condition as an if in the case"
            ctx.report("WF172", ctx.span(each.guard), message, help=help_)
        place = ctx.places.head(each.body[0])
        if values is None:
            default = statements.read_statements(ctx, each.body) or None
            continue
        steps = statements.read_body(ctx, each.body, "the case", place)
        cases += [Case(value, steps, kind) for value, kind in values]
    if default is None and _is_exhaustive(ctx, node, cases):
        default = (_none_of(ctx, node),)
    if subject is None or any(f.severity == "error" for f in ctx.found[before:]):
        return None
    if not cases:
        message = "a match needs a case with a value"
        ctx.report("WF118", head.span, message, help='write case "new":')
        return None
    return SwitchStep(head, subject, tuple(cases), default)


def _is_exhaustive(ctx: Context, node: ast.Match, cases: Sequence[Case]) -> bool:
    """Say whether all values of an input have a case, and whether it matters.

    There is no way past the cases then: what each of them binds is there after it, and
    where each of them ends the workflow, nothing comes after it.
    """
    name = node.subject.id if isinstance(node.subject, ast.Name) else ""
    values = ctx.choices.get(name, ())
    span = ctx.span(node.subject)
    shown = [_shown(ctx, plain(each), span) or ("", "") for each in values]
    taken = [case.value.value for case in cases]
    if not values or any(text not in taken for text, _ in shown):
        return False
    ends = (ast.Return, ast.Raise, ast.Break, ast.Continue)
    going = [each.body for each in node.cases if not isinstance(each.body[-1], ends)]
    bound = [names_stored(each) for each in going]
    return not bound or bool(frozenset.intersection(*bound))


def _none_of(ctx: Context, node: ast.Match) -> Step:
    """Return the step that stands where no case of a match fits."""
    span, end = ctx.span(node.subject), ctx.span(node).end
    text = f"{ctx.shown(node.subject)} is none of the cases"
    head = Head(None, None, span, Span(span.path, end, end))
    return FailStep(head, Template((_placed(text, span),), span))


def _values(ctx: Context, pattern: ast.pattern) -> Sequence[_Case] | None:
    """Return the constants of a pattern and what they are, None for `_`."""
    match pattern:
        case ast.MatchAs(pattern=None, name=None):
            return None
        case ast.MatchOr(patterns=patterns):
            found = [_values(ctx, each) for each in patterns]
            return [each for several in found for each in several or ()]
        case ast.MatchValue(value=node):
            return _constant(ctx, node)
        case ast.MatchSingleton(value=bool() as value):
            return [(_placed(str(value).lower(), ctx.span(pattern)), "boolean")]
        case ast.MatchSingleton():
            message = "null equals nothing, so there is no case for it"
            help_ = "case _: is for null, too; write if x is None: in it"
        case _:
            message = "a case is a constant: values of PostgreSQL are not taken apart"
            help_ = 'write case "new":, case 1 | 2:, or case _:'
    ctx.report("WF172", ctx.span(pattern), message, help=help_)
    return []


def _constant(ctx: Context, node: ast.expr) -> Sequence[_Case]:
    if texts.flatten(ctx, node) is not None:
        text = texts.constant_text(ctx, node, "a constant")
        whole = ctx.span(node)
        return [(replace(text, whole=whole), "text")] if text is not None else []
    value = constant(ctx, node)
    if value is UNKNOWN:
        message = f'"{ctx.shown(node)}" is not known when the workflow is compiled'
        help_ = "a case is a literal or a constant of the module; else write if"
        ctx.report("WF179", ctx.span(node), message, help=help_)
        return []
    shown = _shown(ctx, value, ctx.span(node))
    return [(_placed(shown[0], ctx.span(node)), shown[1])] if shown else []


def _shown(ctx: Context, value: Any, span: Span) -> tuple[str, str] | None:
    """Return a constant as PostgreSQL reads it, and what it is."""
    expr = expressions.from_value(ctx, Given(value, span))
    if expr is None:
        return None
    sign = ""
    literal: Expr = expr
    if isinstance(literal, Unary):
        sign, literal = "-", literal.operand
    elif isinstance(literal, Cast):
        literal = literal.operand
    assert isinstance(literal, Literal)
    kind: str = literal.kind
    if isinstance(expr, Cast):
        kind = "number" if kind == "number" else expr.type.text
    return sign + literal.text, kind


def _placed(value: str, span: Span) -> Text:
    runs = tuple(Run(at, span.start, 1) for at in range(len(value)))
    return Text(value, span, runs)
