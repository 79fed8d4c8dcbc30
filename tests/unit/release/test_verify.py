"""Which steps a run may still come to, who needs them, and what is said of it."""

from __future__ import annotations

import json

import pytest

from perdure.engine.runs import Place
from perdure.release.verify import (
    Finding,
    comes_to,
    other_types,
    render_json,
    steps_at,
)
from perdure.release.verify_needs import (
    Need,
    Needs,
    Runs,
    Starts,
    advice,
    reached,
    ways_to,
)
from perdure.release.verify_text import render_text
from tests.unit.lower.workbench import Workbench

PATHS = [
    ("steps", None),
    ("steps[0]", 1),
    ("steps[1]", 2),
    ("steps[1].then[0]", 3),
    ("steps[1].then[0]", None),
    ("steps[2]", 5),
    ("steps[4]", 11),
]
PLACES = [
    Place(str(number), path, None, "sql", "w.yaml" if line else None, line)
    for number, (path, line) in enumerate(PATHS, 1)
]


@pytest.mark.parametrize(
    ("path", "reach", "expected"),
    [
        ("steps[0]", None, True),
        ("steps[0]", {"2": True, "7": False}, True),
        ("steps[0]", {"2": False, "7": True}, False),
        ("steps[1].then[0]", {"4": False, "5": True}, True),
        ("steps[1]", {"4": False, "5": True}, True),
        ("steps[1]", {"3": False, "4": True}, False),
        ("steps[1]", {"4": False, "7": True}, False),
        ("steps[2]", {"2": False, "7": True}, True),
        ("steps[9]", {"2": False, "7": False}, False),
    ],
)
def test_what_a_run_still_comes_to(
    path: str, reach: dict[str, bool] | None, expected: bool
) -> None:
    assert comes_to(path, PLACES, reach) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [(1, "steps[0]"), (3, "steps[1].then[0]"), (99, "steps[4]"), (0, None)],
)
def test_the_steps_at_a_line(line: int, expected: str | None) -> None:
    found = steps_at(PLACES, "w.yaml", line)
    assert [each.path for each in found] == ([expected] if expected else [])
    assert steps_at(PLACES, "other.yaml", line) == []


def test_both_steps_of_a_workflow_that_is_taken_in_twice_are_at_its_line() -> None:
    paths = ["steps[0].call.steps[0]", "steps[1].call.steps[0]"]
    twice = [Place(str(n), e, None, "sql", "w.yaml", 2) for n, e in enumerate(paths)]
    assert [each.path for each in steps_at(twice, "w.yaml", 3)] == paths


STARTS: Starts = {
    "ship@1": {},
    "ship@2": {"ship@2": None},
    "outer@1": {"ship@1": ["2"]},
    "outer@2": {"ship@2": None, "top@2": None},
    "top@1": {"outer@1": ["2"]},
    "top@2": {"outer@2": None},
}
CALLER = [
    Place(str(number), f"steps[{number - 1}]", None, role, "w.yaml", number)
    for number, role in enumerate(["signal", "call", "sql"], 1)
]


def test_versions_that_start_each_other() -> None:
    assert ways_to("ship@1", STARTS) == {"outer@1": ["ship@1"], "top@1": ["outer@1"]}
    ring = {"ship@2": ["ship@2"], "outer@2": ["ship@2", "top@2"], "top@2": ["outer@2"]}
    assert ways_to("ship@2", STARTS) == ring
    assert reached(["top@2"], STARTS) == {"top@2", "outer@2", "ship@2"}


def needs(
    *current: str,
    runs: dict[str, Runs] | None = None,
    failed: dict[str, Runs] | None = None,
    pending: dict[str, str] | None = None,
) -> Needs:
    places = dict.fromkeys(STARTS, CALLER)
    return Needs(places, STARTS, current, runs, failed or {}, pending or {})


