"""The worker: connections that execute steps, one that listens, and HTTP.

Each of N connections calls `df.work` again and again; the loop over steps is inside
the database, so this side only decides when to call: at once while there is work, at
the next timer, or when PostgreSQL notifies. Losing a connection loses nothing, because
a claim is a row lock of the transaction that does the work. A step that ends its own
session is found by working carefully after a loss, see worker_care.

All of it is one event loop. HTTP wants one anyway, the connections spend their time
waiting for the server, and stopping, waking and giving up are then plain events. The
rejected way was a thread per connection: it needs the same events across threads, and
a thread that waits for the server cannot be interrupted.

Stopping is of two kinds: the first request lets every connection finish its running
step and every HTTP request its record; the second, or the end of the grace period,
gives them up, which PostgreSQL undoes and another worker does again.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from os import getpid
from typing import Any

import psycopg

from perdure.engine.errors import EngineError, MissingPrivilege, MissingRuntime
from perdure.engine.guard import Guard
from perdure.engine.http_client import DEFAULT_MAX_BYTES, HttpClient
from perdure.engine.worker_care import Care
from perdure.engine.worker_http import HttpWork
from perdure.engine.worker_log import Log
from perdure.engine.worker_retention import prune_always
from perdure.engine.worker_runtime import Runtime
from perdure.engine.worker_session import PERMANENT, Session, connect, reason
from perdure.engine.worker_statements import StatementWork
from perdure.engine.worker_wake import Backoff, Bell, Look, Relay
from perdure.engine.worker_watch import Watch

# One call of df.work ends after this long, so that a stop is heard in time, and so that
# who is in a call for longer is known to be in a long step.
CALL_MS = 50
CALL_STEPS = 100_000
# A session that was woken while another one does short steps helps for so long. When it
# finds less than this there are enough at it: it waits for longer and longer before it
# looks again.
HELP_MS = 5
HELP_STEPS = 8
PATIENCE_SECONDS = 0.003
MOST_PATIENCE_SECONDS = 0.012
# The pause that df.work asks for while runs are started one after the other. (A timer
# may be due as soon: who is notified then waits for it, too.)
GATHER_SECONDS = 0.004
# Nothing depends on these two; they bound the damage of a lost notification.
IDLE_SECONDS = 60.0
LISTEN_SECONDS = 60.0
# A connection that lived so long was in order: its loss is a new trouble.
SETTLED_SECONDS = 20.0


def worker_name() -> str:
    """Return a name that tells this process from every other worker."""
    return f"{socket.gethostname()}:{getpid()}"


@dataclass(frozen=True, slots=True)
class Options:
    """How a worker works; `grace` in seconds."""

    url: str
    connections: int = 4
    requests: int = 32
    statements: int = 4
    max_response_bytes: int = DEFAULT_MAX_BYTES
    grace: float = 30.0
    guard: Guard = field(default_factory=Guard)
    name: str = field(default_factory=worker_name)


class Worker:
    """Executes runs until it is stopped; made inside the event loop that it uses."""

    def __init__(self, options: Options, log: Log) -> None:
        self.steps = 0
        self._options = options
        self._log = log
        self._bell = Bell()
        self._relay = Relay(lasting=1.5 * CALL_MS / 1000)
        self._stopping = False
        self._forced = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._http: HttpWork | None = None
        self._runtime = Runtime(options.url, log)
        self._statements: StatementWork | None = None
        self._watch = Watch(options.url, Session(options.url), log)
        self._unready = options.connections + 1

    async def run(self) -> None:
        """Work until stopped.

        Raises EngineError when the database or the runtime is not there at the start,
        or when what this role may do was taken from it.
        """
        options = self._options
        await self._runtime.require()
        client = HttpClient(
            options.guard,
            max_connections=options.requests,
            max_bytes=options.max_response_bytes,
        )
        session = Session(options.url)
        self._http = HttpWork(
            session, client, self._log, name=options.name, at_once=options.requests
        )
        self._statements = StatementWork(
            session,
            options.url,
            self._log,
            name=options.name,
            at_once=options.statements,
        )
        if self._stopping:
            self._http.stop()
            self._statements.stop()
        started = time.monotonic()
        self._log.info(
            "worker.started", name=options.name, connections=options.connections
        )
        try:
            await self._run_parts(self._http, self._statements)
        finally:
            await session.close()
            await self._watch.close()
            await client.aclose()
            self._log.info(
                "worker.stopped",
                steps=self.steps,
                requests=self._http.served,
                seconds=round(time.monotonic() - started, 1),
            )

    def stop(self) -> None:
        """Finish what runs and end; a second call gives it up. Safe in any thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._stopping:
            self._log.warning("worker.giving_up")
            self._forced.set()
            return
        self._log.info("worker.stopping")
        self._stopping = True
        self._bell.ring()
        if self._http is not None:
            self._http.stop()
        if self._statements is not None:
            self._statements.stop()
        self._loop.call_later(self._options.grace, self._forced.set)

    async def _run_parts(self, http: HttpWork, statements: StatementWork) -> None:
        bells = {"http": http.bell, "sql": statements.bell}
        helpers = [
            asyncio.create_task(self._listen(bells)),
            asyncio.create_task(self._watch.run()),
            asyncio.create_task(prune_always(self._options.url, self._log)),
            asyncio.create_task(self._forced.wait()),
        ]
        parts = [
            asyncio.create_task(self._lasting(http.run)),
            asyncio.create_task(self._lasting(statements.run)),
        ]
        for number in range(1, self._options.connections + 1):
            parts.append(asyncio.create_task(self._execute(number)))
        everything = asyncio.gather(*parts)
        ends: set[asyncio.Future[Any]] = {everything, helpers[-1]}
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            if everything.done():
                everything.result()
        except PERMANENT as error:
            raise _permanent(error) from error
        finally:
            await _cancel([*helpers, *parts])

    async def _lasting(self, run: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Do a part's work until it stops, over upgrades of the runtime."""
        while True:
            runtime = self._runtime.status
            try:
                await run()
                return
            except PERMANENT as error:
                if not await self._runtime.changed(runtime, error):
                    raise

    async def _execute(self, number: int) -> None:
        await self._connected(f"steps {number}", partial(self._work, Care()))

    async def _work(self, care: Care, connection: psycopg.AsyncConnection[Any]) -> None:
        """Call df.work until stopped; every error is the caller's."""
        empty = Backoff(first=0.005, most=0.1)
        idle = False
        patience = PATIENCE_SECONDS
        while not self._stopping:
            mark = self._bell.mark()
            pause = await self._relay.answer(mark, patience) if idle else None
            if pause is None:
                helps = idle and self._relay.busy
                with self._relay.look(mark) as look:
                    steps, wait_ms = await self._call(
                        care, connection, HELP_MS if helps else CALL_MS
                    )
                    pause = IDLE_SECONDS if wait_ms is None else wait_ms / 1000
                    look.pause = pause or None
                    look.gathers = bool(steps) and pause <= GATHER_SECONDS
                if helps and 0 < steps < HELP_STEPS and not self._was_long(look, steps):
                    patience = min(patience * 2, MOST_PATIENCE_SECONDS)
                    continue
                patience = PATIENCE_SECONDS
                if steps or pause:
                    empty.reset()
                else:
                    # What is ready is held by another connection; do not spin.
                    pause = empty.take()
            idle = pause > 0
            if idle:
                await self._bell.wait(mark, min(pause, IDLE_SECONDS))

    def _was_long(self, look: Look, steps: int) -> bool:
        """Whether so many steps took too long for others to wait for them."""
        return self._loop.time() - look.began > PATIENCE_SECONDS * (steps + 1)

    async def _call(
        self, care: Care, connection: psycopg.AsyncConnection[Any], ms: int
    ) -> tuple[int, int | None]:
        """Call df.work once, for `ms` and a step; return its steps and its wait."""
        query, values = care.call(CALL_STEPS, ms)
        pid = connection.info.backend_pid  # not known any more once it is lost
        begun = time.monotonic()
        try:
            with self._watch.over():
                cursor = await connection.execute(query, values)
        except psycopg.Error as error:
            care.alarm(pid, reason(error))
            raise
        care.heard()
        row = await cursor.fetchone()
        steps, wait_ms = row if row else (0, None)
        self.steps += steps
        if steps:
            took = round((time.monotonic() - begun) * 1000, 3)
            self._log.debug("worker.steps", steps=steps, ms=took, wait_ms=wait_ms)
        return steps, wait_ms

    async def _listen(self, bells: dict[str, Bell]) -> None:
        async def listen(connection: psycopg.AsyncConnection[Any]) -> None:
            await connection.execute("listen df_work")
            while True:
                # What was notified while nobody listened is looked for by hand.
                for bell in (self._bell, *bells.values()):
                    bell.ring()
                async for note in connection.notifies(timeout=LISTEN_SECONDS):
                    self._bell.ring()
                    if note.payload in bells:
                        bells[note.payload].ring()
                await connection.execute("select 1")

        await self._connected("notifications", listen)

    async def _connected(
        self,
        purpose: str,
        use: Callable[[psycopg.AsyncConnection[Any]], Coroutine[Any, Any, None]],
    ) -> None:
        """Use a connection until stopped; open another one whenever it is lost."""
        backoff = Backoff()
        lost = ready = False
        while not self._stopping:
            opened = time.monotonic()
            runtime = self._runtime.status
            try:
                async with await connect(self._options.url) as connection:
                    if lost:
                        self._log.info("connection.restored", purpose=purpose)
                    else:
                        self._log.debug("connection.opened", purpose=purpose)
                    lost = False
                    if not ready:
                        ready = True
                        self._got_ready()
                    await use(connection)
            except psycopg.Error as error:
                if await self._runtime.changed(runtime, error):
                    continue
                if isinstance(error, PERMANENT):
                    raise
                if not lost:
                    self._log.warning(
                        "connection.lost", purpose=purpose, reason=reason(error)
                    )
                lost = True
                if time.monotonic() - opened > SETTLED_SECONDS:
                    backoff.reset()
                await self._bell.wait(self._bell.mark(), backoff.take())

    def _got_ready(self) -> None:
        """Say so when the last of the connections is up for the first time."""
        self._unready -= 1
        if not self._unready:
            self._log.info("worker.ready", connections=self._options.connections)


async def _cancel(tasks: list[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _permanent(error: Exception) -> EngineError:
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        return MissingPrivilege(f"the role may not work: {reason(error)}")
    return MissingRuntime(f"the runtime is not there any more: {reason(error)}")


def run_worker(options: Options, log: Log) -> None:
    """Run a worker in this process until SIGTERM or SIGINT; twice gives up steps."""

    async def main() -> None:
        worker = Worker(options, log)
        with _signals(worker.stop):
            await worker.run()

    asyncio.run(main())


@contextmanager
def _signals(stop: Callable[[], None]) -> Iterator[None]:
    kinds = (signal.SIGTERM, signal.SIGINT)
    before = {kind: signal.signal(kind, lambda *_: stop()) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)
