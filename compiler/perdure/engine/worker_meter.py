"""What a worker has done and how it is: counted from the events of its log.

Whatever the worker does that is worth counting is an event already, so the meter reads
along, whatever the log's level. The rejected way was a counter beside every event.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field
from itertools import accumulate

from perdure.engine.worker_log import Fact, Level

STEP_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0)
HTTP_SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

Facts = dict[str, Fact]


@dataclass(slots=True)
class Histogram:
    """Values by size: `counts` by the place of the first bound they do not exceed."""

    bounds: tuple[float, ...]
    counts: Counter[int] = field(default_factory=Counter)
    total: float = 0.0

    def add(self, value: float, times: int = 1) -> None:
        """Add a value that occurred so many times."""
        self.counts[bisect_left(self.bounds, value)] += times
        self.total += value * times

    def buckets(self) -> list[tuple[str, float]]:
        """Return upper bounds with the number of values up to each."""
        bounds = [*map(str, self.bounds), "+Inf"]
        counts = (self.counts[place] for place in range(len(bounds)))
        return list(zip(bounds, map(float, accumulate(counts)), strict=True))


class Meter:
    """Counts; give `heard` to the log."""

    def __init__(self) -> None:
        self.events: Counter[tuple[str, Level]] = Counter()
        self.steps = 0
        self.step_seconds = Histogram(STEP_SECONDS)
        self.requests: Counter[str] = Counter()
        self.request_seconds = Histogram(HTTP_SECONDS)
        self.pruned = 0
        self.connections: dict[str, str | None] = {}
        self.started = False
        self.stopping = False

    def heard(self, level: Level, event: str, facts: Facts) -> None:
        """Take note of an event."""
        self.events[event, level] += 1
        match event:
            case "worker.started":
                self.started = True
            case "worker.stopping" | "worker.stopped":
                self.stopping = True
            case "worker.steps":
                self._worked(int(facts["steps"] or 0), float(facts["ms"] or 0) / 1000)
            case "connection.opened" | "connection.restored":
                self.connections[str(facts["purpose"])] = None
            case "connection.lost":
                self.connections[str(facts["purpose"])] = str(facts["reason"])
            case "http.answered":
                self.requests[f"{str(facts['status'])[:1]}xx"] += 1
                self.request_seconds.add(float(facts["ms"] or 0) / 1000)
            case "http.failed":
                self.requests[str(facts["kind"])] += 1
            case "http.too_late":
                self.requests["too_late"] += 1
            case "retention.pruned":
                self.pruned += int(facts["runs"] or 0)

    def _worked(self, steps: int, seconds: float) -> None:
        self.steps += steps
        self.step_seconds.add(seconds / steps, steps)

    def trouble(self) -> str | None:
        """Return why the worker does not work; None when it does."""
        if self.stopping:
            return "the worker is stopping"
        if not self.started:
            return "the worker is starting"
        lost = {name: why for name, why in self.connections.items() if why}
        up = [name for name, why in self.connections.items() if not why]
        if not any(name.startswith("steps") for name in up):
            return _lost(lost, "no connection for steps")
        if "notifications" not in up:
            return _lost(lost, "no connection for notifications")
        return None

    def facts(self) -> dict[str, object]:
        """Return what the health endpoint says."""
        trouble = self.trouble()
        connections = {name: why or "up" for name, why in self.connections.items()}
        return {
            "ok": trouble is None,
            "reason": trouble,
            "connections": dict(sorted(connections.items())),
            "steps": self.steps,
        }


def _lost(lost: dict[str, str], otherwise: str) -> str:
    return f"{otherwise}: {next(iter(lost.values()))}" if lost else otherwise