def test_a_version_is_needed_by_those_that_start_it() -> None:
    need = needs("ship@2", "top@1").of("ship@1", ["steps[0]"])
    assert (need.in_force, need.starters) == (("top@1",), ("outer@1",))
    assert need.notes == ("new runs of top@1 start it",)
    need = needs("ship@2", pending={"ship@2": "7.sql"}).of("ship@2", None)
    assert need.notes == ("new runs will start with it once 7.sql is applied",)
    need = needs("top@1", pending={"top@1": "7.sql"}).of("ship@1", None)
    via = "new runs will start with top@1, which starts it, once 7.sql is applied"
    assert need.notes == (via,)
    need = needs("ship@2").of("ship@1", None)
    assert (need.notes, need.serious) == (("it may have runs; --db URL tells",), True)


def test_runs_come_to_what_they_start() -> None:
    runs: dict[str, Runs] = {
        "ship@1": {"a": {"2": True, "3": True, "1": False}},
        "outer@1": {"b": {"2": True}, "c": {"2": False, "3": True}},
        "top@1": {"d": None, "e": {"2": True}, "f": {"2": False, "3": True}},
    }
    there = needs("ship@2", runs=runs)
    need = there.of("ship@1", ["steps[0]"])
    assert need.runs == ("b", "d", "e")
    assert need.notes == (
        "1 run of outer@1 still starts it: b",
        "2 runs of top@1 still start it: d, e",
    )
    assert there.of("ship@1", ["steps[1]"]).runs == ("a", "b", "d", "e")
    gone = needs(
        "ship@2", runs={"ship@1": runs["ship@1"]}, failed={"top@1": {"g": None}}
    )
    need = gone.of("ship@1", ["steps[0]"])
    assert need.notes == (
        "no run in flight comes to it any more",
        "1 failed run of top@1 starts it if retried, and would fail there: g",
    )
    assert not need.serious


@pytest.mark.parametrize(
    ("in_force", "starters", "before", "by_schema", "expected"),
    [
        ("ship@1", (), False, True, "deploy it before the change of schema"),
        ("ship@1", (), True, True, "mend the schema, or compile a version that fits"),
        ("ship@1", (), False, False, "compile a version that fits, and deploy it"),
        ("outer@1", (), True, False, "compile a version of outer that starts one that"),
        ("", (), False, True, "and it is retired: perdure retire ship@1"),
        (
            "",
            ("outer@1", "top@1"),
            False,
            True,
            "they are retired: perdure retire top@1 outer@1 ship@1",
        ),
        (
            "",
            ("gone@1", "outer@1"),
            False,
            True,
            "retired: perdure retire outer@1 ship@1, and deploy 8.sql",
        ),
        (
            "",
            ("gone@1",),
            False,
            True,
            "are retired: perdure retire ship@1, and deploy",
        ),
        ("", (), True, True, "mend the schema, or take the runs that wait"),
        ("", (), False, False, "take the runs that wait to a version that fits"),
    ],
)
def test_what_to_do(
    in_force: str,
    starters: tuple[str, ...],
    before: bool,
    by_schema: bool,
    expected: str,
) -> None:
    need = Need((), (), (in_force,) if in_force else (), starters, serious=True)
    told = advice(
        "ship@1",
        need,
        {"gone@1": "8.sql"},
        before=before,
        by_schema=by_schema,
        movable=True,
    )
    assert expected in told
    assert ("schema" in told) is by_schema


def test_columns_of_another_type_are_found(bench: Workbench) -> None:
    old = bench.ir("- name: a\n  sql: select 1 as x, 'b' as y", inputs="")
    new = bench.ir("- name: a\n  sql: select 1.5 as x, 'b' as y", inputs="")
    ((step, text),) = other_types(old, new)
    assert (step.head.name, text) == ("a", 'column "x" was integer and is numeric')
    assert other_types(old, old) == []


