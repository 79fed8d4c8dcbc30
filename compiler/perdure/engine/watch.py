"""Watch a run until it ends: read, fold, wait a little, again.

Reading again and again is for people who look on; the runtime has no notification
for every step, because every step would pay for it. The pause grows while nothing
changes. A lost connection is opened anew, so watching survives a restart of PostgreSQL.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace

import psycopg

from perdure.engine import client
from perdure.engine.database import Database, connect
from perdure.engine.errors import NoDatabase, UsageError
from perdure.engine.follow import Followed, follow
from perdure.engine.listening import callers, calls, listening
from perdure.engine.runs import Called

SHORTEST_PAUSE = 0.05
LONGEST_PAUSE = 0.5
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class Outbox:
    """Signals to be sent, each as soon as a run waits for one of its name.

    That is the run that is watched, or one that it waits for, if no step of its own
    takes the signal; `forwarded` are those that went there.
    """

    signals: list[tuple[str, str]]
    forwarded: list[tuple[str, Called]] = field(default_factory=list)

    def awaited(
        self, connection: client.Connection, run: str
    ) -> list[tuple[str, Called | None]]:
        """Return what is waited for now; with the run that does, if it is another."""
        found: list[tuple[str, Called | None]] = []
        for name in dict.fromkeys(name for name, _ in self.signals):
            heard = listening(connection, run, name)
            if heard.signals.get(name):
                found.append((name, None))
            elif name not in heard.signals:
                found += [(name, each) for each, now in heard.called if now][:1]
        return found

    def send(
        self, connection: client.Connection, run: str, name: str, to: Called | None
    ) -> None:
        """Send the first signal of a name, if there is one."""
        for at, (wanted, data) in enumerate(self.signals):
            if wanted == name:
                # The run may have ended in the meantime; then it stays unsent.
                with suppress(UsageError):
                    client.signal(connection, to.id if to else run, name, data)
                    del self.signals[at]
                    if to is not None:
                        self.forwarded.append((name, to))
                return


def read(connection: client.Connection, run: str) -> Followed:
    """Return a run as it is now, with those that wait for it."""
    found = client.find_run(connection, run)
    # The run first: when it has ended, the nodes that are read later are final.
    nodes = client.nodes(connection, run)
    if any(node.type == "CALL" for node in nodes):
        called = calls(connection, [run])
        nodes = [replace(n, called=called.get((run, n.id), ())) for n in nodes]
    places = client.source_map(connection, found.label)
    waiting = () if found.ended else callers(connection, [run]).get(run, ())
    return replace(follow(found, places, nodes), callers=waiting)


def watch(
    database: Database,
    run: str,
    outbox: Outbox | None = None,
    check: Callable[[], None] | None = None,
) -> Iterator[Followed]:
    """Yield the run whenever it was read, last when it has ended.

    `check` is called each time, to raise what should end the watching.
    """
    lost_at: float | None = None
    while True:
        try:
            with connect(database.url, database.origin, autocommit=True) as connection:
                lost_at = None
                yield from _watch(connection, run, outbox, check)
                return
        except (NoDatabase, psycopg.OperationalError):
            lost_at = lost_at or time.monotonic()
            if time.monotonic() - lost_at > PATIENCE_SECONDS:
                raise
            time.sleep(LONGEST_PAUSE)


def _watch(
    connection: client.Connection,
    run: str,
    outbox: Outbox | None,
    check: Callable[[], None] | None,
) -> Iterator[Followed]:
    pause = SHORTEST_PAUSE
    seen: Followed | None = None
    outbox = outbox or Outbox([])
    while True:
        if check is not None:
            check()
        with client.translated():
            # Looked up first and sent last, so that the wait is always seen.
            awaited = outbox.awaited(connection, run)
            followed = read(connection, run)
        changed = seen is None or followed.steps != seen.steps
        pause = SHORTEST_PAUSE if changed else min(pause * 1.5, LONGEST_PAUSE)
        seen = followed
        yield followed
        if followed.run.ended:
            return
        with client.translated():
            for name, to in awaited:
                outbox.send(connection, run, name, to)
        time.sleep(pause)
