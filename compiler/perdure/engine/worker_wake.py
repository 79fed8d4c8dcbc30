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


@dataclass(slots=True)
class Look:
    """One session's look for work; `pause` is how long nothing will be ready."""

    mark: int
    pause: float | None = None


class Relay:
    """Lets idle sessions look for work one after the other.

    A notification wakes all of them, and mostly there is work for one. So the others
    wait for what the first one finds; when that takes longer than a few milliseconds it
    is at work, the next one looks, and the others wait for that one.
    """

    def __init__(self, patience: float = 0.003) -> None:
        self._patience = patience
        self._last: asyncio.Future[Look] | None = None

    async def answer(self, mark: int) -> float | None:
        """Return the pause that another session found since `mark`, if one did."""
        last = self._last
        if last is None or last.done():
            return None
        while True:
            try:
                found = await asyncio.wait_for(asyncio.shield(last), self._patience)
            except TimeoutError:
                if self._last is None or self._last is last:
                    return None
                last = self._last
            else:
                return found.pause if found.mark >= mark else None

    @contextmanager
    def look(self, mark: int) -> Iterator[Look]:
        """Enclose a look; what it sets is what the others hear."""
        look = Look(mark)
        future = asyncio.get_running_loop().create_future()
        self._last = future
        try:
            yield look
        finally:
            future.set_result(look)


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
