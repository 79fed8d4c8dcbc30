"""What is asked of whom: the measures of the benchmark and their sizes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from typing import Any

# The three ways of the floor, and the two of ours, see drivers/.
FLOORS = ("state", "queue", "client")
OURS = ("single", "batches")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything; the fields are counts unless they say otherwise."""

    runs: int = 1000
    connections: tuple[int, ...] = (1, 2, 4, 8)
    repetitions: int = 5
    alone: int = 1000
    latencies: int = 100
    sleepers: int = 1000
    signals: int = 200
    widths: tuple[int, ...] = (1, 10, 100, 1000)
    starts: int = 1000
    many: int = 30_000
    waiting: int = 100_000
    idle_seconds: float = 60.0
    grown_finished: int = 50_000
    grown_waiting: int = 10_000
    horizon_rounds: int = 12
    peer_runs: int = 100
    peer_waiting: int = 1000


QUICK = Sizes(
    runs=20,
    connections=(1, 2),
    repetitions=1,
    alone=20,
    latencies=3,
    sleepers=10,
    signals=3,
    widths=(1, 5),
    starts=20,
    many=50,
    waiting=20,
    idle_seconds=1.0,
    grown_finished=50,
    grown_waiting=10,
    horizon_rounds=2,
    peer_runs=5,
    peer_waiting=10,
)
FULL = Sizes(grown_finished=1_000_000, grown_waiting=100_000)


def scaled(sizes: Sizes, factor: float) -> Sizes:
    """Return sizes with other counts; what is a list or a time stays."""
    keep = ("repetitions", "idle_seconds", "connections", "widths")
    counts = {
        name: max(1, round(value * factor))
        for name, value in asdict(sizes).items()
        if name not in keep
    }
    return replace(sizes, **counts)


@dataclass(frozen=True, slots=True)
class Question:
    """One operation of a driver, under the name that its figures get."""

    name: str
    op: str
    values: dict[str, Any] = field(default_factory=dict)


def floor_questions(sizes: Sizes) -> Iterator[Question]:
    for how in FLOORS:
        yield from _throughput(sizes, how)
    yield from _common(sizes)


def our_questions(sizes: Sizes) -> Iterator[Question]:
    for how in OURS:
        yield from _throughput(sizes, how)
    yield Question("with starts", "with_starts", {"runs": sizes.runs, "steps": 10})
    yield from _common(sizes)


def peer_questions(sizes: Sizes) -> Iterator[Question]:
    """Ask a peer for less, because it takes longer."""
    yield Question("with starts", "with_starts", {"runs": sizes.peer_runs, "steps": 10})
    yield Question("alone", "alone", {"steps": min(200, sizes.alone)})
    yield _latency(min(20, sizes.latencies))
    yield Question("starts", "starts", {"count": min(300, sizes.starts)})
    for width in (width for width in sizes.widths if width <= 100):
        yield Question(f"fanout {width}", "fanout", {"width": width})
    yield from _timers(sizes)
    yield Question("signal", "signal", {"count": min(30, sizes.signals)})
    yield _idle(sizes.peer_waiting, min(10.0, sizes.idle_seconds))


def idle_question(sizes: Sizes) -> Question:
    return _idle(sizes.waiting, sizes.idle_seconds)


def _idle(waiting: int, seconds: float) -> Question:
    return Question("idle", "idle", {"waiting": waiting, "seconds": seconds})


def _throughput(sizes: Sizes, how: str) -> Iterator[Question]:
    for count in sizes.connections:
        if how == "client" and count > 4:
            continue
        values = {"runs": sizes.runs, "steps": 10, "connections": count, "how": how}
        yield Question(f"throughput {how} {count}", "throughput", values)


def _common(sizes: Sizes) -> Iterator[Question]:
    yield Question("alone", "alone", {"steps": sizes.alone})
    yield _latency(sizes.latencies)
    yield Question("starts", "starts", {"count": sizes.starts})
    yield Question("start many", "start_many", {"count": sizes.many})
    for width in sizes.widths:
        yield Question(f"fanout {width}", "fanout", {"width": width})
    yield from _timers(sizes)
    yield Question("signal", "signal", {"count": sizes.signals})


def _latency(count: int) -> Question:
    return Question("latency", "latency", {"count": count, "steps": 10})


def _timers(sizes: Sizes) -> Iterator[Question]:
    for name, spread in (("sleepers", 0.0), ("sleepers spread", 4.0)):
        values = {"count": sizes.sleepers, "seconds": 1.0, "spread": spread}
        yield Question(name, "sleepers", values)
