"""How runs are shown."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from perdure.cli.live import Lines, compact, duration, run_data, tree
from perdure.engine.follow import Arm, Followed, Step
from perdure.engine.runs import Run

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)
RUN = Run(
    id="0a1b2c3d",
    label="order_approval@2",
    status="running",
    submitted_by="clerk",
    created_at=START,
    started_at=START,
    completed_at=None,
    error=None,
    sqlstate=None,
    now=START + timedelta(seconds=90),
)
ORDER = Step(
    "steps[0]",
    "order",
    "sql",
    "completed",
    started_at=START,
    finished_at=START + timedelta(milliseconds=12),
    rows=1,
)
APPROVAL = Step(
    "steps[1].then[0]",
    "approval",
    "wait_for_signal",
    "waiting",
    file="workflows/order_approval.yaml",
    line=16,
    started_at=START + timedelta(seconds=30),
    waits_for="signal",
    wake_at=START + timedelta(seconds=150),
)
IF = Step("steps[1]", None, "if", "waiting", arms=(Arm("then", (APPROVAL,)),))
LAST = Step("steps[2]", None, "return")


def drawn(followed: Followed, result: object = None) -> list[str]:
    stream = io.StringIO()
    Console(file=stream, width=200).print(tree(followed, result))
    return [line.rstrip() for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0.0004, "0 ms"),
        (0.012, "12 ms"),
        (2.44, "2.4 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (200000, "2 d 7 h"),
    ],
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_long_values_are_cut() -> None:
    assert compact({"a": "ü"}) == '{"a": "ü"}'
    assert len(compact("x" * 500)) == 72


def test_tree_of_a_run_that_waits() -> None:
    assert drawn(Followed(RUN, (ORDER, IF, LAST))) == [
        "● order_approval@2 0a1b2c3d  running  1 min 30 s",
        "├── ✓ order sql  completed  12 ms  1 row",
        "├── ◷ if  waiting",
        "│   └── then",
        "│       └── ◷ approval wait_for_signal  waiting for signal  1 min 0 s  until "
        "12:02:30 (1 min 0 s left)  workflows/order_approval.yaml:16",
        "└── · return  pending",
    ]


def test_tree_of_a_run_that_ended() -> None:
    skipped = replace(APPROVAL, state="skipped")
    done = replace(IF, state="completed", arms=(Arm("then", (skipped,)),))
    run = replace(RUN, status="completed", completed_at=START + timedelta(seconds=1))
    lines = drawn(Followed(run, (ORDER, done)), {"status": "approved"})
    assert lines == [
        "✓ order_approval@2 0a1b2c3d  completed  1.0 s",
        "├── ✓ order sql  completed  12 ms  1 row",
        "├── ✓ if  completed",
        "│   └── then  not taken",
        '└── result {"status": "approved"}',
    ]


def test_tree_shows_errors_as_they_are() -> None:
    failed = replace(ORDER, state="failed", error="no [bold] here", sqlstate="22012")
    run = replace(RUN, status="failed", error="no [bold] here", sqlstate="22012")
    lines = drawn(Followed(run, (failed,)))
    assert lines[2].endswith("no [bold] here (22012)")
    assert len(lines) == 3
    lines = drawn(Followed(run, (ORDER,)))
    assert lines[-1] == "└── no [bold] here (22012)"


def test_tree_shows_the_detail_of_the_run_unless_a_step_does() -> None:
    failed = replace(ORDER, state="failed", error="no", sqlstate="22012", detail="why")
    run = replace(RUN, status="failed", error="no", sqlstate="22012")
    lines = drawn(Followed(run, (failed,), "why"))
    assert [line for line in lines if "why" in line] == ["        └── why"]
    lines = drawn(Followed(run, (failed,), "why\nthe undo failed, too"))
    assert lines[-3:] == [
        "└── no (22012)",
        "    ├── why",
        "    └── the undo failed, too",
    ]
    assert run_data(Followed(run, (failed,), "why"), None)["detail"] == "why"


def test_lines_say_each_change_once() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.show(Followed(RUN, (replace(ORDER, state="running"), LAST)))
    lines.show(Followed(RUN, (replace(ORDER, state="running"), LAST)))
    lines.show(Followed(RUN, (ORDER, IF, replace(LAST, state="skipped"))))
    assert stream.getvalue().splitlines() == [
        "steps[0]  order (sql)  running",
        "steps[0]  order (sql)  completed",
        "steps[1].then[0]  approval (wait_for_signal)  waiting for signal",
    ]


def test_json_has_run_and_steps() -> None:
    data = run_data(Followed(RUN, (ORDER, IF)), None)
    assert (data["workflow"], data["version"]) == ("order_approval", 2)
    assert data["steps"][0]["seconds"] == 0.012
    inner = data["steps"][1]["arms"]["then"][0]
    assert (inner["state"], inner["waits_for"]) == ("waiting", "signal")
