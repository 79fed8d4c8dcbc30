"""Which runtime the worker works with, and whether it was upgraded meanwhile.

An upgrade replaces the functions that a call of `df.work` is inside of, so the call may
end with an error that says nothing of its cause: a type that is gone, a function that
has other arguments. Nothing is lost by it, as by the loss of a session. The rejected
way was to have the upgrade stop all workers, which it cannot know.
"""

from __future__ import annotations

import asyncio

import psycopg

from perdure.engine.errors import EngineError
from perdure.engine.install import Status, require_runtime
from perdure.engine.worker_log import Log


class Runtime:
    """The runtime of a worker's database, as it was last seen."""

    def __init__(self, url: str, log: Log) -> None:
        self.status: Status | None = None
        self._url = url
        self._log = log

    async def require(self) -> None:
        """Look at it. Raises EngineError unless this worker can work with it."""
        self.status = await asyncio.to_thread(require_runtime, self._url)
        if self.status.newer:
            self._log.warning("runtime.newer", **self._facts())

    async def changed(self, since: Status | None, error: psycopg.Error) -> bool:
        """Say whether an error may come from an upgrade since a status was seen."""
        if isinstance(error, psycopg.OperationalError):
            return False
        try:
            found = await asyncio.to_thread(require_runtime, self._url)
        except EngineError:
            return False
        if found != self.status:
            self.status = found
            self._log.info("runtime.changed", **self._facts())
        return found != since

    def _facts(self) -> dict[str, str | None]:
        assert self.status is not None
        return {"installed": self.status.installed, "known": self.status.shipped}
