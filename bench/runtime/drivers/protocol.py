"""The inside of a driver: answers the benchmark's questions, one JSON line each.

A driver is a process of its own for every subject, the floor and our runtime included,
so that the same things are measured of all in the same way: the wall clock here, CPU,
WAL and transactions by the benchmark, for the time that `window()` encloses. Only the
standard library is used, because peers run in environments of their own.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TextIO

Answer = dict[str, Any]
Operation = Callable[..., Answer]


@dataclass(slots=True)
class Clock:
    """The seconds that a window lasted."""

    seconds: float = 0.0


class Channel:
    """The pipe to the benchmark; what libraries print goes to standard error."""

    def __init__(self) -> None:
        self._out: TextIO = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, message: Mapping[str, Any]) -> None:
        self._out.write(json.dumps(message) + "\n")

    def hear(self) -> str:
        return sys.stdin.readline()

    @contextmanager
    def window(self) -> Iterator[Clock]:
        """Enclose what is measured."""
        self.say({"event": "begin"})
        self.hear()
        clock = Clock()
        started = time.perf_counter()
        yield clock
        clock.seconds = time.perf_counter() - started
        self.say({"event": "end"})
        self.hear()


CHANNEL = Channel()
window = CHANNEL.window


def serve(operations: Mapping[str, Operation]) -> None:
    """Answer until standard input ends; a failure is an answer too."""
    while line := CHANNEL.hear():
        request = json.loads(line)
        name = request.pop("op")
        try:
            answer = (
                operations[name](**request)
                if name in operations
                else {"skipped": "the driver has no such operation"}
            )
        except Exception as error:
            traceback.print_exc()
            answer = {"error": f"{type(error).__name__}: {error}"}
        CHANNEL.say({"answer": answer})
    sys.stderr.flush()
    os._exit(0)  # no library's threads keep the process


def percentiles(seconds: Iterable[float]) -> Answer:
    """Return p50, p95, p99 and the greatest of some durations, in milliseconds."""
    ordered = sorted(seconds)

    def at(share: float) -> float:
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000

    return {
        "p50_ms": at(0.5),
        "p95_ms": at(0.95),
        "p99_ms": at(0.99),
        "max_ms": ordered[-1] * 1000,
    }


def wait_for(done: Callable[[], bool], seconds: float = 300.0) -> None:
    """Look every 5 ms whether something is so; raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not done after {seconds:.0f} s")
        time.sleep(0.005)
