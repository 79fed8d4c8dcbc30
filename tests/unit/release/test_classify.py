"""Which class a change of the interface has: the rules, one by one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from perdure.ir.expr import Secret, Template
from perdure.ir.tree import CallStep, Workflow
from perdure.ir.types import JSONB
from perdure.release import compare
from perdure.release.classify import Point
from perdure.release.interface import host
from perdure.release.rules import RULES
from perdure.source import Source
from tests.unit.lower.workbench import Workbench

ROOT = Path(__file__).parents[3]
STEPS = "- sleep: 1s"


@dataclass(frozen=True)
class Unit:
    ir: Workflow | None


def rules(bench: Workbench, old: str, new: str) -> list[tuple[str, str | None]]:
    return [(each.rule, each.name) for each in changed(bench.ir(old), bench.ir(new))]


def changed(old: Workflow, new: Workflow) -> list[Point]:
    found = compare({"demo": Unit(old)}, {"demo": Unit(new)}).workflows
    return [point for each in found for point in each.interface]


def file(head: str = "", steps: str = STEPS) -> str:
    lines = steps.strip().splitlines()
    return f"workflow: demo\n{head}steps:\n" + "".join(f"  {x}\n" for x in lines)


def inputs(*declared: str) -> str:
    return file("input:\n" + "".join(f"  {each}\n" for each in declared))


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (["a: text"], ["a: text", "b: text"], [("input-added-required", "b")]),
        (["a: text"], ["a: text", "b: text = 'x'"], [("input-added-optional", "b")]),
        (["a: text"], ["a: text", "b: text?"], [("input-added-optional", "b")]),
        (["a: text", "b: text"], ["a: text"], [("input-removed", "b")]),
        (["a: integer"], ["a: bigint"], [("input-widened", "a")]),
        (["a: numeric(8,2)"], ["a: numeric"], [("input-widened", "a")]),
        (["a: varchar(5)"], ["a: varchar(9)"], [("input-widened", "a")]),
        (["a: numeric(8,2)"], ["a: numeric(10,4)"], [("input-widened", "a")]),
        (["a: integer[]"], ["a: bigint[]"], [("input-widened", "a")]),
        (["a: text"], ["a: varchar"], [("input-widened", "a")]),
        (["a: char(3)"], ["a: text"], [("input-widened", "a")]),
        (["a: varchar(9)"], ["a: varchar(5)"], [("input-type-changed", "a")]),
        (["a: numeric(8,2)"], ["a: numeric(8,3)"], [("input-type-changed", "a")]),
        (["a: text"], ["a: varchar(9)"], [("input-type-changed", "a")]),
        (["a: integer"], ["a: bigint[]"], [("input-type-changed", "a")]),
        (["a: json"], ["a: jsonb"], [("input-type-changed", "a")]),
        (["a: bigint"], ["a: integer"], [("input-type-changed", "a")]),
        (["a: bigint"], ["a: text"], [("input-type-changed", "a")]),
        (["a: bigint?"], ["a: numeric"], [("input-made-required", "a")]),
        (["a: text = 'x'"], ["a: text"], [("input-made-required", "a")]),
        (["a: text?"], ["a: text = 'x'"], [("input-made-required", "a")]),
        (["a: text"], ["a: text?"], [("input-made-optional", "a")]),
        (["a: text = 'x'"], ["a: text = 'y'"], [("input-default-changed", "a")]),
        (["a: text", "b: text"], ["b: text", "a: text"], [("inputs-reordered", None)]),
        (
            ["a: text", "b: text = 'x'"],
            ["a: text", "c: text = 'y'", "b: text = 'x'"],
            [("input-added-optional", "c"), ("inputs-reordered", None)],
        ),
        (["a: text", "b: text"], ["a: text", "b: text"], []),
    ],
)
def test_inputs(
    bench: Workbench, old: list[str], new: list[str], expected: list[object]
) -> None:
    assert rules(bench, inputs(*old), inputs(*new)) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "returns: {a: integer}", "returns-added"),
        ("", "returns: {a: text}", "returns-changed"),
        ("returns: {a: integer}", "", "returns-removed"),
        ("returns: {a: bigint}", "returns: {a: integer}", "returns-extended"),
        ("returns: {a: integer}", "returns: {a: text}", "returns-changed"),
        ("returns: date", "returns: date?", "returns-may-be-null"),
        ("returns: date?", "returns: date", "returns-never-null"),
    ],
)
def test_results(bench: Workbench, old: str, new: str, expected: str) -> None:
    def whole(head: str) -> str:
        kind = "text" if "text" in head else "integer"
        steps = "- return: {a: '${cast(1 as " + kind + ")}'}"
        if "date" in head:
            steps = "- return: ${current_date}"
        return file(f"{head}\n" if head else "", steps)

    assert rules(bench, whole(old), whole(new)) == [(expected, None)]


def test_an_end_without_a_result_gives_null(bench: Workbench) -> None:
    one = "- if: id > 1\n  then:\n    - return: x\n"
    head = "input: {id: bigint}\n"
    both = file(head, one + "  else:\n    - return: y")
    assert rules(bench, both, file(head, one)) == [("returns-may-be-null", None)]
    assert rules(bench, file(head, one), both) == [("returns-never-null", None)]
    tried = "- try:\n    - return: x\n  catch: err\n  do:\n    - fail: no"
    assert rules(bench, file("", "- return: x"), file("", tried)) == []


def wait(name: str, *more: str) -> str:
    return "\n".join([f"- wait_for_signal: {name}", *(f"  {each}" for each in more)])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (STEPS, wait("go"), [("signal-added", "go")]),
        (STEPS, wait("go", "timeout: 1h"), [("signal-added-timeout", "go")]),
        (wait("go"), STEPS, [("signal-removed", "go")]),
        (wait("go"), wait("on"), [("signal-removed", "go"), ("signal-added", "on")]),
        (wait("go"), wait("go", "timeout: 1h"), [("signal-timeout-changed", "go")]),
        (wait("go", "timeout: 1h"), wait("go"), [("signal-timeout-removed", "go")]),
        (
            wait("go", "payload: {a: text, b: text}", "timeout: 1h"),
            wait("go", "payload: {a: text}"),
            [("signal-timeout-removed", "go")],
        ),
        (
            wait("go", "payload: {a: text}"),
            wait("go", "payload: {a: text, b: text}"),
            [("payload-restricted", "go")],
        ),
        (
            wait("go", "payload: {a: text}"),
            f"{wait('go', 'payload: {a: text}')}\n{wait('go', 'payload: {b: text}')}",
            [("payload-restricted", "go")],
        ),
        (
            f"{wait('go', 'payload: {a: text}')}\n{wait('go', 'payload: {b: text}')}",
            wait("go", "payload: {a: text}"),
            [("payload-relaxed", "go")],
        ),
        (
            wait("go", "payload: {a: text}"),
            wait("go", "payload: {a: text, b: text?}"),
            [("payload-relaxed", "go")],
        ),
        (
            wait("go", "payload: {a: integer, b: text}"),
            wait("go", "payload: {a: bigint}"),
            [("payload-relaxed", "go")],
        ),
        (
            wait("go", "payload: {a: text?}"),
            wait("go", "payload: {a: text}"),
            [("payload-restricted", "go")],
        ),
    ],
)
def test_signals(
    bench: Workbench, old: str, new: str, expected: list[tuple[str, str]]
) -> None:
    found = rules(bench, file(steps=old), file(steps=new))
    assert sorted(found) == sorted(expected)


def calling(bench: Workbench, steps: str, *, taken_in: bool) -> Workflow:
    """Return a workflow that calls another one, as steps or as a run of its own."""
    callee = replace(bench.ir(file(steps=steps)), name="called")
    caller = bench.ir(file(steps="- sleep: 1s"))
    head = caller.steps[0].head
    call = CallStep(
        head, None, "called", (), JSONB, True, None, "digest", taken_in,
        callee if taken_in else None,
    )  # fmt: skip
    return replace(caller, steps=(call,))


@pytest.mark.parametrize(
    ("steps", "rule", "text"),
    [
        (
            f"{wait('go')}\n- signal: paid\n  to: abcdef01",
            "signals",
            "taken in, waits for go",
        ),
        ("- sql: delete from shop.audit where id = 1", "call", "taken in"),
    ],
)
def test_calls_that_are_taken_in_or_runs_of_their_own(
    bench: Workbench, steps: str, rule: str, text: str
) -> None:
    inside = calling(bench, steps, taken_in=True)
    alone = calling(bench, steps, taken_in=False)
    (found,) = changed(alone, inside)
    assert (found.rule, found.name) == (f"{rule}-taken-in", "called")
    assert (found.before, found.after) == ("a run of its own", text)
    (found,) = changed(inside, alone)
    assert (found.rule, found.name) == (f"{rule}-on-its-own", "called")
    assert (found.before, found.after) == (text, "a run of its own")


def test_a_second_call_changes_nothing_about_the_first(bench: Workbench) -> None:
    alone = calling(bench, wait("go"), taken_in=False)
    (more,) = calling(bench, wait("go"), taken_in=True).steps
    both = replace(alone, steps=(*alone.steps, more))
    assert [each.rule for each in changed(alone, both)] == ["signal-added"]


SENDS = "- signal: paid\n  to: ${run.id}"
GET = "- http: GET https://api.example.com/x/1"
READ = "- sql: select id from shop.orders where id = 1"
WRITE = "- sql: insert into shop.audit (what) values ('x')"
SECRET = "- http: GET https://h.example/\n  headers: {k: '${secrets.s}'}"
PLAIN = "- http: GET https://h.example/\n  headers: {k: x}"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (STEPS, SENDS, ("sent-added", "paid")),
        (SENDS, STEPS, ("sent-removed", "paid")),
        (STEPS, GET, ("host-added", "api.example.com")),
        (GET, STEPS, ("host-removed", "api.example.com")),
        (PLAIN, SECRET, ("secret-added", "s")),
        (SECRET, PLAIN, ("secret-removed", "s")),
        (STEPS, READ, ("reads-added", "shop.orders")),
        (READ, STEPS, ("reads-removed", "shop.orders")),
        (STEPS, WRITE, ("writes-added", "shop.audit")),
        (WRITE, STEPS, ("writes-removed", "shop.audit")),
    ],
)
def test_what_runs_must_be_allowed(
    bench: Workbench, old: str, new: str, expected: tuple[str, str]
) -> None:
    assert rules(bench, file(steps=old), file(steps=new)) == [expected]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (("https://API.example.com/x",), "api.example.com"),
        (("http://h:8080?x=1",), "http://h:8080"),
        (("https://me:pw@h/x",), "h"),
        (("https://", Secret("region"), ".example.com/x"), "….example.com"),
        ((Secret("base"), "/x"), "…"),
    ],
)
def test_the_host_of_a_url(url: tuple[str | Secret, ...], expected: str) -> None:
    assert host(Template(url)) == expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ('schedule: "0 9 * * *"\n', "schedule-changed"),
        ("timeout: 1h\n", "option-changed"),
        ("concurrency: {limit: 2}\n", "option-changed"),
    ],
)
def test_the_workflow_s_own_keys(bench: Workbench, head: str, expected: str) -> None:
    found = rules(bench, file(), file(head))
    assert [rule for rule, _ in found] == [expected]


@pytest.mark.parametrize(
    "key",
    [
        'schedule: "0 9 * * *"',
        "timeout: 1h",
        "concurrency: {limit: 2}",
        "idempotency_key: now()",
        "role: clerk",
        "database: warehouse",
        "search_path: [shop, public]",
    ],
)
def test_the_place_of_a_workflow_s_own_key(bench: Workbench, key: str) -> None:
    path = "workflows/demo.yaml"
    texts = file(), file(f"description: some\n{key}\n")
    for old, new in (texts, texts[::-1]):
        found = compare(
            {"demo": Unit(bench.ir(old))},
            {"demo": Unit(bench.ir(new))},
            {path: Source(path, old)},
            {path: Source(path, new)},
        )
        assert [e.place for e in found.workflows[0].interface] == [f"{path}:3"]


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        ("", "role: clerk\n", "role-added"),
        ("role: clerk\n", "", "role-removed"),
        ("role: clerk\n", "role: agent\n", "role-changed"),
    ],
)
def test_another_role(bench: Workbench, old: str, new: str, rule: str) -> None:
    (point,) = changed(bench.ir(file(old)), bench.ir(file(new)))
    assert (point.rule, point.effect) == (rule, "breaking")


def test_inputs_whose_order_means_nothing(bench: Workbench) -> None:
    old = inputs("id: bigint", "limit: numeric = 100")
    new = inputs("limit: numeric = 100", "id: bigint")
    before, after = ({"demo": Unit(bench.ir(each))} for each in (old, new))
    (found,) = compare(before, after, recompiled=["demo"]).workflows
    assert (found.effect, found.whole, found.interface) == ("metadata", None, ())
    (point,) = found.metadata
    assert (point.rule, point.before, point.after) == (
        "inputs-listed-otherwise",
        "id, limit",
        "limit, id",
    )


def test_every_rule_stands_in_the_docs() -> None:
    text = (ROOT / "docs" / "releases.md").read_text("utf-8")
    rows = {
        f"| `{each.name}` | {each.effect} | {each.reason} |" for each in RULES.values()
    }
    assert {row for row in rows if row not in text} == set()
