"""What an application does with workflows: start them, and follow their runs.

    with psycopg.connect(...) as connection:
        run = order_approval.start(connection, order_id=1)

`start` is a call of the deployed workflow's SQL function in the caller's transaction.
Nothing of the compiler is needed for it, and nothing else is imported.
"""

from perdure.application.connections import AsyncConnection, SyncConnection
from perdure.application.errors import (
    NotCommitted,
    NotDeployed,
    NotFinished,
    NotPermitted,
    RunCancelled,
    RunEnded,
    RunFailed,
    RunNotFound,
    WaitTimeout,
    WorkflowError,
    WrongConnection,
    WrongInput,
    WrongResult,
    WrongRun,
)
from perdure.application.handles import AsyncHandle, Handle
from perdure.application.runs import Status
from perdure.application.startable import Startable, deployed_workflow

__all__ = [
    "AsyncConnection",
    "AsyncHandle",
    "Handle",
    "NotCommitted",
    "NotDeployed",
    "NotFinished",
    "NotPermitted",
    "RunCancelled",
    "RunEnded",
    "RunFailed",
    "RunNotFound",
    "Startable",
    "Status",
    "SyncConnection",
    "WaitTimeout",
    "WorkflowError",
    "WrongConnection",
    "WrongInput",
    "WrongResult",
    "WrongRun",
    "deployed_workflow",
]
