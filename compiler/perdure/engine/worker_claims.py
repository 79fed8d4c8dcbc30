"""What the worker does outside of `df.work`: claimed by lease, served several at once.

A claim is a lease, and the attempt number fences what comes too late, so a worker may
die at any point: another one takes over what it held when the lease ends. Between the
claim and the record no transaction is open.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

import psycopg

from perdure.engine.worker_log import Log
from perdure.engine.worker_session import PERMANENT, Session, next_lease, reason
from perdure.engine.worker_wake import Backoff, Bell

# Nothing depends on this; it bounds the damage of a lost notification.
POLL_SECONDS = 60.0

Claimed = TypeVar("Claimed")


class ClaimedWork(ABC, Generic[Claimed]):
    """Claims and serves until it is told to stop.

    `_failed_event` is what the log calls a claim that failed; `_statements` says which
    of the two kinds of leases is meant.
    """

    _failed_event: str
    _statements: bool

    def __init__(self, session: Session, log: Log, *, name: str, at_once: int) -> None:
        self.bell = Bell()
        self.served = 0
        self._session = session
        self._log = log
        self._name = name
        self._at_once = at_once
        self._tasks: set[asyncio.Task[None]] = set()
        self._more = False
        self._stopping = False

    @abstractmethod
    async def _claim(self, most: int) -> Sequence[Claimed]:
        """Claim what there is, `most` at most."""

    @abstractmethod
    async def _serve(self, claimed: Claimed) -> None:
        """Do what was claimed and record how it ended."""

    def stop(self) -> None:
        """Claim no more; what is under way is finished."""
        self._stopping = True
        self.bell.ring()

    async def run(self) -> None:
        """Claim and serve until stopped, then until the last end is recorded."""
        backoff = Backoff()
        try:
            while not self._stopping:
                mark = self.bell.mark()
                try:
                    pause = await self._begin()
                    backoff.reset()
                except PERMANENT:
                    raise
                except psycopg.Error as error:
                    self._log.warning(self._failed_event, reason=reason(error))
                    pause = backoff.take()
                await self.bell.wait(mark, pause)
            await asyncio.gather(*self._tasks)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _begin(self) -> float:
        """Begin what there is room for; return the seconds to wait for more."""
        free = self._at_once - len(self._tasks)
        # While it is not known that all were claimed, each end asks for more.
        self._more = True
        if free < 1:
            return POLL_SECONDS
        found = await self._claim(free)
        self._more = len(found) == free
        for claimed in found:
            task = asyncio.create_task(self._serve(claimed))
            self._tasks.add(task)
            task.add_done_callback(self._done)
        if self._more:
            return POLL_SECONDS
        # What a worker held that died is free when its lease ends.
        return await next_lease(
            self._session, POLL_SECONDS, statements=self._statements
        )

    def _claim_again(self) -> None:
        """Look for work when this one has ended: it was given back, for example."""
        self._more = True

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._more:
            self.bell.ring()
