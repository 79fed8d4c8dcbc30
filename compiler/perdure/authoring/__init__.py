"""What a workflow in Python is written with.

Nothing here does anything when it is called: the function of a workflow is never
executed, its source is compiled. These are the names that the compiler recognises,
with types that let an editor and a type checker read the source as Python.

A column of a result has the type `Any`: what it is, PostgreSQL says, and the compiler
checks it against the schema. The rejected way, a class of its own with operators,
makes every checker refuse `return {"total": order.total}` where the declared type is
a number. A row itself has no operators, so that `order + 1` is red in the editor.
"""

from perdure.authoring.blocks import (
    branch,
    collect,
    every,
    foreach,
    gather,
    group,
    on_failure,
    parallel,
    race,
    step,
    transaction,
    until,
)
from perdure.authoring.calls import (
    call,
    signal,
    start,
)
from perdure.authoring.expressions import (
    cast,
    coalesce,
    expr,
    func,
    interval,
    now,
)
from perdure.authoring.options import (
    Concurrency,
    Failure,
    Retry,
)
from perdure.authoring.results import (
    Branches,
    Race,
    Response,
    Row,
    Signal,
    Started,
    run,
    secrets,
)
from perdure.authoring.steps import (
    Part,
    http,
    sleep,
    sleep_until,
    sql,
    sql_file,
    wait_for_schedule,
    wait_for_signal,
)
from perdure.authoring.workflow import (
    Workflow,
    workflow,
)

__all__ = [
    "Branches",
    "Concurrency",
    "Failure",
    "Part",
    "Race",
    "Response",
    "Retry",
    "Row",
    "Signal",
    "Started",
    "Workflow",
    "branch",
    "call",
    "cast",
    "coalesce",
    "collect",
    "every",
    "expr",
    "foreach",
    "func",
    "gather",
    "group",
    "http",
    "interval",
    "now",
    "on_failure",
    "parallel",
    "race",
    "run",
    "secrets",
    "signal",
    "sleep",
    "sleep_until",
    "sql",
    "sql_file",
    "start",
    "step",
    "transaction",
    "until",
    "wait_for_schedule",
    "wait_for_signal",
    "workflow",
]
