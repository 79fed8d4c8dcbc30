"""Absurd: tasks are spawned into a queue, a worker with threads polls it.

Its worker polls every 250 ms by default; here it does so every 10 ms, which makes it
better at latency and worse when idle. Its threads share one connection, so there is a
worker for each connection instead.
"""

from __future__ import annotations

import threading
import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
from absurd_sdk import Absurd
from absurdctl import BUNDLED_SCHEMA_SQL
from bench.runtime.drivers.work import make_tables
from bench.runtime.peers import peer

WORKERS = 4
POLL_SECONDS = 0.01


def steps(params: Any, ctx: Any) -> None:
    run, count, due = params["run"], params["count"], params["due"]
    for step in range(count if due is None else count - 1):
        ctx.step(f"insert {step}", lambda step=step: peer.insert(run, step))
    if due is not None:
        ctx.step("last", lambda: peer.insert_late(run, due))


def sleep(params: Any, ctx: Any) -> None:
    ctx.sleep_until("timer", datetime.fromtimestamp(params["due"], UTC))
    ctx.step("last", lambda: peer.insert_late(params["run"], params["due"]))


def wait(params: Any, ctx: Any) -> None:
    payload = ctx.await_event(params["event"])
    ctx.step("last", lambda: peer.insert_late(params["run"], payload["sent"]))


def fan(params: Any, ctx: Any) -> None:
    """Spawn a task for each branch; the last one to be done emits the event."""
    run, width, event = params["run"], params["width"], params["event"]

    def spawn() -> None:
        for step in range(width):
            CLIENT.spawn("branch", {**params, "step": step})

    ctx.step("spawn", spawn)
    for step in range(width):
        ctx.await_event(f"{event}/{step}")
    ctx.step("last", lambda: peer.insert_late(run, 0.0))


def branch(params: Any, ctx: Any) -> None:
    ctx.step("insert", lambda: peer.insert(params["run"], params["step"]))
    ctx.emit_event(f"{params['event']}/{params['step']}")


def application() -> Absurd:
    app = Absurd(peer.URL, queue_name="bench")
    for task in (steps, sleep, wait, fan, branch):
        app.register_task(task.__name__)(task)
    return app


class AbsurdPeer:
    """How Absurd does what is measured."""

    def __init__(self) -> None:
        self._app = application()

    def steps(self, run: int, count: int, last_due: float | None = None) -> object:
        params = {"run": run, "count": count, "due": last_due}
        return self._app.spawn("steps", params)

    def sleep(self, run: int, due: float) -> object:
        return self._app.spawn("sleep", {"run": run, "due": due})

    def wait(self, run: int) -> Any:
        event = f"go {uuid.uuid4()}"
        self._app.spawn("wait", {"run": run, "event": event})
        return event

    def signal(self, handle: Any, sent: float) -> None:
        self._app.emit_event(handle, {"sent": sent})

    def fan(self, run: int, width: int) -> object:
        event = f"fan {uuid.uuid4()}"
        return self._app.spawn("fan", {"run": run, "width": width, "event": event})


CLIENT: Absurd


def main() -> None:
    global CLIENT
    make_tables(peer.URL)
    with psycopg.connect(peer.URL) as connection:
        connection.execute(BUNDLED_SCHEMA_SQL.encode())
    CLIENT = Absurd(peer.URL, queue_name="bench")
    CLIENT.register_task("branch")(branch)
    CLIENT.create_queue("bench")
    for _ in range(WORKERS):
        threading.Thread(
            target=application().start_worker,
            kwargs={"poll_interval": POLL_SECONDS},
            daemon=True,
        ).start()
    peer.run(AbsurdPeer())


if __name__ == "__main__":
    main()
