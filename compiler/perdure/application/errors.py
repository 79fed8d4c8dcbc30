"""What can go wrong for an application, each with what to do about it.

An error of the database that is not a mistake in the call (a lost connection, a
serialization failure) is passed on as the driver raised it, so that what an application
does about those keeps working.
"""

from __future__ import annotations


class WorkflowError(Exception):
    """What all errors of calls of workflows have in common."""


class NotDeployed(WorkflowError):
    """The database has no such workflow, or no runtime."""


class NotPermitted(WorkflowError):
    """The role may not start the workflow, or not see runs."""


class WrongConnection(WorkflowError, TypeError):
    """What was given is not a connection that is understood."""


class WrongInput(WorkflowError, TypeError):
    """An input is missing, unknown, or of another type; or the data of a signal is."""


class WrongResult(WorkflowError, TypeError):
    """The result of a run is not of the type that was declared."""


class RunNotFound(WorkflowError, LookupError):
    """The role has no run with this id."""


class WrongRun(WorkflowError, LookupError):
    """The run with this id is one of another workflow."""


class NotCommitted(WorkflowError):
    """What is waited for can't be seen from inside of this transaction."""


class NotFinished(WorkflowError):
    """The run has not ended, so it has no result yet."""


class WaitTimeout(NotFinished, TimeoutError):
    """The run has not ended in the time that was given."""


class RunEnded(WorkflowError):
    """The run has ended, or is not in the state that this is for."""


class RunFailed(WorkflowError):
    """The run has failed; `message` and `sqlstate` are those of the step that did."""

    def __init__(self, run_id: str, message: str, sqlstate: str | None) -> None:
        state = f" ({sqlstate})" if sqlstate else ""
        super().__init__(f"run {run_id} failed: {message}{state}")
        self.run_id = run_id
        self.message = message
        self.sqlstate = sqlstate


class RunCancelled(WorkflowError):
    """The run was cancelled."""

    def __init__(self, run_id: str, reason: str | None) -> None:
        because = f": {reason}" if reason else ""
        super().__init__(f"run {run_id} was cancelled{because}")
        self.run_id = run_id
        self.reason = reason
