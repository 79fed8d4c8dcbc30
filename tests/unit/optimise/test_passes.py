"""Each rewrite, and where it must not be made."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from perdure.optimise import Rewrite
from perdure.plan.query import Code
from perdure.plan.tree import Foreach, If, Join, Node, Plan, Race, Repeat, Sql, Try
from perdure.plan.walk import depth, every
from perdure.planning import Planned, plan_of, report_of
from perdure.targets import PERDURE
from tests.unit.lower.workbench import PG_DURABLE, Workbench, known

ORDER = """
- name: order
  sql: select id, total, status, email from shop.orders where id = :id
  expect: one
"""
WRITE = "{{sql: \"insert into shop.audit (what) values ('{}')\"}}"


def planned(bench: Workbench, text: str, target: str = "perdure") -> Planned:
    return plan_of(bench.ir(text), known(target))


def root(bench: Workbench, text: str, target: str = "perdure") -> Node:
    plan = planned(bench, text, target).plan
    assert isinstance(plan, Plan)
    return plan.root


def of(node: Node, kind: type[Node]) -> list[Node]:
    return [each for each in every(node) if isinstance(each, kind)]


def written(node: Node) -> list[str]:
    """Return what the inserts of a plan write, in order."""
    return list(_written(node))


def _written(node: Node) -> Iterator[str]:
    for each in every(node):
        if isinstance(each, Sql):
            text = "".join(getattr(piece, "text", "") for piece in each.query)
            if "insert into shop.audit" in text:
                yield text.split("'")[1]


def kinds(found: Planned) -> set[str]:
    return {each.what for each in found.rewrites}


# --- folding --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "left"),
    [
        (f"- if: debug\n  then: [{WRITE.format('a')}]", []),
        (f"- if: not debug\n  then: [{WRITE.format('a')}]", ["a"]),
        (
            f"- if: debug\n  then: [{WRITE.format('a')}]\n"
            f"  else: [{WRITE.format('b')}]",
            ["b"],
        ),
        (
            f"- if: id > 1\n  then: [{WRITE.format('a')}]\n"
            f"  elif:\n    - if: debug\n      then: [{WRITE.format('b')}]\n"
            f"    - if: true\n      then: [{WRITE.format('c')}]\n"
            f"  else: [{WRITE.format('d')}]",
            ["a", "c"],
        ),
        (
            "- switch: mode\n  cases:\n"
            f"    slow: [{WRITE.format('a')}]\n    fast: [{WRITE.format('b')}]",
            ["b"],
        ),
        (
            f"- switch: mode\n  cases:\n    slow: [{WRITE.format('a')}]\n"
            f"  default: [{WRITE.format('c')}]",
            ["c"],
        ),
        (f"- when: debug\n  sql: {WRITE.format('a')[7:-2]}", []),
        (f"- loop: [{WRITE.format('a')}]\n  while: debug", []),
        ("- assert: not debug\n  message: never", []),
        (
            f"- try: [{{if: debug, then: [{WRITE.format('a')}]}}]\n"
            f"  catch: err\n  do: [{WRITE.format('b')}]",
            [],
        ),
        (
            f"- try: [{WRITE.format('a')}]\n"
            f"  finally: [{{if: debug, then: [{WRITE.format('b')}]}}]",
            ["a"],
        ),
    ],
)
def test_what_is_decided_is_gone(bench: Workbench, steps: str, left: list[str]) -> None:
    text = f"- let: {{debug: false, mode: \"'fast'\"}}\n{steps}"
    node = root(bench, text)
    assert written(node) == left
    assert len(of(node, If)) == (1 if "id > 1" in steps else 0)
    assert not of(node, Try)
    plain = plan_of(bench.ir(text), PERDURE, optimise=False).plan
    assert plain is not None
    assert sum(1 for _ in every(plain.root)) > sum(1 for _ in every(node))


def test_a_condition_that_always_holds_is_not_asked_each_round(
    bench: Workbench,
) -> None:
    (loop,) = of(
        root(
            bench, f"- loop:\n    - {WRITE.format('a')}\n    - sleep: 5s\n  while: true"
        ),
        Repeat,
    )
    assert isinstance(loop, Repeat)
    assert loop.while_ is None


def test_what_undoes_keeps_its_list(bench: Workbench) -> None:
    """An undo in a branch is not one of the list around the branch."""
    inner = f"""
- if: true
  then:
    - sql: insert into shop.audit (what) values ('b')
      undo: [{WRITE.format("u")}]
    - {WRITE.format("c")}
- {WRITE.format("d")}
"""
    plain = plan_of(bench.ir(inner), PERDURE, optimise=False).plan
    assert plain is not None
    node = root(bench, inner)
    assert written(node) == ["b", "c", "u", "d"]
    assert written(plain.root) == ["b", "c", "u", "d"]


def test_values_that_may_change_are_not_folded(bench: Workbench) -> None:
    text = f"""
- let: {{n: 1}}
- loop:
    - if: n = 1
      then: [{WRITE.format("a")}]
    - let: {{n: 2}}
    - sleep: 1s
  until: n = 2
"""
    assert len(of(root(bench, text), If)) == 1


# --- conditions -----------------------------------------------------------------


def nested(outer: str, inner: str) -> str:
    """Return steps with an `if` that is all that another one guards."""
    return f"""
{ORDER}
- if: {outer}
  then:
    - if: {inner}
      then: [{WRITE.format("a")}]
