"""What changed between two sets of workflows."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import pytest

from perdure.ir.tree import SqlStep, Workflow
from perdure.ir.types import Scalar
from perdure.release import (
    Diff,
    compare,
    render_json,
    render_markdown,
    render_text,
)
from perdure.source import Source
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


def test_steps_that_changed_places(bench: Workbench) -> None:
    """Those moved, and not the one between them; each says what it does."""
    first, second, third = (f"- sql: select {number}\n" for number in (1, 2, 3))
    found = difference(bench, third + second + first, old=first + second + third)
    assert steps(found) == [
        ("moved", "sql", "steps[2]", "steps[0]"),
        ("moved", "sql", "steps[0]", "steps[2]"),
    ]
    assert "  > sql, moved (steps[2] -> steps[0])\n       select 3\n" in render_text(
        found
    )
    assert "```diff\n select 3\n```" in render_markdown(found)


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
        "~ workflow demo, changed: compatible\n"
        "  ~ sql, changed (steps[1].then[0])\n"
        "       sql:\n"
        "      -update shop.orders set status = 'a' where id = :order.id\n"
        "      +update shop.orders set status = 'b' where id = :order.id\n"
    )
    markdown = render_markdown(found)
    assert "```diff\n sql:\n-update shop.orders" in markdown
    assert "### Workflow `demo`: changed, **compatible**" in markdown
    assert "\x1b[31m" in render_text(found, colour=True)


def test_the_interface_stands_apart_from_the_steps(bench: Workbench) -> None:
    found = difference(bench, OLD, inputs="id: bigint\nlimit: numeric = 5")
    assert render_text(found) == (
        "~ workflow demo, changed: compatible\n"
        "  interface:\n"
        "    + input limit: numeric = cast(5 as numeric)\n"
        "      compatible: calls that leave it out go on working\n"
    )
    data = json.loads(render_json(found))
    assert (data["format"], data["effect"]) == (1, "compatible")
    (workflow,) = data["workflows"]
    assert workflow["steps"] == []
    (point,) = workflow["interface"]
    assert point["rule"] == "input-added-optional"
    assert "| `+ input limit: numeric = cast(5 as numeric)` | compatible |" in (
        render_markdown(found)
    )


def test_places_are_given_where_the_sources_are_known(bench: Workbench) -> None:
    text = "workflow: demo\ninput:\n  id: bigint\nsteps:\n  - sleep: 1s\n"
    new = text.replace("  id: bigint\n", "  id: bigint\n  note: text\n")
    path = "workflows/demo.yaml"
    found = compare(
        {"demo": Unit(bench.ir(text))},
        {"demo": Unit(bench.ir(new))},
        {path: Source(path, text)},
        {path: Source(path, new)},
    )
    (point,) = found.workflows[0].interface
    assert (point.effect, point.place) == ("breaking", "workflows/demo.yaml:4")


def test_workflows_that_come_and_go(bench: Workbench) -> None:
    gone = Unit(bench.ir("- sleep: 1s", inputs=""))
    new = Unit(bench.ir("- sql: delete from shop.audit\n- fail: no", inputs="a: text"))
    found = compare({"gone": gone}, {"new": new})
    assert [(each.name, each.change, each.effect) for each in found.workflows] == [
        ("gone", "removed", "breaking"),
        ("new", "added", "compatible"),
    ]
    assert steps(found)[0] == ("removed", "sleep", "steps[0]", None)


def test_a_workflow_with_another_name_was_renamed(bench: Workbench) -> None:
    old, new = Unit(bench.ir(OLD)), Unit(bench.ir(OLD.replace("5s", "6s"), "other"))
    (found,) = compare({"demo": old}, {"other": new}).workflows
    assert (found.name, found.old_name, found.change) == ("other", "demo", "renamed")
    assert found.effect == "breaking"
    assert [each.change for each in found.steps] == ["changed"]
    assert render_text(compare({"demo": old}, {"other": new})).startswith(
        "~ workflow other, renamed from demo: breaking\n"
        "  callers must call it by its new name\n"
    )


def test_of_several_names_that_of_the_most_alike_is_the_new_one(
    bench: Workbench,
) -> None:
    one, two = OLD.replace("5s", "6s"), OLD.replace("5s", "7s")
    before = {"a": Unit(bench.ir(OLD)), "b": Unit(bench.ir(one))}
    after = {"y": Unit(bench.ir(one)), "z": Unit(bench.ir(two))}
    found = compare(before, after).workflows
    assert [(each.old_name, each.name) for each in found] == [("b", "y"), ("a", "z")]


def test_a_new_version_that_the_schema_is_the_reason_of(bench: Workbench) -> None:
    same = {"demo": Unit(bench.ir(OLD))}
    found = compare(same, same, recompiled=["demo"])
    assert (found.effect, found.workflows[0].steps) == ("compatible", ())
    told = "the schema gives its steps other types than those it was compiled with"
    assert told in render_text(found)
    assert json.loads(render_json(found))["workflows"][0]["rule"] == "schema-changed"
    assert told[1:] in render_markdown(found)


TYPED = "- name: a\n  sql: select 1 as x\n  expect: one\n"


@pytest.mark.parametrize(
    ("result", "effect"),
    [
        ('{x: "${a.x}"}', "breaking"),
        ('["${a.x + 1}"]', "breaking"),
        ('{x: "x is ${a.x}", id: "${id}", n: 1}', "compatible"),
    ],
)
def test_results_of_types_that_nobody_kept(
    bench: Workbench, result: str, effect: str
) -> None:
    same = {"demo": Unit(bench.ir(f"{TYPED}- return: {result}"))}
    found = compare(same, same, retyped=["demo"])
    assert found.effect == effect
    (workflow,) = found.workflows
    assert workflow.whole is not None
    assert workflow.whole.rule == "schema-changed"
    points = [(each.rule, each.before) for each in workflow.interface]
    assert points == [("returns-not-compared", "not known")] * (effect == "breaking")


def test_a_declared_result_has_the_type_that_it_had(bench: Workbench) -> None:
    body = "".join(f"  {line}\n" for line in TYPED.splitlines())
    text = "workflow: demo\nreturns: {x: integer}\nsteps:\n" + body
    same = {"demo": Unit(bench.ir(text + '  - return: {x: "${a.x}"}'))}
    assert compare(same, same, retyped=["demo"]).effect == "compatible"
    other = text.replace("x: integer", "x: bigint") + '  - return: {x: "${a.x}"}'
    path = "workflows/demo.yaml"
    found = compare(
        same, {"demo": Unit(bench.ir(other))}, new_sources={path: Source(path, other)}
    )
    assert [e.place for e in found.workflows[0].interface] == [f"{path}:2"]


def test_what_did_not_compile_is_told_when_it_goes(bench: Workbench) -> None:
    (found,) = compare({"demo": Unit(None)}, {}).workflows
    assert (found.change, found.effect) == ("removed", "breaking")


def test_columns_that_the_schema_gives_other_types(bench: Workbench) -> None:
    old = bench.ir("- name: a\n  sql: select 1 as x", inputs="")
    (step,) = old.steps
    assert isinstance(step, SqlStep)
    columns = (replace(step.columns[0], type=Scalar("text")),)
    new = replace(old, steps=(replace(step, columns=columns),))
    (each,) = compare({"demo": Unit(old)}, {"demo": Unit(new)}).workflows
    assert [x.text for x in each.steps] == [("-column x: integer", "+column x: text")]


def test_the_layout_of_sql_is_no_change(bench: Workbench) -> None:
    spread = OLD.replace("select id, email", "select  id, /* their */ email\n    ")
    assert difference(bench, spread) == Diff(())
    found = difference(bench, spread.replace("5s", "6s"))
    assert [each[1] for each in steps(found)] == ["sleep"]
    other = OLD.replace("= 'a'", "= ' a'")
    assert [each[0] for each in steps(difference(bench, other))] == ["changed"]


def test_steps_do_not_move_into_on_failure(bench: Workbench) -> None:
    head = "workflow: demo\ninput: {id: bigint}\n"
    on_failure = "on_failure:\n  - sleep: 1s\n"
    body = "".join(f"  {line}\n" for line in OLD.strip().splitlines())
    plain, handled = (f"{head}{more}steps:\n{body}" for more in ("", on_failure))
    came = steps(difference(bench, handled, old=plain))
    assert {each[0] for each in came} == {"added"}
    assert {str(each[3])[:10] for each in came} == {"on_failure"}
    later = handled.replace("- sleep: 5s", "- sleep: 6s")
    found = [("changed", "sleep", "steps[1].then[1]", "steps[1].then[1]")]
    assert steps(difference(bench, later, old=handled)) == found


def test_descriptions_follow_their_steps(bench: Workbench) -> None:
    old = "- sql: select 1\n  description: A\n- sql: select 2\n  description: B"
    new = "- sleep: 1s\n" + old.replace("B", "C")
    (workflow,) = difference(bench, new, old=old).workflows
    points = [(each.name, each.before, each.after) for each in workflow.metadata]
    assert points == [("steps[2]", "B", "C")]


def test_descriptions_are_metadata(bench: Workbench) -> None:
    new = OLD.replace("- name: order", "- description: finds it\n  name: order")
    found = difference(bench, new)
    assert found.effect == "metadata"
    assert found.workflows[0].steps == ()
    assert "+ description order: finds it" in render_text(found)


BLOCKS = """
- name: rows
  sql: select id, total from shop.orders
