"""Handles: a run, with the connection over which it is asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from perdure.application import runs
from perdure.application.connections import carry_out, carry_out_async
from perdure.application.query import Operation
from perdure.application.runs import Seconds, Status

R = TypeVar("R")
T = TypeVar("T")
R_co = TypeVar("R_co", covariant=True)

_CANCELLED = "cancelled by the application"


class _Run(Generic[R_co]):
    """What handles of both kinds know."""

    __slots__ = (
        "_began",
        "_checked",
        "_connection",
        "_wanted",
        "created",
        "run_id",
        "workflow",
    )

    def __init__(
        self,
        connection: object,
        workflow: str,
        run_id: str,
        wanted: Callable[[], Any],
        *,
        started: bool = False,
        created: bool = False,
        began: str | None = None,
    ) -> None:
        self._connection = connection
        self._wanted = wanted
        self._began = began
        self._checked = started
        self.workflow = workflow
        self.run_id = run_id
        self.created = created

    def _asked(self, operation: Operation[T]) -> Operation[T]:
        """Look, before the first operation, whether the run is one of the workflow."""
        if not self._checked:
            yield from runs.check_workflow(self.run_id, self.workflow)
            self._checked = True
        value = yield from operation
        return value

    def __repr__(self) -> str:
        """Return the workflow and the id of the run."""
        return f"<{type(self).__name__} {self.workflow} {self.run_id}>"


class Handle(_Run[R_co]):
    """A run. `run_id` finds it again; `created` says that the call has started it.

    What is asked is asked over the connection that the handle was made with, in its
    transaction.
    """

    __slots__ = ()

    def status(self) -> Status:
        """Return where the run stands."""
        return carry_out(self._connection, self._asked(runs.status(self.run_id)))

    def result(self) -> R_co:
        """Return the result of a run that has ended.

        Raises NotFinished, and RunFailed or RunCancelled where there is no result.
        """
        operation = runs.result(self.run_id, self._wanted)
        value: R_co = carry_out(self._connection, self._asked(operation))
        return value

    def wait(self, timeout: Seconds | None = None) -> R_co:
        """Wait until the run has ended, and return its result as `result` does.

        The transaction that started the run must have been committed. Raises
        WaitTimeout when it has not ended after `timeout` seconds.
        """
        operation = runs.wait(self.run_id, self._wanted, timeout, self._began)
        value: R_co = carry_out(self._connection, self._asked(operation))
        return value

    def signal(self, name: str, data: object = None) -> None:
        """Send a signal to the run; it is sent when the transaction is committed.

        Raises WrongInput when the run never waits for such a signal, or not for one
        with such data; RunEnded when it is over.
        """
        operation = runs.signal(self.run_id, self.workflow, name, data)
        carry_out(self._connection, self._asked(operation))

    def cancel(self, reason: str = _CANCELLED) -> None:
        """Cancel the run; one that has ended stays as it is."""
        carry_out(self._connection, self._asked(runs.cancel(self.run_id, reason)))

    def pause(self, reason: str | None = None) -> None:
        """Pause the run: steps in progress end, no others begin until `resume`."""
        carry_out(self._connection, self._asked(runs.pause(self.run_id, reason)))

    def resume(self) -> None:
        """Let the paused run go on."""
        carry_out(self._connection, self._asked(runs.resume(self.run_id)))


class AsyncHandle(_Run[R_co]):
    """A run, as `Handle`, over a connection that is awaited."""

    __slots__ = ()

    async def status(self) -> Status:
        """Return where the run stands."""
        return await carry_out_async(
            self._connection, self._asked(runs.status(self.run_id))
        )

    async def result(self) -> R_co:
        """Return the result of a run that has ended.

        Raises NotFinished, and RunFailed or RunCancelled where there is no result.
        """
        operation = runs.result(self.run_id, self._wanted)
        value: R_co = await carry_out_async(self._connection, self._asked(operation))
        return value

    async def wait(self, timeout: Seconds | None = None) -> R_co:
        """Wait until the run has ended, and return its result as `result` does.

        The transaction that started the run must have been committed. Raises
        WaitTimeout when it has not ended after `timeout` seconds.
        """
        operation = runs.wait(self.run_id, self._wanted, timeout, self._began)
        value: R_co = await carry_out_async(self._connection, self._asked(operation))
        return value

    async def signal(self, name: str, data: object = None) -> None:
        """Send a signal to the run; it is sent when the transaction is committed.

        Raises WrongInput when the run never waits for such a signal, or not for one
        with such data; RunEnded when it is over.
        """
        operation = runs.signal(self.run_id, self.workflow, name, data)
        await carry_out_async(self._connection, self._asked(operation))

    async def cancel(self, reason: str = _CANCELLED) -> None:
        """Cancel the run; one that has ended stays as it is."""
        await carry_out_async(
            self._connection, self._asked(runs.cancel(self.run_id, reason))
        )

    async def pause(self, reason: str | None = None) -> None:
        """Pause the run: steps in progress end, no others begin until `resume`."""
        await carry_out_async(
            self._connection, self._asked(runs.pause(self.run_id, reason))
        )

    async def resume(self) -> None:
        """Let the paused run go on."""
        await carry_out_async(self._connection, self._asked(runs.resume(self.run_id)))
