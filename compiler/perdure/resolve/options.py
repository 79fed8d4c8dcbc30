"""The keys of a workflow that say how its runs are started and bounded.

Their expressions are computed when a run is started, from its inputs alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from perdure.catalog.model import Catalog, Rejected
from perdure.diagnostics import error
from perdure.diagnostics.wording import worded
from perdure.ir import tree as ir
from perdure.ir.expr import Expression, Reference
from perdure.resolve.context import Context
from perdure.resolve.expressions import resolve_expression
from perdure.resolve.keys import check_steady
from perdure.resolve.scope import Env
from perdure.resolve.times import check_zone
from perdure.source import Span
from perdure.syntax import tree as syntax
from perdure.syntax.expr import Expr, Name


def resolve_options(
    context: Context, env: Env, workflow: syntax.Workflow
) -> ir.Options | None:
    """Resolve the options of a workflow; `env` has its inputs and nothing else."""
    written = workflow.options
    if written is None:
        return None
    if written.search_path is not None:
        _check_schemas(context, written.search_path)
    key = _key(context, env, written.idempotency_key)
    return ir.Options(
        timeout=_timeout(written),
        idempotency_key=key,
        concurrency=_concurrency(context, env, written.concurrency),
        schedule=_schedule(context, workflow, written.schedule, key),
        role=written.role.text if written.role else None,
        database=written.database.text if written.database else None,
        search_path=_texts(written.search_path),
        spans=tuple(_spans(written)),
        limit_span=_limit_span(written),
    )


def _timeout(written: syntax.Options) -> int | None:
    """Return the timeout of runs; with `on_failure`, it is that of the steps."""
    if written.timeout is None or written.on_failure:
        return None
    return written.timeout.milliseconds


def _spans(written: syntax.Options) -> Iterator[tuple[str, Span]]:
    """Yield the places of the values of a workflow's keys, by the names of the keys."""
    path, schedule = written.search_path, written.schedule
    values = {
        "timeout": written.timeout,
        "idempotency_key": written.idempotency_key,
        "concurrency": written.concurrency,
        "schedule": schedule.cron if schedule else None,
        "role": written.role,
        "database": written.database,
        "search_path": path[0] if path else None,
    }
    for name, value in values.items():
        if value is not None:
            yield name, value.span


def _limit_span(written: syntax.Options) -> Span | None:
    """Return the place of what bounds how many runs go on at a time."""
    if written.concurrency is not None:
        return written.concurrency.span
    queued = written.schedule is not None and written.schedule.overlap == "queue"
    return written.schedule.cron.span if written.schedule and queued else None


def catalog_for(workflow: syntax.Workflow, catalog: Catalog) -> Catalog:
    """Return the catalog as the steps of a workflow see it."""
    path = workflow.options and _texts(workflow.options.search_path)
    return catalog.under(path) if path else catalog


def _texts(names: tuple[Name, ...] | None) -> tuple[str, ...] | None:
    return None if names is None else tuple(name.text for name in names)


def _check_schemas(context: Context, names: tuple[Name, ...]) -> None:
    """Report schemas that do not exist; PostgreSQL itself would pass over them."""
    for name in names:
        quoted = '"' + name.text.replace('"', '""') + '"'
        literal = "'" + quoted.replace("'", "''") + "'"
        answer = context.catalog.typeof(f"cast({literal} as regnamespace)")
        if isinstance(answer, Rejected):
            message = f'there is no schema "{name.text}"'
            context.report(error("WF251", name.span, message))


def _concurrency(
    context: Context, env: Env, written: syntax.Concurrency | None
) -> ir.Concurrency | None:
    if written is None:
        return None
    return ir.Concurrency(written.limit, _key(context, env, written.key))


def _key(context: Context, env: Env, written: Expr | None) -> Expression | None:
    """Resolve a key: any value of the inputs, not of the run."""
    env = replace(env, run=False)
    found = resolve_expression(context, env, written) if written else None
    reads = (
        [each for each in found.parts if isinstance(each, Reference)] if found else []
    )
    if written and any(each.variable == "run" for each in reads):
        message = "a key is computed before there is a run, it can't read `run`"
        help_ = "make it of inputs, or of a constant"
        context.report(error("WF249", written.span, message, help=help_))
    elif written and found is not None:
        check_steady(context, found, written.span)
    return found


def _schedule(
    context: Context,
    workflow: syntax.Workflow,
    written: syntax.Schedule | None,
    key: Expression | None,
) -> ir.Schedule | None:
    if written is None:
        return None
    needed = [
        each
        for each in workflow.inputs
        if each.default is None and not each.type.nullable
    ]
    for each in needed:
        context.report(
            error(
                "WF250",
                each.name.span,
                f'input "{each.name.text}" has no default, and the schedule starts '
                "runs without inputs",
                help="give it a default: "
                + worded(
                    each.name.span,
                    f'"{each.type.name} = ..."',
                    f'"{each.name.text}: ... = ..."',
                ),
            )
        )
    _check_together(context, workflow, written, key)
    if written.timezone is not None:
        check_zone(context, written.timezone)
    zone = written.timezone.text if written.timezone else "UTC"
    return ir.Schedule(" ".join(written.cron.fields), zone, written.overlap)


def _check_together(
    context: Context,
    workflow: syntax.Workflow,
    schedule: syntax.Schedule,
    key: Expression | None,
) -> None:
    """Report what cannot be kept together with a schedule.

    A key that is computed from the time is another one for each run.
    """
    options = workflow.options
    assert options is not None
    bound = options.concurrency
    one = bound is None or (bound.limit == 1 and bound.key is None)
    if schedule.overlap == "queue" and bound is not None and not one:
        span = bound.span
        queue = worded(span, "overlap: queue", 'overlap="queue"')
        message = f"`{queue}` lets one run go on at a time, `concurrency` is more"
        help_ = "leave one of them out"
        context.report(error("WF253", span, message, help=help_))
    if options.idempotency_key is not None and key is not None and key.immutable:
        message = "all runs of a schedule have the same key, so only the first starts"
        span = options.idempotency_key.span
        help_ = "leave out `idempotency_key`, or compute it from the time"
        context.report(error("WF253", span, message, help=help_))
