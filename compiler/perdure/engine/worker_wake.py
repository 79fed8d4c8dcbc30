"""How idle parts of the worker sleep and are woken, all in one event loop."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


class Bell:
    """Wakes everyone who waits; a ring between looking and waiting is not lost.

    Take `mark()`, look for work, and `wait(mark, ...)`: the wait returns at once
    when the bell was rung after the mark. Who began to wait last is woken first: its
    session has its plans and its memory at hand.
    """

    def __init__(self) -> None:
        self._rings = 0
        self._waiters: list[asyncio.Future[bool]] = []

    def mark(self) -> int:
        """Return what `wait` compares with."""
        return self._rings

    def ring(self) -> None:
        """Wake everyone who waits now, or has marked and will wait."""
        self._rings += 1
        for waiter in reversed(self._waiters):
            _answer(waiter, True)
        self._waiters.clear()

    async def wait(self, mark: int, seconds: float) -> bool:
        """Wait for a ring since `mark`; return whether there was one in time."""
        if self._rings != mark:
            return True
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[bool] = loop.create_future()
        timer = loop.call_later(seconds, _answer, waiter, False)
        self._waiters.append(waiter)
        try:
            return await waiter
        finally:
            timer.cancel()
            if waiter in self._waiters:
                self._waiters.remove(waiter)


def _answer(waiter: asyncio.Future[bool], rung: bool) -> None:
    if not waiter.done():
        waiter.set_result(rung)


@dataclass(eq=False, slots=True)
class Look:
    """One session's look for work.

    `pause` is for how long nothing will be ready. When it `gathers`, the database has
    asked for this pause, because work comes one by one that is better done together.
    """

    mark: int
    began: float
    ended: asyncio.Future[float]
    pause: float | None = None
    gathers: bool = False


class Relay:
    """Lets idle sessions look for work one after the other.

    A notification wakes all of them, and mostly there is work for one. So the others
    wait for what it finds; when that takes longer than a session's patience it is at
    work, and the next one looks. Steps that come in a stream are better left to the
    one that does them, because what it finds at once costs less: who looks beside it
    only helps, see `busy`. A look that lasts longer than `lasting` seconds is in a long
    step, and is counted no more.
    """

    def __init__(self, lasting: float) -> None:
        self._lasting = lasting
        self._looks: list[Look] = []
        self._last: Look | None = None

    @property
    def busy(self) -> bool:
        """Whether a session is looking, or does short steps that it found."""
        return bool(self._under_way())

    async def answer(self, mark: int, patience: float) -> float | None:
        """Return for how long nothing will be ready, if a look since `mark` found that.

        Waits for those that are under way, `patience` seconds for the newest of them.
        """
        await self._gather()
        while self._left(mark) is None and (looks := self._under_way()):
            newest = looks[-1]
            await asyncio.wait([newest.ended], timeout=patience)
            if not newest.ended.done() and self._looks[-1] is newest:
                break
        return self._left(mark)

    @contextmanager
    def look(self, mark: int) -> Iterator[Look]:
        """Enclose a look; what it sets is what the others hear."""
        loop = asyncio.get_running_loop()
        look = Look(mark, loop.time(), loop.create_future())
        self._looks.append(look)
        try:
            yield look
        finally:
            self._looks.remove(look)
            self._last = look
            look.ended.set_result(loop.time())

    async def _gather(self) -> None:
        """Wait for the end of a pause in which work gathers, whatever rings."""
        last = self._last
        if last is not None and last.gathers and last.pause is not None:
            await asyncio.sleep(last.ended.result() + last.pause - self._now())

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()

    def _under_way(self) -> list[Look]:
        since = self._now() - self._lasting
        return [look for look in self._looks if look.began > since]

    def _left(self, mark: int) -> float | None:
        """What is left of the pause that the last look found, if it is of `mark`."""
        last = self._last
        if last is None or last.pause is None or last.mark < mark:
            return None
        left = last.ended.result() + last.pause - self._now()
        return left if left > 0 else None


class Backoff:
    """Waits longer from failure to failure, with jitter, up to a few seconds."""

    def __init__(self, first: float = 0.1, most: float = 5.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def reset(self) -> None:
        """Start again from the shortest wait."""
        self._next = self._first

    def take(self) -> float:
        """Return the seconds to wait now."""
        now, self._next = self._next, min(self._next * 2, self._most)
        return now * random.uniform(0.5, 1.0)
