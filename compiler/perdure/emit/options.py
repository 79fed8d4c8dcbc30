"""What a workflow's own keys add to its migration.

**role**: the functions belong to the role and run as it, whoever calls them. Nobody
else may call them until it is granted; a new version takes over what was granted on
the current function, unless it has another role: who may act as the one may not act
as the other. **schedule**: a run of its own, the supervisor, waits for the
next tick and starts a run, for ever. The migration that installs a version stops the
supervisors of the workflow and starts the version's; the way back does the same for
the version before. A tick that cannot start its run is passed over: the supervisor
goes on. It was rejected to keep the ticks in a table that the worker reads: a
supervisor is seen, cancelled and paused like any run, and fires without a worker of
its own kind.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.emit.beside import supervisor_graph
from perdure.emit.functions import function_name, identity
from perdure.emit.layout import Argument, Call, Named, Statement, show
from perdure.emit.literals import dollar_body, quote_literal, quote_name, quote_text
from perdure.emit.numbers import interval
from perdure.plan.query import InputRef, Query, StringLiteral
from perdure.plan.tree import Parameter, Plan, PlanOptions, PlanSchedule
from perdure.plan.version import Previous
from perdure.syntax.sql import Token

# --- how runs are started -------------------------------------------------------


def start_options(plan: Plan) -> tuple[Argument, ...]:
    """Return the arguments of `df.start` that bound a run."""
    options = plan.options
    found: list[Argument] = []
    if options.key is not None:
        found.append(Named("key", _scoped(plan.workflow, options.key)))
    if options.limit is not None:
        scope, limit = quote_literal(plan.workflow), str(options.limit)
        if options.limit_key is not None:
            scope = _scoped(plan.workflow, options.limit_key)
            limit = f"case when {scope} is not null then {limit} end"
        found.append(Named("concurrency_key", scope))
        found.append(Named("concurrency_limit", limit))
    if options.timeout is not None:
        found.append(Named("timeout", f"interval {interval(options.timeout)}"))
    return tuple(found)


def _scoped(workflow: str, key: Query) -> str:
    """Return a key that no other workflow has; null stays null."""
    prefix = quote_literal(f"{workflow}/")
    return f"{prefix} operator(pg_catalog.||) ({_text(key)})::text"


def _text(query: Query) -> str:
    """Return an expression over the parameters of the function."""
    pieces = []
    for piece in query:
        match piece:
            case InputRef(name):
                pieces.append(quote_name(name))
            case StringLiteral(value):
                pieces.append(quote_literal(value))
            case Token():
                pieces.append(piece.text)
            case _:
                pieces.append(getattr(piece, "text", ""))
    return "".join(pieces)


# --- role and database ----------------------------------------------------------


def definer(options: PlanOptions) -> tuple[str, ...]:
    """Return what the head of a function that runs as a role says."""
    return ("security definer",) if options.role else ()


def owned(
    options: PlanOptions, name: str, parameters: Sequence[Parameter], *, new: bool
) -> list[str]:
    """Return what gives a function to the role, and takes it from everybody."""
    if options.role is None:
        return []
    function = identity(name, parameters)
    shut = [f"revoke all on function {function} from public;"] if new else []
    owner = f"alter function {function} owner to {quote_name(options.role)};"
    return [*shut, owner]


def grants_taken_over(
    current: str,
    versioned: str,
    before: Sequence[Parameter],
    after: Sequence[Parameter],
) -> str:
    """Return what lets those call a version who may call the current function."""
    old = quote_text(identity(current, before))
    new = quote_text(identity(versioned, after))
    return f"select perdure.copy_grants({old}, {new});"


def grants_over_drop(
    name: str, before: Sequence[Parameter], after: Sequence[Parameter]
) -> tuple[str, str]:
    """Return what lets those call a function who might before it was made anew.

    The one comes before the drop, the other after all that makes the function.
    """
    old, new = quote_text(identity(name, before)), quote_text(identity(name, after))
    return f"select perdure.keep_grants({old});", f"select perdure.give_grants({new});"


def place_check(options: PlanOptions, workflow: str) -> list[str]:
    """Return what refuses to install a workflow in another database."""
    if options.database is None:
        return []
    message = f'workflow {workflow} is for database "{options.database}", this is %'
    body = f"""
