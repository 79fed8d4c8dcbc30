"""Options of df.start as options of a workflow."""

from __future__ import annotations

from perdure.frontend.df.context import Context, Given
from perdure.frontend.df.nodes import Start
from perdure.frontend.df.times import milliseconds
from perdure.source import Text
from perdure.syntax.expr import Literal
from perdure.syntax.tree import Concurrency, Duration, Options

_OWN = ("key", "database", "transaction_mode", "run_now")
_HELP = {
    "key": "write idempotency_key, an expression over the inputs",
    "database": "write database if the workflow is for that one only",
    "transaction_mode": "start it in a session of its own",
    "run_now": "pass it when you start a run",
}


def options_of(ctx: Context, start: Start) -> Options | None:
    """Return the options of a workflow; those of one start are reported."""
    for name in _OWN:
        if start.options.get(name) not in (None, False):
            message = f'"{name}" is for one start, and left out'
            ctx.doubt(start.span, message, _HELP[name])
    timeout, concurrency = _timeout(ctx, start), _concurrency(start)
    if timeout is None and concurrency is None:
        return None
    return Options(timeout=timeout, concurrency=concurrency)


def _timeout(ctx: Context, start: Start) -> Duration | None:
    value = start.options.get("timeout")
    if value is None:
        return None
    try:
        return Duration(milliseconds(ctx, value, start.span), start.span)
    except Given as problem:
        ctx.findings.append(problem.finding)
        return None


def _concurrency(start: Start) -> Concurrency | None:
    key = start.options.get("concurrency_key")
    limit = start.options.get("concurrency_limit")
    if key is None:
        return None
    expr = Literal("string", key.value, key.whole) if isinstance(key, Text) else None
    return Concurrency(limit if isinstance(limit, int) else 1, expr, start.span)
