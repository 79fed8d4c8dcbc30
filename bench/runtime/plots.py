"""The plots, if matplotlib is there; nothing but the benchmark needs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bench.runtime.aims import FLOOR, OURS
from bench.runtime.questions import Sizes
from bench.runtime.report import SUBJECTS
from bench.runtime.results import Results

BARS = (
    ("with starts", "steps_per_second", "steps per second, starts included"),
    ("alone", "ms_per_step", "ms per step, one run alone"),
    ("latency", "p95_ms", "ms, one run of ten steps, p95"),
    ("signal", "p95_ms", "ms from signal to step, p95"),
    ("sleepers", "seconds", "s, runs that sleep for 1 s"),
    ("with starts", "cpu_us_per_step", "us of CPU per step"),
    ("with starts", "wal_bytes_per_step", "bytes of WAL per step"),
    ("starts", "starts_per_second", "starts per second"),
)
LINES = (
    (FLOOR, "state", "floor"),
    (FLOOR, "queue", "floor without state"),
    (OURS, "single", "ours, commit per step"),
    (OURS, "batches", "ours, batches"),
)


def draw(results: Results, sizes: Sizes, folder: Path) -> list[Path]:
    """Write the plots and return their paths; none without matplotlib."""
    try:
        import matplotlib
    except ImportError:
        return []
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figures = {
        "throughput.png": _throughput(pyplot, results, sizes),
        "peers.png": _peers(pyplot, results),
        "fanout.png": _fanout(pyplot, results, sizes),
        "horizon.png": _horizon(pyplot, results),
    }
    paths = []
    for name, figure in figures.items():
        figure.tight_layout()
        figure.savefig(folder / name, dpi=110)
        pyplot.close(figure)
        paths.append(folder / name)
    return paths


def _throughput(pyplot: Any, results: Results, sizes: Sizes) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for subject, how, label in LINES:
        values = [
            results.value(subject, f"throughput {how} {count}", "steps_per_second")
            for count in sizes.connections
        ]
        axes.plot(sizes.connections, values, marker="o", label=label)
    axes.set(xlabel="connections", ylabel="steps per second", ylim=(0, None))
    axes.set_xticks(sizes.connections)
    axes.legend()
    return figure


def _peers(pyplot: Any, results: Results) -> Any:
    figure, grid = pyplot.subplots(2, 4, figsize=(15, 7))
    for axes, (question, key, title) in zip(grid.flat, BARS, strict=True):
        values = [results.value(subject, question, key) for subject in SUBJECTS]
        colours = [
            "tab:orange" if subject == OURS else "tab:blue" for subject in SUBJECTS
        ]
        axes.bar(SUBJECTS, [value or 0 for value in values], color=colours)
        axes.set_title(title, fontsize=10)
        if any(values):
            axes.set_yscale("log")
        axes.tick_params(axis="x", labelrotation=30)
    return figure


def _fanout(pyplot: Any, results: Results, sizes: Sizes) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    for subject in SUBJECTS:
        points = [
            (width, value)
            for width in sizes.widths
            if (value := results.value(subject, f"fanout {width}", "ms"))
        ]
        if points:
            axes.loglog(*zip(*points, strict=True), marker="o", label=subject)
    axes.set(xlabel="branches", ylabel="ms from start to join")
    axes.legend()
    return figure


def _horizon(pyplot: Any, results: Results) -> Any:
    figure, axes = pyplot.subplots(figsize=(7, 4.5))
    answers = results.answers.get(OURS, {}).get("horizon", [])
    rates = answers[0].get("rates", []) if answers else []
    axes.plot(range(1, len(rates) + 1), rates, marker="o")
    axes.set(
        xlabel="round, an old snapshot held since the first",
        ylabel="steps per second",
        ylim=(0, None),
    )
    return figure
