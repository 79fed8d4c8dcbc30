"""What changed between two sets of workflows."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from perdure.ir.tree import Workflow
from perdure.release import (
    Diff,
    compare,
    render_json,
    render_markdown,
    render_text,
)
from tests.unit.lower.workbench import Workbench

OLD = """
- name: order
  sql: select id, email from shop.orders where id = :id
- if: id > 1
  then:
    - sql: update shop.orders set status = 'a' where id = :order.id
    - sleep: 5s
- sql: delete from shop.audit where id = 1
- return: done
"""


@dataclass(frozen=True)
class Unit:
    ir: Workflow | None


def difference(
    bench: Workbench, new: str, inputs: str = "id: bigint", old: str = OLD
) -> Diff:
    before = {"demo": Unit(bench.ir(old))}
    return compare(before, {"demo": Unit(bench.ir(new, inputs=inputs))})


def steps(diff: Diff) -> list[tuple[str, str, str | None, str | None]]:
    return [
        (each.change, each.name or each.kind, each.old_path, each.new_path)
        for workflow in diff.workflows
        for each in workflow.steps
    ]


def test_nothing_changed(bench: Workbench) -> None:
    found = difference(bench, OLD.replace("- sleep: 5s", "- sleep: 5s   # a comment"))
    assert found == Diff(())
    assert render_text(found) == "no differences\n"
    assert render_markdown(found) == "No differences.\n"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "- return: done",
            "- sql: select 1\n- return: done",
            [("added", "sql", None, "steps[3]")],
        ),
        ("    - sleep: 5s\n", "", [("removed", "sleep", "steps[1].then[1]", None)]),
        (
            "5s",
            "6s",
            [("changed", "sleep", "steps[1].then[1]", "steps[1].then[1]")],
        ),
        (
            "- name: order\n",
            "- sql: select 2\n- name: order\n",
            [("added", "sql", None, "steps[0]")],
        ),
        (
            "select id, email from",
            "select id, email, total from",
            [("changed", "order", "steps[0]", "steps[0]")],
        ),
    ],
)
def test_steps(
    bench: Workbench, old: str, new: str, expected: list[tuple[object, ...]]
) -> None:
    assert steps(difference(bench, OLD.replace(old, new))) == expected


def test_a_step_that_moved(bench: Workbench) -> None:
    line = "- sql: delete from shop.audit where id = 1\n"
    new = OLD.replace(line, "").replace("- name: order", line + "- name: order")
    assert steps(difference(bench, new)) == [("moved", "sql", "steps[2]", "steps[0]")]
    inside = OLD.replace(line, "").replace("    - sleep", f"    {line}    - sleep")
    assert steps(difference(bench, inside)) == [
        ("moved", "sql", "steps[2]", "steps[1].then[1]")
    ]


def test_changed_sql_is_shown_as_a_diff(bench: Workbench) -> None:
    found = difference(bench, OLD.replace("set status = 'a'", "set status = 'b'"))
    assert render_text(found) == (
        "~ workflow demo, changed\n"
        "  signature unchanged\n"
        "  ~ sql, changed (steps[1].then[0])\n"
        "       sql:\n"
        "      -update shop.orders set status = 'a' where id = :order.id\n"
        "      +update shop.orders set status = 'b' where id = :order.id\n"
    )
    markdown = render_markdown(found)
    assert "```diff\n sql:\n-update shop.orders" in markdown
    assert "Signature unchanged." in markdown
    assert "\x1b[31m" in render_text(found, colour=True)


def test_the_signature(bench: Workbench) -> None:
    found = difference(bench, OLD, inputs="id: bigint\nlimit: numeric = 5")
    assert found.workflows[0].signature == (
        " id: bigint",
        "+limit: numeric = cast(5 as numeric)",
    )
    data = json.loads(render_json(found))
    assert data["workflows"][0]["signature_changed"] is True
    assert data["workflows"][0]["steps"] == []


def test_workflows_that_come_and_go(bench: Workbench) -> None:
    unit = Unit(bench.ir("- sleep: 1s", inputs=""))
    found = compare({"gone": unit}, {"new": unit})
    assert [(each.name, each.change) for each in found.workflows] == [
        ("gone", "removed"),
        ("new", "added"),
    ]
    assert steps(found) == [
        ("removed", "sleep", "steps[0]", None),
        ("added", "sleep", None, "steps[0]"),
    ]
