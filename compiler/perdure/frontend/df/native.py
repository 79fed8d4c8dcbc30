"""Nodes that only Perdure's runtime has."""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.frontend.df.columns import shape_of
from perdure.frontend.df.context import Context, Goal, Loop
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node
from perdure.frontend.df.queries import statement
from perdure.frontend.df.scope import Binding
from perdure.frontend.df.sending import arguments
from perdure.frontend.df.times import milliseconds
from perdure.source import Span, Text
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    CallStep,
    Duration,
    FailStep,
    ForeachStep,
    GroupStep,
    HttpStep,
    Mapping,
    Retry,
    SqlStep,
    Step,
    Template,
    TransactionStep,
    TryStep,
    WaitForSignalStep,
)

_STARTS = re.compile(r"\s*select\s+(df\s*\.\s*start(?:_many)?)\s*\(", re.I)
_CALL = re.compile(
    r"\s*select\s+(?:\w+\s*\.\s*)?(\w+?)(?:_v\d+)?\s*\((.*)\)\s*;?\s*$", re.I | re.S
)


def attempt(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.try`."""
    inner = Goal(goal.name, goal.last)
    before = dict(ctx.env)
    steps = ctx.translate(ctx, node.parts["body"], inner)
    after, ctx.env = ctx.env, dict(before)
    given = node.text("error_name")
    error = given.value if given else "err"
    handler: tuple[Step, ...] | None = None
    name = None
    if "catch" in node.parts:
        word = "err" if error == "err" else ctx.names.bind(error, ctx.place)
        name = Name(word, node.span)
        ctx.env[error] = Binding(word, "error")
        ctx.catching.append(error)
        handler = tuple(ctx.translate(ctx, node.parts["catch"], inner))
        ctx.catching.pop()
    ctx.env = {**ctx.env, **after}
    finally_ = None
    if "finally" in node.parts:
        finally_ = tuple(ctx.translate(ctx, node.parts["finally"], Goal()))
    head = ctx.head(node.span)
    return [ctx.keep(TryStep(head, tuple(steps), name, handler, finally_))]


def fail_again(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.raise`, in the catch of the error."""
    del goal
    given = node.text("error_name")
    error = given.value if given else "err"
    if not ctx.catching or ctx.catching[-1] != error:
        raise ctx.refuse(
            node.span,
            f'df.raise of "{error}" stands outside of its catch',
            help="put it into the catch",
        )
    return [ctx.keep(FailStep(ctx.head(node.span), None))]


def retry(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.retry`: a key of the step, or of a group."""
    steps = ctx.translate(ctx, node.parts["node"], Goal(goal.name))
    policy = _policy(ctx, node)
    step = steps[0] if len(steps) == 1 else None
    match step:
        case SqlStep(retry=None) | HttpStep(retry=None) | CallStep(retry=None):
            return [ctx.instead(step, replace(step, retry=policy))]
        case TransactionStep(retry=None):
            return [ctx.instead(step, replace(step, retry=policy))]
    return [ctx.keep(GroupStep(ctx.head(node.span), tuple(steps), policy))]


def _policy(ctx: Context, node: Node) -> Retry:
    values = node.values
    attempts = values.get("max_attempts")
    if not isinstance(attempts, int):
        raise ctx.refuse(node.span, "this is no number of attempts", help="write one")
    factor, jitter = values.get("factor"), values.get("jitter")
    on = values.get("retry_on")
    if isinstance(on, Text):
        on = [plain(w, on.whole) for w in re.findall(r"[^{},\"]+", on.value)]
    words = (
        [each for each in on if isinstance(each, Text)] if isinstance(on, list) else []
    )
    return Retry(
        attempts,
        _length(ctx, node, "backoff"),
        float(factor) if isinstance(factor, int | float) else None,
        _length(ctx, node, "max_backoff"),
        jitter if isinstance(jitter, bool) else None,
        tuple(Name(each.value, each.whole) for each in words) or None,
        node.span,
    )


def _length(ctx: Context, node: Node, name: str) -> Duration | None:
    value = node.values.get(name)
    if value is None:
        return None
    return Duration(milliseconds(ctx, value, node.span), node.span)


def limit(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.timeout`: a key of the step, or of a group."""
    steps = ctx.translate(ctx, node.parts["node"], Goal(goal.name))
    after = _length(ctx, node, "after")
    step = steps[0] if len(steps) == 1 else None
    if step is None or isinstance(step, HttpStep | WaitForSignalStep):
        head = replace(ctx.head(node.span), timeout=after)
        return [ctx.keep(GroupStep(head, tuple(steps)))]
    if step.head.timeout is not None:
        head = replace(ctx.head(node.span), timeout=after)
        return [ctx.keep(GroupStep(head, tuple(steps)))]
    timed = replace(step, head=replace(step.head, timeout=after))
    return [ctx.instead(step, timed)]


def transaction(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.transaction`."""
    steps: list[Step] = []
    for each in node.children[:-1]:
        steps += ctx.translate(ctx, each, Goal())
    steps += ctx.translate(ctx, node.children[-1], Goal(goal.name))
    return [ctx.keep(TransactionStep(ctx.head(node.span), tuple(steps)))]


def foreach(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.foreach`: a step with the items, and a step for each."""
    items = node.text("items")
    given = node.text("item_name")
    assert items is not None
    item = given.value if given else "item"
    source_name = ctx.names.fresh(f"{item}s")
    written = ctx.sql(items)
    shape = shape_of(written)
    head = ctx.head(items.whole, source_name)
    source = ctx.keep(SqlStep(head, ctx.statement(written, items)))
    name = ctx.step_name(goal)
    parallel = node.values.get("max_parallel")
    with ctx.branch():
        word = ctx.names.bind(item, ctx.place)
        ctx.env[item] = Binding(word, "item", shape)
        ctx.loops.append(Loop(carries=False))
        steps = ctx.translate(ctx, node.parts["body"], Goal())
        ctx.loops.pop()
        more, collect = _collected(ctx, node)
    columns = shape_of(node.text("collect").value) if collect else None  # type: ignore[union-attr]
    if goal.name and collect:
        ctx.bind(goal.name, Binding(name or "", "rows", columns, many=True))
    elif goal.name:
        reason = "a foreach without collect has no result"
        ctx.bind(goal.name, Binding(name or "", "lost", reason=reason))
    step = ForeachStep(
        ctx.head(node.span, name if collect else None),
        Name(word, node.span),
        Name(source_name, items.whole),
        tuple(steps + more),
        parallel if isinstance(parallel, int) else None,
        collect,
    )
    return [source, ctx.keep(step)]


def _collected(ctx: Context, node: Node) -> tuple[list[Step], Mapping | None]:
    """Return the columns of a row for each item, by a statement at its end."""
    text = node.text("collect")
    if text is None:
        return [], None
    name = ctx.names.fresh("collected")
    written = ctx.sql(text)
    shape = shape_of(written)
    columns = shape.columns or ()
    if not columns or any(each.name is None for each in columns):
        raise ctx.refuse(
            text.whole,
            "the columns that are collected are not in the text of the query",
            help="list them, each with a name",
        )
    expect = None if shape.single else "one"
    sql = ctx.statement(written, text)
    step = SqlStep(ctx.head(text.whole, name), sql, expect)  # type: ignore[arg-type]
    entries = (
        (
            Name(str(each.name), text.whole),
            _lone(ctx, f"{name}.{each.name}", text.whole),
        )
        for each in columns
    )
    return [ctx.keep(step)], Mapping(tuple(entries), text.whole)


def _lone(ctx: Context, written: str, span: Span) -> Template:
    return Template((ctx.expr(written, span),), span)


def call(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.call` of a function that starts a workflow."""
    text = node.text("query")
    assert text is not None
    if started := _STARTS.match(text.value):
        raise ctx.refuse(
            text.span(*started.span(1)),
            "this starts a graph, and what is called must be a workflow",
            help="import that graph as a workflow of its own, and call it: "
            "select workflows.name(input => value)",
        )
    match = _CALL.match(text.value)
    if match is None:
        raise ctx.refuse(
            text.whole,
            "this is no call of one workflow",
            help="write select workflows.name(input => value)",
        )
    name = ctx.step_name(goal)
    given = tuple(_argument(ctx, text, each) for each in arguments(match[2]))
    reason = "the result of a called workflow is read by its own columns"
    ctx.bind(goal.name, Binding(name or "", "lost", reason=reason))
    head = ctx.head(node.span, name)
    workflow = Name(match[1].lower(), text.whole)
    return [ctx.keep(CallStep(head, workflow, given))]


def _argument(ctx: Context, text: Text, written: str) -> tuple[Name, Template]:
    match = re.match(r"\s*(\w+)\s*(?:=>|:=)\s*(.+?)\s*$", written, re.S)
    expr = ctx.bare(text, match[2]) if match else None
    if match is None or expr is None:
        raise ctx.refuse(
            text.whole,
            f'argument "{written.strip()}" is no value for an input by its name',
            help="write input => value, with a value that needs no query",
        )
    return Name(match[1], text.whole), Template((expr,), text.whole)


def finish(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate `df.return`: run a query and end the run with its result."""
    del goal
    return statement(ctx, node, Goal(last=True))
