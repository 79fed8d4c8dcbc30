"""Runs as trees of steps: what nodes and source map say together."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from perdure.engine.follow import Followed, Step, follow, split_path, walk
from perdure.engine.runs import Node, Place, Run

START = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def run(status: str = "running", now: float = 100) -> Run:
    ended = at(90) if status in ("completed", "failed", "cancelled") else None
    return Run(
        id="0a1b2c3d",
        label="order_approval@2",
        status=status,
        submitted_by="clerk",
        created_at=START,
        started_at=START,
        completed_at=ended,
        error=None,
        sqlstate=None,
        now=at(now),
    )


# The nodes of DESIGN.md's order_approval, as the compiler numbers them.
MAP = [
    ("steps", None, "run"),
    ("steps[0]", "order", "sql"),
    ("steps[1]", None, "if"),
    ("steps[1]", None, "condition"),
    ("steps[1]", None, "if"),
    ("steps[1].then[0]", "approval", "signal"),
    ("steps[1].then[1]", None, "if"),
    ("steps[1].then[1]", None, "condition"),
    ("steps[1].then[1]", None, "if"),
    ("steps[1].then[1].then[0]", None, "sql"),
    ("steps[1].then[1].then[1]", None, "return"),
    ("steps[2]", None, "parallel"),
    ("steps[2].parallel.reserve[0]", None, "sql"),
    ("steps[2]", None, "parallel"),
    ("steps[2].parallel.notify[0]", None, "request"),
    ("steps[2].parallel.notify[0]", None, "retry"),
    ("steps[2].parallel.notify[0]", None, "http"),
    ("steps[3]", None, "sql"),
    ("steps[4]", None, "return"),
]
PLACES = [
    Place(str(number), path, name, role, "workflows/order_approval.yaml", number)
    for number, (path, name, role) in enumerate(MAP, 1)
]


def node(id: int, type: str, status: str = "completed", **more: object) -> Node:
    began = at(id)
    base = Node(
        id=str(id),
        type=type,
        query=None,
        status=status,
        rows=None,
        result=None,
        error=None,
        sqlstate=None,
        detail=None,
        attempts=1,
        executions=1,
        rendered_sql=None,
        started_at=began,
        finished_at=None if status == "running" else at(id + 0.5),
        wake_at=None,
    )
    return replace(base, **more)  # type: ignore[arg-type]


def states(followed: Followed) -> dict[str, str]:
    return {step.path: step.state for step in walk(followed.steps)}


def step(followed: Followed, path: str) -> Step:
    return next(each for each in walk(followed.steps) if each.path == path)


ORDER = node(2, "SQL", rows=1)
CONDITION = node(4, "SQL", rows=1)


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("steps", ()),
        ("steps[0]", ("steps", "0")),
        ("steps[1].then[0]", ("steps", "1", "then", "0")),
        ("steps[2].parallel.notify[0]", ("steps", "2", "parallel.notify", "0")),
        ("steps[3].elif[0].then[1]", ("steps", "3", "elif[0].then", "1")),
        ("steps[3].race.elif[0]", ("steps", "3", "race.elif", "0")),
        ("steps[3].cases[2][0]", ("steps", "3", "cases[2]", "0")),
        ("steps[4].loop[12].else[0]", ("steps", "4", "loop", "12", "else", "0")),
    ],
)
def test_path_splits_into_lists_and_steps(path: str, parts: tuple[str, ...]) -> None:
    assert split_path(path) == parts


def test_tree_has_all_steps_before_anything_ran() -> None:
    followed = follow(run("pending"), PLACES, [])
    top = [(each.label, each.kind) for each in followed.steps]
    assert top == [
        ("order", "sql"),
        ("if", "if"),
        ("parallel", "parallel"),
        ("sql", "sql"),
        ("return", "return"),
    ]
    arms = {arm.name: len(arm.steps) for arm in followed.steps[2].arms}
    assert arms == {"reserve": 1, "notify": 1}
    assert set(states(followed).values()) == {"pending"}
    assert step(followed, "steps[2].parallel.notify[0]").kind == "http"
    assert step(followed, "steps[1].then[0]").kind == "wait_for_signal"


def test_waiting_step_says_for_what_and_until_when() -> None:
    wait = node(6, "SIGNAL", "running", wake_at=at(86400))
    followed = follow(run(), PLACES, [ORDER, CONDITION, wait])
    approval = step(followed, "steps[1].then[0]")
    assert (approval.state, approval.waits_for) == ("waiting", "signal")
    assert approval.wake_at == at(86400)
    assert approval.seconds(at(100)) == 94
    assert approval.place == "workflows/order_approval.yaml:6"
    assert states(followed)["steps[0]"] == "completed"
    assert states(followed)["steps[1]"] == "waiting"
    assert states(followed)["steps[2]"] == "pending"


def test_rows_and_times_of_a_finished_step() -> None:
    followed = follow(run(), PLACES, [ORDER])
    order = step(followed, "steps[0]")
    assert (order.rows, order.seconds(at(100))) == (1, 0.5)


def test_branch_not_taken_is_skipped_once_something_later_runs() -> None:
    later = node(13, "SQL", "running")
    followed = follow(run(), PLACES, [ORDER, CONDITION, later])
    assert states(followed)["steps[1]"] == "completed"
    assert states(followed)["steps[1].then[0]"] == "skipped"
    assert states(followed)["steps[2]"] == "running"
    assert states(followed)["steps[2].parallel.notify[0]"] == "pending"
    assert states(followed)["steps[3]"] == "pending"


def test_retry_shows_what_failed_and_when_it_goes_on() -> None:
    request = node(15, "SQL")
    http = node(
        17, "HTTP", "running", error="HTTP status 503", attempts=2, wake_at=at(102)
    )
    followed = follow(run(), PLACES, [ORDER, request, http])
    notify = step(followed, "steps[2].parallel.notify[0]")
    assert (notify.state, notify.waits_for) == ("waiting", "retry")
    assert (notify.error, notify.attempts) == ("HTTP status 503", 2)


def test_failed_run_marks_the_step_and_what_holds_it() -> None:
    failed = node(13, "SQL", "failed", error="division by zero", sqlstate="22012")
    other = node(17, "HTTP", "cancelled")
    followed = follow(run("failed"), PLACES, [ORDER, CONDITION, failed, other])
    assert states(followed)["steps[2].parallel.reserve[0]"] == "failed"
    assert states(followed)["steps[2].parallel.notify[0]"] == "cancelled"
    assert states(followed)["steps[2]"] == "failed"
    assert states(followed)["steps[3]"] == "skipped"
    assert step(followed, "steps[2].parallel.reserve[0]").sqlstate == "22012"


def test_early_return_leaves_the_rest_skipped() -> None:
    wait = node(6, "SIGNAL")
    inner = node(8, "SQL", rows=1)
    update = node(10, "SQL", rows=0)
    end = node(11, "RETURN", result='{"rows": [{"result": {}}], "row_count": 1}')
    ran = [ORDER, CONDITION, wait, inner, update, end]
    followed = follow(run("completed"), PLACES, ran)
    assert states(followed)["steps[1]"] == "completed"
    assert states(followed)["steps[1].then[1]"] == "completed"
    assert states(followed)["steps[2]"] == "skipped"
    assert states(followed)["steps[4]"] == "skipped"


def test_cancelled_run_leaves_nothing_active() -> None:
    wait = node(6, "SIGNAL", "running")
    followed = follow(run("cancelled"), PLACES, [ORDER, CONDITION, wait])
    assert set(states(followed).values()) <= {"completed", "cancelled", "skipped"}
    assert states(followed)["steps[1].then[0]"] == "cancelled"


def test_loop_counts_and_stays_running_until_something_follows() -> None:
    places = [
        Place("1", "steps", None, "run", None, None),
        Place("2", "steps[0]", None, "loop", "w.yaml", 3),
        Place("3", "steps[0].loop[0]", "n", "sql", "w.yaml", 4),
        Place("4", "steps[0].loop[1]", None, "sleep", "w.yaml", 5),
        Place("5", "steps[0]", None, "until", "w.yaml", 3),
        Place("6", "steps[1]", None, "sql", "w.yaml", 6),
    ]
    ran = [node(3, "SQL", executions=7), node(4, "SLEEP", executions=7)]
    followed = follow(run(), places, ran)
    assert states(followed)["steps[0]"] == "running"
    assert step(followed, "steps[0].loop[0]").executions == 7
    followed = follow(run(), places, [*ran, node(6, "SQL", "running")])
    assert states(followed)["steps[0]"] == "completed"


def test_step_without_a_node_of_its_own_is_known_by_what_it_holds() -> None:
    places = [Place("1", "steps[0].parallel.only[0]", "a", "sql", "w.yaml", 4)]
    followed = follow(run(), places, [node(1, "SQL", "running")])
    assert [(each.kind, each.state) for each in followed.steps] == [
        ("parallel", "running")
    ]


def test_graph_without_a_source_map_shows_its_leaves() -> None:
    ran = [node(1, "THEN", "running"), node(2, "SQL"), node(3, "SLEEP", "running")]
    followed = follow(run(), [], ran)
    assert [(each.label, each.state) for each in followed.steps] == [
        ("sql", "completed"),
        ("sleep", "waiting"),
    ]


def mapped(*rows: tuple[str, str | None, str]) -> list[Place]:
    return [Place(str(n), *row, "a.yaml", n) for n, row in enumerate(rows, 1)]


def test_a_call_whose_steps_were_taken_in_has_its_name() -> None:
    places = mapped(
        ("steps", None, "workflow"),
        ("steps[0].call.steps[0]", None, "sql"),
        ("steps[1]", "slow", "timeout"),
        ("steps[1].call.steps[0]", None, "sql"),
        ("steps[0]", "shipped", "call"),
        ("steps[1]", "slow", "call"),
    )
    followed = follow(run("completed"), places, [node(2, "SQL"), node(4, "SQL")])
    shown = [(each.name, each.kind, each.state) for each in followed.steps]
    assert shown == [("shipped", "call", "completed"), ("slow", "call", "completed")]


def test_an_undo_does_not_count_as_time_of_its_step() -> None:
    places = mapped(
        ("steps", None, "workflow"),
        ("steps[0]", "booked", "sql"),
        ("steps[1]", None, "fail"),
        ("steps[0].undo[0]", None, "sql"),
    )
    booked = node(2, "SQL", started_at=at(1), finished_at=at(2))
    failed = node(3, "SQL", "failed", error="no", detail="why")
    undone = node(4, "SQL", started_at=at(50), finished_at=at(60))
    followed = follow(run("failed"), places, [booked, failed, undone])
    assert step(followed, "steps[0]").seconds(at(100)) == 1
    assert step(followed, "steps[1]").detail == "why"


def test_what_ran_on_failure_is_shown_after_the_steps() -> None:
    places = mapped(
        ("on_failure", None, "try"),
        ("steps[0]", None, "fail"),
        ("on_failure[0]", None, "sql"),
        ("on_failure", None, "fail"),
    )
    failed = node(2, "SQL", "failed", error="no")
    followed = follow(run("failed"), places, [failed, node(3, "SQL")])
    assert [(each.kind, each.state) for each in followed.steps] == [
        ("fail", "failed"),
        ("on_failure", "completed"),
    ]
    assert followed.steps[1].arms[0].steps[0].kind == "sql"
    good = follow(run("completed"), places, [node(2, "SQL")])
    assert [each.kind for each in good.steps] == ["fail"]


def test_a_group_with_a_condition_is_a_do() -> None:
    places = mapped(("steps[0]", None, "if"), ("steps[0].do[0]", None, "sql"))
    followed = follow(run("completed"), places, [node(1, "IF"), node(2, "SQL")])
    assert [each.kind for each in followed.steps] == ["do"]


NO = '{"rows": [{"ok": false}], "row_count": 1}'


@pytest.mark.parametrize(
    ("role", "kind"), [("sql", "sql"), ("return", "return"), ("fail", "fail")]
)
def test_a_step_whose_when_is_false_is_skipped(role: str, kind: str) -> None:
    places = mapped(
        ("steps[0]", "a", "if"), ("steps[0]", "a", "when"), ("steps[0]", "a", role)
    )
    ran = [node(1, "IF"), node(2, "SQL", rows=1, result=NO)]
    (skipped,) = follow(run("completed"), places, ran).steps
    assert (skipped.kind, skipped.state, skipped.rows) == (kind, "skipped", None)
    (done,) = follow(run("completed"), places, [*ran, node(3, "SQL")]).steps
    assert done.state == "completed"  # in an earlier round of a loop
    ran[1] = node(2, "SQL", "failed", error="no", result=NO)
    (failed,) = follow(run("failed"), places, ran).steps
    assert failed.state == "failed"


def test_a_group_whose_when_is_false_is_skipped_with_what_it_holds() -> None:
    places = mapped(
        ("steps[0]", None, "if"),
        ("steps[0]", None, "when"),
        ("steps[0].do[0]", None, "sql"),
    )
    followed = follow(run(), places, [node(1, "IF"), node(2, "SQL", result=NO)])
    assert states(followed) == {"steps[0]": "skipped", "steps[0].do[0]": "skipped"}


def test_a_group_with_an_undo_is_a_do() -> None:
    places = mapped(
        ("steps[0].do[0]", None, "sql"),
        ("steps[0]", "c", "scope"),
        ("steps[1]", None, "fail"),
        ("steps[0]", "c", "undo"),
        ("steps[0].undo[0]", None, "sql"),
        ("steps[0]", "c", "again"),
    )
    failed = {"status": "failed", "error": "no"}
    ran = [
        node(1, "SQL"),
        node(2, "TRY", "failed"),
        node(3, "SQL", **failed),
        node(4, "THEN", "failed"),
        node(5, "SQL"),
        node(6, "RAISE", **failed),
    ]
    first = follow(run("failed"), places, ran).steps[0]
    assert (first.kind, first.state, first.error) == ("do", "completed", None)


def test_the_detail_of_a_run_is_that_of_what_failed_last_with_its_error() -> None:
    places = mapped(("steps[0]", None, "sql"), ("steps[1]", None, "again"))
    failed = replace(run("failed"), error="no", sqlstate="PD011")
    same = {"status": "failed", "error": "no", "sqlstate": "PD011"}
    nodes = [
        node(2, "RAISE", detail="the undo failed, too", **same),
        node(1, "SQL", detail="", **same),
        node(3, "SQL", "failed", error="other", detail="other"),
    ]
    assert follow(failed, places, nodes).detail == "the undo failed, too"
    assert follow(failed, places, nodes[1:]).detail is None
    assert follow(run("completed"), places, nodes).detail is None


LOOP = [
    ("steps[0]", None, "loop", "REPEAT"),
    ("steps[0].loop[0]", None, "case", "IF"),
    ("steps[0].loop[0]", None, "case", "SQL"),
    ("steps[0].loop[0].cases[0][0]", "first", "sql", "SQL"),
    ("steps[0].loop[0].default[0]", "later", "sql", "SQL"),
    ("steps[0].loop[1]", "pause", "sleep", "SLEEP"),
    ("steps[0].loop[2]", None, "parallel", "JOIN"),
    ("steps[0].loop[2].parallel.a[0]", "seldom", "sql", "SQL"),
    ("steps[0].loop[2].parallel.b[0]", "always", "sql", "SQL"),
]


def test_times_of_what_a_round_holds_are_those_of_the_last_one() -> None:
    places = [
        Place(str(id), path, name, role, "workflows/w.yaml", id)
        for id, (path, name, role, _) in enumerate(LOOP, 1)
    ]
    times = [
        (40, 40, 1),
        (2, 32, None),  # a choice has no row of its own, the view puts one together
        (31, 32, 4),
        (2, 3, 1),
        (32, 33, 3),
        (33, 36, 4),
        (38, 38, 4),
        (7, 8, 1),
        (36, 38, 4),
    ]
    rows = [
        node(
            id, kind, started_at=at(began), finished_at=at(ended), executions=executions
        )
        for id, ((_, _, _, kind), (began, ended, executions)) in enumerate(
            zip(LOOP, times, strict=True), 1
        )
    ]
    (loop,) = follow(run("completed"), places, rows).steps
    switch, pause, parallel = loop.arms[0].steps
    assert (loop.seconds(START), loop.started_at) == (40, START)
    assert (switch.kind, switch.seconds(START), switch.executions) == ("switch", 2, 4)
    assert pause.seconds(START) == 3
    assert parallel.seconds(START) == 2
    assert [each.seconds(START) for each in walk(parallel.arms[0].steps)] == [1]