"""


def test_an_if_in_an_if_is_one_query(bench: Workbench) -> None:
    text = nested("order.total > 5", "order.id < 3")
    (found,) = of(root(bench, text), If)
    assert isinstance(found, If)
    assert found.origin.path == "steps[1]"
    assert found.condition.origin.path == "steps[1].then[0]"
    assert Code("\n  and ") in found.condition.query


@pytest.mark.parametrize(
    "inner",
    [
        "10 / order.id > 3",
        "cast(order.email as bigint) = 1",
        "random() > 0.5",
        "order.email like '%a'",
    ],
)
def test_what_may_fail_stays_behind_its_guard(bench: Workbench, inner: str) -> None:
    assert len(of(root(bench, nested("order.id <> 0", inner)), If)) == 2


def test_an_if_with_an_else_is_not_merged(bench: Workbench) -> None:
    text = nested("order.total > 5", "order.id < 3")
    text += f"      else: [{WRITE.format('b')}]"
    assert len(of(root(bench, text), If)) == 2


def test_many_cases_are_asked_by_halves(bench: Workbench) -> None:
    cases = "".join(f"    c{n}: [{WRITE.format(n)}]\n" for n in range(64))
    text = f"{ORDER}- switch: order.status\n  cases:\n{cases}"
    text += f"  default: [{WRITE.format('d')}]"
    node = root(bench, text)
    assert len(of(node, If)) == 64
    assert depth(node) < 14
    assert written(node) == [*map(str, range(64)), "d"]


def test_a_few_cases_stay_in_a_row(bench: Workbench) -> None:
    cases = "".join(f"    c{n}: [{WRITE.format(n)}]\n" for n in range(3))
    text = f"{ORDER}- switch: order.status\n  cases:\n{cases}"
    assert "condition" not in kinds(planned(bench, text))


def test_more_cases_than_a_graph_is_deep(bench: Workbench) -> None:
    cases = "".join(f"    c{n}: [{WRITE.format(n)}]\n" for n in range(400))
    text = f"{ORDER}- switch: order.status\n  cases:\n{cases}"
    assert planned(bench, text, PG_DURABLE).plan is not None


# --- shape ----------------------------------------------------------------------


def test_joins_and_races_are_flat(bench: Workbench) -> None:
    for word, kind in (("parallel", Join), ("race", Race)):
        inner = f"{{{word}: {{b: [{{sleep: 1s}}], c: [{{sleep: 2s}}]}}}}"
        (node,) = of(
            root(bench, f"- {word}:\n    a: [{inner}]\n    d: [sleep: 3s]"), kind
        )
        assert isinstance(node, (Join, Race))
        assert len(node.branches) == 3


def test_a_race_whose_winner_is_read_stays(bench: Workbench) -> None:
    text = """
- race:
    a:
      - name: first
        race: {b: [{sleep: 1s}], c: [{sleep: 2s}]}
      - assert: first.winner = 'b'
        message: no
    d: [{sleep: 3s}]
"""
    assert len(of(root(bench, text), Race)) == 2


def test_what_has_nothing_to_do_is_left_out(bench: Workbench) -> None:
    text = f"""
{ORDER}
- parallel:
    a: [{{let: {{x: 1}}}}]
    b: [{WRITE.format("b")}]
- if: order.id > 1
  then: [{{let: {{y: 1}}}}]
"""
    node = root(bench, text)
    assert (of(node, Join), of(node, If)) == ([], [])
    assert written(node) == ["b"]


def test_a_condition_that_may_fail_is_kept(bench: Workbench) -> None:
    text = f"{ORDER}- if: 1 / order.id > 1\n  then: [{{let: {{y: 1}}}}]"
    assert len(of(root(bench, text), If)) == 1


# --- captures -------------------------------------------------------------------


def test_rows_of_a_loop_keep_the_columns_that_are_read(bench: Workbench) -> None:
    text = """
- name: orders
  sql: select id, total, email, tags from shop.orders
- foreach: o in orders
  do:
    - sql: update shop.orders set status = 'x' where id = :o.id
"""
    found = planned(bench, text)
    assert (
        Rewrite(
            "steps[0]",
            "columns",
            "columns not kept, nothing reads them: total, email, tags",
        )
        in found.rewrites
    )
    assert found.plan is not None
    (loop,) = of(found.plan.root, Foreach)
    assert isinstance(loop, Foreach)
    assert "email" not in str(loop.items.query)


def test_rows_that_a_statement_reads_keep_all_columns(bench: Workbench) -> None:
    text = """
- name: orders
  sql: select id, total, email from shop.orders
- foreach: o in orders
  do:
    - sql: update shop.orders set status = 'x' where id = :o.id
- sql: insert into shop.audit (what) select email from :orders.*
"""
    assert "columns" not in kinds(planned(bench, text))


# --- the report -----------------------------------------------------------------


def test_the_report_counts_nodes_and_names_steps(bench: Workbench) -> None:
    text = f"""
- let: {{debug: false, limit: 10}}
{ORDER.strip()}
- if: debug
  then: [{WRITE.format("a")}]
- if: order.total > limit
  then: [{WRITE.format("b")}]
- name: unread
  sql: update shop.orders set status = 'x' returning id
"""
    report = report_of(bench.ir(text), PERDURE)
    assert [(each.path, each.why) for each in report.rewrites] == [
        ("steps[0]", "`let` inlined: no node"),
        ("steps[1]", "columns not kept, nothing reads them: id, status, email"),
        ("steps[2]", "the condition never holds: its steps are left out"),
        ("steps[4]", 'result "unread" not kept: nothing reads it'),
    ]
    assert (report.before, report.after) == (10, 7)


def test_paths_stand_in_the_order_of_the_file(bench: Workbench) -> None:
    steps = "\n".join(f"- let: {{v{n}: 1}}" for n in range(12))
    report = report_of(bench.ir(steps), PERDURE)
    assert [each.path for each in report.rewrites] == [f"steps[{n}]" for n in range(12)]
