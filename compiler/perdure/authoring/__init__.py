"""What a workflow in Python is written with.

Nothing here does anything when it is called: the function of a workflow is never
executed, its source is compiled. These are the names that the compiler recognises,
with types that let an editor and a type checker read the source as Python.

A column of a result has the type `Any`: what it is, PostgreSQL says, and the compiler
checks it against the schema. The rejected way, a class of its own with operators,
makes every checker refuse `return {"total": order.total}` where the declared type is
a number. A row itself has no operators, so that `order + 1` is red in the editor.
"""

from perdure.authoring.blocks import branch, every, gather, parallel, race, until
from perdure.authoring.expressions import cast, coalesce, expr, func, interval, now
from perdure.authoring.results import Branches, Race, Response, Row, Signal, run
from perdure.authoring.steps import (
    Failure,
    Retry,
    http,
    sleep,
    sql,
    sql_file,
    wait_for_signal,
)
from perdure.authoring.workflow import Workflow, workflow

__all__ = [
    "Branches",
    "Failure",
    "Race",
    "Response",
    "Retry",
    "Row",
    "Signal",
    "Workflow",
    "branch",
    "cast",
    "coalesce",
    "every",
    "expr",
    "func",
    "gather",
    "http",
    "interval",
    "now",
    "parallel",
    "race",
    "run",
    "sleep",
    "sql",
    "sql_file",
    "until",
    "wait_for_signal",
    "workflow",
]