def test_findings_are_shown() -> None:
    finding = Finding(
        "error",
        "broken",
        "order",
        2,
        'column "email" does not exist',
        "WF513",
        "find",
        "w.yaml:3",
        ("0a1b2c3d",),
        ("1 run still comes to it: 0a1b2c3d",),
        "retire it",
    )
    assert render_text([finding], 2) == (
        'error[WF513]: order@2: column "email" does not exist\n'
        "  --> w.yaml:3, as it was compiled, step find\n"
        "  = note: 1 run still comes to it: 0a1b2c3d\n"
        "  = help: retire it\n"
    )
    data = json.loads(render_json([finding], 2))
    assert (data["format"], data["versions"]) == (1, 2)
    assert data["findings"][0]["runs"] == ["0a1b2c3d"]
    assert render_text([], 1) == "good: 1 version fits the schema\n"
    assert render_text([], 0) == "nothing to verify: there is no version\n"


def broken(workflow: str, version: int, line: int, *notes: str) -> Finding:
    key = f"{workflow}@{version}"
    return Finding(
        "error",
        "broken",
        workflow,
        version,
        'column "email" does not exist',
        "WF513",
        "find" if line < 9 else "tell",
        f"{workflow}.yaml:{line}",
        (),
        notes or ("it may have runs; --db URL tells",),
        "compile a version that fits" if version == 6 else f"perdure retire {key}",
    )


def test_one_mistake_in_many_versions_is_told_once() -> None:
    """Ten versions, two steps each: a line for those of which the same is said."""
    notes = {
        1: ["1 run still comes to it: 0a"],
        6: ["new runs start with this version"],
    }
    found = [
        broken("order", version, line, *notes.get(version, []))
        for version in range(1, 7)
        for line in (3 + version // 4, 9)
    ]
    found += [broken("bill", version, 4) for version in (1, 2, 4, 6)]
    assert render_text(found, 12) == (
        'error[WF513]: column "email" does not exist, in 10 versions\n'
        "  --> order@1, steps find, tell (order.yaml:3, 9, as compiled)\n"
        "      = note: 1 run still comes to it: 0a\n"
        "  --> order@2 to @5, steps find, tell (order.yaml:3, 4, 9, as compiled)\n"
        "      = note: it may have runs; --db URL tells\n"
        "  --> order@6, steps find, tell (order.yaml:4, 9, as compiled)\n"
        "      = note: new runs start with this version\n"
        "  --> bill@1, @2, @4, @6, step find (bill.yaml:4, as compiled)\n"
        "      = note: it may have runs; --db URL tells\n"
        "  = help: for order@1 to @5, bill@1, @2, @4: perdure retire VERSION\n"
        "  = help: for order@6, bill@6: compile a version that fits\n"
    )
    assert len(json.loads(render_json(found, 12))["findings"]) == 16


def test_one_mistake_in_two_steps_of_a_version() -> None:
    assert render_text([broken("order", 2, 3), broken("order", 2, 9)], 2) == (
        'error[WF513]: order@2: column "email" does not exist\n'
        "  --> order.yaml:3, as it was compiled, step find\n"
        "  --> order.yaml:9, as it was compiled, step tell\n"
        "  = note: it may have runs; --db URL tells\n"
        "  = help: perdure retire order@2\n"
    )


def test_steps_of_a_version_of_which_not_the_same_is_said() -> None:
    coming, past = (
        "1 run still comes to it: 0a",
        "no run in flight comes to it any more",
    )
    steps = [broken("order", 2, 3, coming), broken("order", 2, 9, past)]
    assert render_text(steps, 2) == (
        'error[WF513]: order@2: column "email" does not exist\n'
        "  --> order.yaml:3, as it was compiled, step find\n"
        f"  = note: {coming}\n"
        "  --> order.yaml:9, as it was compiled, step tell\n"
        f"  = note: {past}\n"
        "  = help: perdure retire order@2\n"
    )
    assert render_text([*steps, broken("bill", 1, 4, past)], 2) == (
        'error[WF513]: column "email" does not exist, in 2 versions\n'
        "  --> order@2, step find (order.yaml:3, as compiled)\n"
        f"      = note: {coming}\n"
        "  --> order@2, step tell (order.yaml:9, as compiled)\n"
        f"      = note: {past}\n"
        "  --> bill@1, step find (bill.yaml:4, as compiled)\n"
        f"      = note: {past}\n"
        "  = help: perdure retire VERSION\n"
    )