- name: told
  foreach: r in rows
  do:
    - sql: delete from shop.stock where id = :r.id
  collect: {id: "${r.id}"}
- try:
    - sql: delete from shop.audit where id = 1
  catch: err
  do: [fail]
- switch: id
  cases:
    1: [{sleep: 1s}]
- wait_for_schedule: 0 9 * * MON
- sql: select count(*) as n from :told.* t
"""


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("  do:\n    - sql: del", "  max_parallel: 3\n  do:\n    - sql: del", "+max_p"),
        ('id: "${r.id}"', 'id: "${r.total}"', "+collect id: ${r.total}"),
        (
            "- sql: delete from shop.a",
            "- when: id > 5\n      sql: delete from shop.a",
            "+when: id > 5",
        ),
        ("- switch: id", "- timeout: 5s\n  switch: id", "+timeout: 5s"),
        ("1: [", "2: [", "+2"),
        ("* * MON", "* * TUE", "+0 9 * * TUE"),
        ("0 9 * * MON", "0 9 * * MON\n  timezone: Asia/Tokyo", "+timezone: Asia/Tokyo"),
        ("catch: err", "catch: problem", "+catch: problem"),
    ],
)
def test_changed_blocks(bench: Workbench, old: str, new: str, text: str) -> None:
    assert BLOCKS.count(old) == 1
    found = difference(bench, BLOCKS.replace(old, new), old=BLOCKS)
    assert text in render_text(found)


def test_steps_of_an_undo_are_steps(bench: Workbench) -> None:
    undo = "  undo: [{sql: delete from shop.audit where id = 2}]\n"
    new = OLD.replace(
        "- sql: delete from shop.audit where id = 1\n",
        "- sql: delete from shop.audit where id = 1\n" + undo,
    )
    assert steps(difference(bench, new)) == [("added", "sql", None, "steps[2].undo[0]")]