begin
  if current_database() <> {quote_text(options.database)} then
    raise exception {quote_text(message)}, current_database()
      using errcode = 'object_not_in_prerequisite_state',
        hint = 'The steps of a workflow run in the database in which it is installed.';
  end if;
end
"""
    return [f"do {dollar_body(body, 'place')};"]


# --- schedule -------------------------------------------------------------------


def start_key(plan: Plan) -> str | None:
    """Return the key that makes starts one, where the runtime has no keys."""
    return None if plan.options.key is None else f"({_text(plan.options.key)})::text"


def supervisor(
    plan: Plan, schema: str, version: int, *, native: bool = True
) -> list[str]:
    """Return the function that starts a supervisor, and its start."""
    schedule = plan.options.schedule
    if schedule is None:
        return []
    versioned = function_name(schema, plan.workflow, version)
    name = supervisor_name(schema, plan.workflow, version)
    if native:
        graph = _graph(schedule, f"{versioned}()")
    else:
        graph = supervisor_graph(schedule, f"{versioned}()", f"{name}()")
    label = quote_literal(f"{plan.workflow}@{version} schedule")
    start = show(Call("df.start", (graph, label)), 2)
    body = dollar_body(f"\nbegin\n  return {start};\nend\n", "workflow")
    security = "security definer\n" if plan.options.role else ""
    text = (
        f"create function {name}()\nreturns text\nlanguage plpgsql\nvolatile\n"
        f"{security}set search_path = pg_catalog\nas {body};"
    )
    what = f"Starts what starts {plan.workflow}, version {version}, by schedule"
    return [
        text,
        f"comment on function {name}() is {quote_text(what)};",
        *owned(plan.options, name, (), new=True),
    ]


def supervisor_name(schema: str, workflow: str, version: int) -> str:
    """Return the qualified name of the function that starts a supervisor."""
    return f"{quote_name(schema)}.{quote_name(f'{workflow}_v{version}_schedule')}"


def begin_schedule(
    plan: Plan, schema: str, version: int, previous: Previous | None
) -> list[str]:
    """Return what starts a version's supervisor in place of the one before."""
    stop = previous is not None and previous.scheduled
    stopped = [stop_schedule(plan.workflow)] if stop else []
    if plan.options.schedule is None:
        return stopped
    return [*stopped, f"select {supervisor_name(schema, plan.workflow, version)}();"]


def end_schedule(
    plan: Plan, schema: str, version: int, previous: Previous | None
) -> list[str]:
    """Return what puts the supervisor before in a version's place."""
    found = []
    if plan.options.schedule is not None:
        name = supervisor_name(schema, plan.workflow, version)
        found += [stop_schedule(plan.workflow), f"drop function {name}();"]
    if previous is not None and previous.scheduled:
        before = supervisor_name(schema, plan.workflow, previous.version)
        found.append(f"select {before}();")
    return found


def stop_schedule(workflow: str) -> str:
    """Return what ends the supervisors of a workflow."""
    return f"select perdure.stop_schedule({quote_text(workflow)});"


def _graph(schedule: PlanSchedule, start: str) -> Call:
    zone = quote_literal(schedule.timezone)
    wait = Call("df.wait_for_schedule", (quote_literal(schedule.cron), zone))
    run = Call("df.as", (Call("df.sql", (_tick(schedule, start),)), "'last'"))
    passed = Call("df.sql", (Statement(("select 1 as passed_over",)),))
    begun = Call("df.try", (run, passed))
    return Call("df.repeat", (Call("df.seq", (wait, begun)),))


def _tick(schedule: PlanSchedule, start: str) -> Statement:
    """Return the statement that starts a run, or gives the last one while it lasts."""
    if schedule.overlap != "skip":
        return Statement((f"select {start} as run_id",))
    return Statement(
        (
            "select case when exists (select from df.instances where id = "
            "($last.run_id?)::text and status in ('pending', 'running', 'paused')) "
            f"then ($last.run_id?)::text else {start} end as run_id",
        )
    )
