"""What the keys of a workflow add to its migration where the runtime has none of them.

A key that makes starts one is looked up by the function that starts the run. The
supervisor of a schedule is a run that has no `try` and no time zones: a function calls
the workflow's and passes over its failure, and times are computed. It hands over to
another supervisor before the extension ends its loop.
"""

from __future__ import annotations

from perdure.emit.layout import Call, Statement
from perdure.emit.literals import quote_literal
from perdure.plan.tree import PlanSchedule

_SELF = "'{sys_instance_id}'"


def keyed(start: Call, workflow: str, key: str) -> Call:
    """Return a start that happens once for a key."""
    name = quote_literal(workflow)
    found = Call("perdure.run_of", (name, key))
    return Call("coalesce", (found, Call("perdure.keep_run", (name, key, start))))


def supervisor_graph(schedule: PlanSchedule, start: str, successor: str) -> Call:
    """Return what starts runs, and at last what comes after itself."""
    query = quote_literal(f"select {start}")
    skip = "true" if schedule.overlap == "skip" else "false"
    tick = _sql(f"select perdure.tick({_SELF}, {query}, {skip}) as run_id")
    goes_on = Statement((f"select perdure.goes_on({_SELF}) as ok",))
    loop = Call("df.loop", (Call("df.seq", (_wait(schedule), tick)), goes_on))
    return Call("df.seq", (loop, _sql(f"select {successor} as successor")))


def _wait(schedule: PlanSchedule) -> Call:
    fields = schedule.cron.split()
    both = fields[2] != "*" and fields[4] != "*"
    cron = quote_literal(schedule.cron)
    if schedule.timezone == "UTC" and not both:
        return Call("df.wait_for_schedule", (cron,))
    zone = quote_literal(schedule.timezone)
    query = f"select perdure.next_time({cron}, clock_timestamp(), {zone}) as at"
    time = Call("df.as", (_sql(query), "'next'"))
    left = "($next.at)::timestamptz - clock_timestamp()"
    far = Statement((f"select {left} > interval '60 seconds' as ok",))
    ahead = Statement((f"select {left} > interval '0' as ok",))
    pause = Call("df.if", (far, Call("df.sleep", ("60",)), Call("df.sleep", ("1",))))
    loop = Call("df.loop", (pause, ahead))
    return Call("df.seq", (time, loop))


def _sql(text: str) -> Call:
    return Call("df.sql", (Statement((text,)),))
