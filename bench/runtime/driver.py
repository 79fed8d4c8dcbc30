"""The outside of a driver: a subject's process, asked one operation at a time."""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import time
from pathlib import Path
from typing import Any

from bench.runtime.meter import Meter, Reading

ROOT = Path(__file__).resolve().parents[2]
Figures = dict[str, Any]


class Driver:
    """A running driver; `ask` gives its figures and what they cost."""

    def __init__(
        self, python: Path, module: str, url: str, meter: Meter, log: Path
    ) -> None:
        self._meter = meter
        self._log = log.open("a")
        self._process = subprocess.Popen(
            [python, "-m", module, url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            bufsize=1,
        )

    def ask(self, op: str, timeout: float = 600.0, **values: Any) -> Figures:
        """Do an operation; an answer with `error` when it failed or took too long."""
        deadline = time.monotonic() + timeout
        try:
            self._say({"op": op, **values})
            return self._answer(deadline, op == "idle")
        except (OSError, EOFError) as error:
            return {"error": f"the driver ended: {error or 'see the log'}"}
        except TimeoutError:
            self._process.kill()
            return {"error": f"no answer within {timeout:.0f} s"}

    def close(self) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            self._process.wait(timeout=20)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()

    def __enter__(self) -> Driver:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _answer(self, deadline: float, settle: bool) -> Figures:
        began: Reading | None = None
        costs: dict[str, float] = {}
        while True:
            message = self._hear(deadline)
            if "answer" in message:
                return _per_step({**costs, **message["answer"]})
            reading = self._meter.read(self._process.pid, settle=settle)
            if message["event"] == "begin":
                began = reading
            elif began is not None:
                costs = reading.since(began)
            self._say({})

    def _say(self, message: Figures) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _hear(self, deadline: float) -> Figures:
        assert self._process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(max(0.0, deadline - time.monotonic())):
                raise TimeoutError
        line = self._process.stdout.readline()
        if not line:
            raise EOFError
        message: Figures = json.loads(line)
        return message


def _per_step(figures: Figures) -> Figures:
    steps = figures.get("steps")
    if steps and "wal_bytes" in figures:
        cpu = figures["server_cpu_seconds"] + figures["client_cpu_seconds"]
        figures["wal_bytes_per_step"] = figures["wal_bytes"] / steps
        figures["xids_per_step"] = figures["xids"] / steps
        figures["cpu_us_per_step"] = cpu / steps * 1e6
    return figures


def this_python(venv: Path | None = None) -> Path:
    """Return the Python of an environment, or the one that runs this."""
    if venv is not None:
        return venv / "bin" / "python"
    return Path(os.environ.get("VIRTUAL_ENV", ROOT / ".venv")) / "bin" / "python"
