"""The aims: what the figures should be beside the floor, and whether they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bench.runtime.results import Results

OURS, FLOOR = "perdure", "floor"


@dataclass(frozen=True, slots=True)
class Aim:
    """One aim; `most` says that the value should be at most `bound`."""

    title: str
    value: float | None
    bound: float
    most: bool
    unit: str = "x"

    @property
    def reached(self) -> bool | None:
        if self.value is None:
            return None
        return self.value <= self.bound if self.most else self.value >= self.bound


def aims(results: Results) -> Iterator[Aim]:
    """Yield the aims with what was measured."""
    yield from _throughput(results)
    ratio, value = results.ratio, results.value

    def beside(question: str, figure: str) -> float | None:
        return ratio(question, figure, OURS, FLOOR)

    yield Aim(
        "ms per step of one run alone, of the bare loop",
        beside("alone", "ms_per_step"),
        2.5,
        True,
    )
    yield Aim(
        "WAL per step, of the floor",
        _lowest(results, "wal_bytes_per_step"),
        1.5,
        True,
    )
    yield Aim(
        "runs that sleep 1 s, of the floor", beside("sleepers", "seconds"), 1.6, True
    )
    late = value(OURS, "sleepers spread", "p95_ms")
    yield Aim("lateness of spread timers, p95", late, 20, True, " ms")
    yield Aim(
        "signal to completion, p95", value(OURS, "signal", "p95_ms"), 5, True, " ms"
    )
    yield Aim("fan-out of 100, of the floor", beside("fanout 100", "ms"), 5, True)
    yield Aim(
        "starts one by one, of one insert",
        beside("starts", "starts_per_second"),
        0.5,
        False,
    )
    many = value(OURS, "start many", "starts_per_second")
    yield Aim("starts from one query", many, 30_000, False, " per second")
    cpu = value(OURS, "throughput batches 2", "cpu_us_per_step")
    yield Aim("CPU per step, 2 connections", cpu, 350, True, " us")
    yield Aim("idle transactions", idle_rate(results, OURS), 0.2, True, " per second")
    grown = ratio("throughput", "steps_per_second", "perdure, grown", "perdure, empty")
    yield Aim("throughput in grown tables, of that in empty ones", grown, 0.9, False)


def _throughput(results: Results) -> Iterator[Aim]:
    for count in (1, 2, 4, 8):
        for how, bound in (("single", 0.6), ("batches", 1.5)):
            question = f"throughput {how} {count}"
            found = results.ratio(
                question, "steps_per_second", OURS, FLOOR, f"throughput state {count}"
            )
            names = {"single": "a commit per step", "batches": "batches"}
            title = f"steps per second, {names[how]}, {count} connections, of the floor"
            yield Aim(title, found, bound, False)


def _lowest(results: Results, figure: str) -> float | None:
    found = (
        results.ratio(f"throughput {how} 1", figure, OURS, FLOOR, "throughput state 1")
        for how in ("single", "batches")
    )
    return max((value for value in found if value is not None), default=None)


def idle_rate(results: Results, subject: str) -> float | None:
    """Return transactions per second of a subject that only waits."""
    seconds = results.value(subject, "idle", "idle_seconds")
    count = results.value(subject, "idle", "transactions")
    return count / seconds if seconds and count is not None else None
