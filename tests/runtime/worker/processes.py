"""Workers as processes, and waiting for what they do."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perdure.engine.database import Database

# The command alone, so that these tests need nothing of the compiler.
COMMAND = "import typer; from perdure.cli.worker import worker; typer.run(worker)"


class WorkerProcess:
    """A worker in a process of its own, and the events that it logged."""

    def __init__(self, database: Database, folder: Path, options: list[str]) -> None:
        self.events: list[dict[str, Any]] = []
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-c", COMMAND),
                *("--database-url", database.url, "--log-format", "json"),
                *("--directory", str(folder), *options),
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("{"):
                self.events.append(json.loads(line))
            else:
                self.events.append({"event": "text", "text": line.rstrip()})

    def names(self) -> list[str]:
        return [event["event"] for event in self.events]

    def wait_for(self, event: str, seconds: float = 60) -> dict[str, Any]:
        wait_until(lambda: self._has(event), seconds, lambda: str(self.events))
        return next(each for each in self.events if each["event"] == event)

    def _has(self, event: str) -> bool:
        over = self.process.poll() is not None
        if over:
            self._reader.join(10)
        found = event in self.names()
        assert found or not over, f"the worker ended; {self.events}"
        return found

    def end(self, seconds: float = 60) -> int:
        code = self.process.wait(seconds)
        self._reader.join(seconds)
        assert self.process.stderr is not None
        self.process.stderr.close()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.end()


@contextmanager
def spawning(folder: Path) -> Iterator[Callable[..., WorkerProcess]]:
    """Give what starts workers of a database, and end them all."""
    started: list[WorkerProcess] = []

    def start(
        database: Database, *options: str, until: str = "worker.ready"
    ) -> WorkerProcess:
        worker = WorkerProcess(database, folder, list(options))
        started.append(worker)
        worker.wait_for(until)
        return worker

    yield start
    for worker in started:
        if worker.process.poll() is None:
            worker.kill()


def wait_until(
    condition: Callable[[], Any],
    seconds: float = 60,
    describe: Callable[[], str] = lambda: "",
) -> None:
    """Wait for something that has to come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"did not come true; {describe()}"
        time.sleep(0.02)
