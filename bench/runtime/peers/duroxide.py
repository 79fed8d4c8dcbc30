"""duroxide: orchestrations are generators, a runtime in Rust polls for their work.

Its dispatchers poll every 100 ms by default; here they do so every 5 ms, which makes it
better at latency and worse when idle.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Generator
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from bench.runtime.drivers.work import make_tables
from bench.runtime.peers import peer
from duroxide import Client, PostgresProvider, Runtime, RuntimeOptions

POLL_MS = 5


def insert(_: Any, given: dict[str, Any]) -> None:
    if given.get("due") is None:
        peer.insert(given["run"], given["step"])
    else:
        peer.insert_late(given["run"], given["due"])


def steps(ctx: Any, given: dict[str, Any]) -> Generator[Any, Any, None]:
    run, count, due = given["run"], given["count"], given["due"]
    for step in range(count if due is None else count - 1):
        yield ctx.schedule_activity("insert", {"run": run, "step": step})
    if due is not None:
        yield ctx.schedule_activity("insert", {"run": run, "due": due})


def sleep(ctx: Any, given: dict[str, Any]) -> Generator[Any, Any, None]:
    yield ctx.schedule_timer(given["ms"])
    yield ctx.schedule_activity("insert", given)


def wait(ctx: Any, given: dict[str, Any]) -> Generator[Any, Any, None]:
    sent = yield ctx.wait_for_event("go")
    due = sent["sent"] if isinstance(sent, dict) else float(sent)
    yield ctx.schedule_activity("insert", {"run": given["run"], "due": due})


def fan(ctx: Any, given: dict[str, Any]) -> Generator[Any, Any, None]:
    run = given["run"]
    yield ctx.all(
        [
            ctx.schedule_activity("insert", {"run": run, "step": step})
            for step in range(given["width"])
        ]
    )
    yield ctx.schedule_activity("insert", {"run": run, "due": 0.0})


class Duroxide:
    """How duroxide does what is measured."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._numbers = itertools.count()

    def steps(self, run: int, count: int, last_due: float | None = None) -> object:
        return self._start("steps", {"run": run, "count": count, "due": last_due})

    def sleep(self, run: int, due: float) -> object:
        ms = max(0, round((due - time.time()) * 1000))
        return self._start("sleep", {"run": run, "due": due, "ms": ms})

    def wait(self, run: int) -> Any:
        return self._start("wait", {"run": run})

    def signal(self, handle: Any, sent: float) -> None:
        self._client.raise_event(handle, "go", {"sent": sent})

    def fan(self, run: int, width: int) -> object:
        return self._start("fan", {"run": run, "width": width})

    def _start(self, name: str, given: dict[str, Any]) -> str:
        key = f"{name}-{next(self._numbers)}"
        self._client.start_orchestration(key, name, given)
        return key


def socket_as_host() -> str:
    """Return the URL with the folder of the socket where a host name stands."""
    parts = urlsplit(peer.URL)
    folder = quote(parse_qs(parts.query)["host"][0], safe="")
    return f"postgresql://postgres@{folder}:5432{parts.path}"


def main() -> None:
    make_tables(peer.URL)
    provider = PostgresProvider.connect_with_schema(socket_as_host(), "duroxide")
    runtime = Runtime(
        provider,
        RuntimeOptions(dispatcher_poll_interval_ms=POLL_MS, log_level="error"),
    )
    runtime.register_activity("insert", insert)
    for orchestration in (steps, sleep, wait, fan):
        runtime.register_orchestration(orchestration.__name__, orchestration)
    runtime.start()
    peer.run(Duroxide(Client(provider)))


if __name__ == "__main__":
    main()
