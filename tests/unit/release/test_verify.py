"""Which steps a run may still come to, and which step stands at a line."""

from __future__ import annotations

import json

import pytest

from perdure.engine.runs import Place
from perdure.release.verify import (
    Finding,
    comes_to,
    other_types,
    render_json,
    step_at,
)
from perdure.release.verify_text import render_text
from tests.unit.lower.workbench import Workbench

PATHS = [
    ("steps", None),
    ("steps[0]", 1),
    ("steps[1]", 2),
    ("steps[1].then[0]", 3),
    ("steps[1].then[1]", 4),
    ("steps[2]", 5),
    ("steps[2].loop[0]", 6),
    ("steps[2].loop[1]", 7),
    ("steps[3]", 8),
    ("steps[3].parallel.a[0]", 9),
    ("steps[3].parallel.b[0]", 10),
    ("steps[4]", 11),
]
PLACES = [
    Place(str(number), path, None, "sql", "w.yaml" if line else None, line)
    for number, (path, line) in enumerate(PATHS, 1)
]


@pytest.mark.parametrize(
    ("path", "began", "expected"),
    [
        ("steps[0]", {}, True),
        ("steps[0]", {"steps[0]": "running"}, True),
        ("steps[0]", {"steps[0]": "completed"}, False),
        ("steps[0]", {"steps[1]": "running"}, False),
        ("steps[4]", {"steps[0]": "completed", "steps[1]": "running"}, True),
        ("steps[1].then[0]", {"steps[1]": "running"}, True),
        ("steps[1].then[0]", {"steps[1].then[1]": "running"}, False),
        ("steps[1].then[1]", {"steps[1]": "completed"}, False),
        ("steps[1].then[1]", {"steps[2]": "running"}, False),
        (
            "steps[2].loop[0]",
            {"steps[2]": "running", "steps[2].loop[0]": "completed"},
            True,
        ),
        ("steps[2].loop[0]", {"steps[2]": "completed"}, False),
        ("steps[2].loop[0]", {"steps[3].parallel.a[0]": "running"}, True),
        ("steps[2].loop[0]", {"steps[3]": "running"}, False),
        (
            "steps[3].parallel.b[0]",
            {"steps[3]": "running", "steps[3].parallel.a[0]": "completed"},
            True,
        ),
    ],
)
def test_what_a_run_still_comes_to(
    path: str, began: dict[str, str], expected: bool
) -> None:
    numbers = {each.path: each.node for each in PLACES}
    states = {numbers[each]: state for each, state in began.items()}
    assert comes_to(path, PLACES, states) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [(1, "steps[0]"), (3, "steps[1].then[0]"), (99, "steps[4]"), (0, None)],
)
def test_the_step_at_a_line(line: int, expected: str | None) -> None:
    found = step_at(PLACES, "w.yaml", line)
    assert (found.path if found else None) == expected
    assert step_at(PLACES, "other.yaml", line) is None


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
