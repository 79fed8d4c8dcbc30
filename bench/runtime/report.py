"""The tables: figures of every subject, ratios to the floor and the peers, the aims."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

from bench.runtime.aims import FLOOR, OURS, aims, idle_rate
from bench.runtime.questions import Sizes
from bench.runtime.results import Results

# Title, question, figure, unit, whether more is better.
ROWS = (
    ("runs of 10 steps, starts included", "with starts", "steps_per_second", "/s", 1),
    ("CPU per step, starts included", "with starts", "cpu_us_per_step", "us", 0),
    ("WAL per step, starts included", "with starts", "wal_bytes_per_step", "B", 0),
    ("transactions per step", "with starts", "xids_per_step", "", 0),
    ("one run alone, per step", "alone", "ms_per_step", "ms", 0),
    ("one run of 10 steps, p50", "latency", "p50_ms", "ms", 0),
    ("one run of 10 steps, p95", "latency", "p95_ms", "ms", 0),
    ("one run of 10 steps, p99", "latency", "p99_ms", "ms", 0),
    ("starts, one call each", "starts", "starts_per_second", "/s", 1),
    ("starts from one query", "start many", "starts_per_second", "/s", 1),
    ("runs that sleep 1 s, all", "sleepers", "seconds", "s", 0),
    ("lateness of equal timers, p95", "sleepers", "p95_ms", "ms", 0),
    ("lateness of spread timers, p95", "sleepers spread", "p95_ms", "ms", 0),
    ("signal to step, p50", "signal", "p50_ms", "ms", 0),
    ("signal to step, p95", "signal", "p95_ms", "ms", 0),
)
SUBJECTS = (OURS, FLOOR, "dbos", "absurd", "duroxide")


def report(results: Results, sizes: Sizes) -> str:
    """Return everything as Markdown."""
    parts = [
        "# Benchmark of the runtime",
        *(f"* {name}: {text}" for name, text in results.about.items()),
        "## Aims",
        aims_table(results),
        "## Throughput of runs that were started before, steps per second",
        throughput_table(results, sizes),
        "## Beside the floor and the peers",
        subjects_table(results, sizes),
        "## Old snapshot held",
        horizon_table(results),
    ]
    errors = results.errors()
    if errors:
        parts += ["## Not measured", "\n".join(f"* {error}" for error in errors)]
    return "\n\n".join(part for part in parts if part) + "\n"


def aims_table(results: Results) -> str:
    words = {True: "yes", False: "no", None: "not measured"}
    rows = [
        (
            aim.title,
            number(aim.value) + aim.unit if aim.value is not None else "",
            f"{'<=' if aim.most else '>='} {number(aim.bound)}{aim.unit}",
            words[aim.reached],
        )
        for aim in aims(results)
    ]
    return table(("measure", "measured", "aim", "reached"), rows)


def throughput_table(results: Results, sizes: Sizes) -> str:
    rows = []
    for count in sizes.connections:
        floor = f"throughput state {count}"
        row = [str(count)]
        for subject, how in (
            (FLOOR, "state"),
            (FLOOR, "queue"),
            (FLOOR, "client"),
            (OURS, "single"),
            (OURS, "batches"),
        ):
            question = f"throughput {how} {count}"
            value = results.value(subject, question, "steps_per_second")
            ratio = results.ratio(question, "steps_per_second", subject, FLOOR, floor)
            row.append(_with_ratio(value, ratio))
        rows.append(row)
    names = ("connections", "floor", "floor without state", "floor, Python client")
    return table((*names, "ours, commit per step", "ours, batches"), rows)


def subjects_table(results: Results, sizes: Sizes) -> str:
    """Return the figures of all; in brackets how many times better ours is."""
    fanouts = tuple(
        (f"fan-out of {width}", f"fanout {width}", "ms", "ms", 0)
        for width in sizes.widths
    )
    rows = []
    for title, question, figure, unit, more in ROWS + fanouts:
        ours = results.value(OURS, question, figure)
        row = [f"{title}, {unit}" if unit else title]
        for subject in SUBJECTS:
            value = results.value(subject, question, figure)
            better = None
            if subject != OURS and value and ours:
                better = ours / value if more else value / ours
            row.append(_with_ratio(value, better))
        rows.append(row)
    idle = [idle_rate(results, subject) for subject in SUBJECTS]
    rows.append(["transactions per second when idle", *map(number, idle)])
    return table(("measure", *SUBJECTS), rows)


def horizon_table(results: Results) -> str:
    answers = results.answers.get(OURS, {}).get("horizon", [])
    rates = answers[0].get("rates", []) if answers else []
    if not rates:
        return ""
    free = statistics.median(answers[0]["free"])
    rows = [
        [str(n), number(rate), number(rate / free)] for n, rate in enumerate(rates, 1)
    ]
    return table(("round", "steps per second", "of that without it"), rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float | None) -> str:
    """Return three significant digits, with commas where there are thousands."""
    if value is None:
        return ""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _with_ratio(value: float | None, ratio: float | None) -> str:
    if value is None or ratio is None:
        return number(value)
    return f"{number(value)} ({number(ratio)}x)"
