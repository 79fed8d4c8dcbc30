"""What becomes of a plan on a target, and what is refused."""

from __future__ import annotations

import pytest

from perdure.plan.tree import (
    Continue,
    If,
    Join,
    Loop,
    Race,
    Repeat,
    Return,
    Seq,
    Signal,
)
from perdure.plan.walk import depth, every
from perdure.targets import Target, parse_target
from tests.unit.lower.workbench import PG_DURABLE, Workbench


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("perdure", "perdure"),
        ("pg_durable>=0.2.5", "pg_durable>=0.2.5"),
        (" pg_durable >= 0.2.9 ", "pg_durable>=0.2.9"),
    ],
)
def test_targets(text: str, expected: str) -> None:
    found = parse_target(text)
    assert isinstance(found, Target)
    assert str(found) == expected
    assert found.can("retry") is (expected == "perdure")


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("pgdurable", "unknown target"),
        ("pg_durable", "needs the oldest version"),
        ("pg_durable>=0.2.1", "too old"),
        ("perdure>=1", "takes no version"),
        ("", "unknown target"),
    ],
)
def test_wrong_targets(text: str, part: str) -> None:
    found = parse_target(text)
    assert isinstance(found, str)
    assert part in found


def test_long_chains_are_balanced(bench: Workbench) -> None:
    steps = "\n".join(f"- {{sql: 'select {n}'}}" for n in range(500))
    for target, arguments, deepest in (("perdure", 50, 3), (PG_DURABLE, 2, 10)):
        root = bench.plan(steps, target).root
        sizes = [len(node.nodes) for node in every(root) if isinstance(node, Seq)]
        assert max(sizes) <= arguments
        assert depth(root) <= deepest


def test_branches_are_nested_by_two(bench: Workbench) -> None:
    branches = ", ".join(f"b{n}: [{{sleep: {n}s}}]" for n in range(1, 6))
    for word, kind in (("parallel", Join), ("race", Race)):
        root = bench.plan(f"- {word}: {{{branches}}}", PG_DURABLE).root
        found = [node for node in every(root) if isinstance(node, kind)]
        assert {len(node.branches) for node in found} == {2}
        assert len(found) == 4


EVERYTHING = """
- name: n
  sql: select count(*) as n from shop.orders
- loop:
    - if: n.n = 1
      then: [continue]
    - if: n.n = 2
      then: [break]
    - if: n.n = 3
      then: [{return: 3}]
    - wait_for_signal: go
      timeout: 90s
    - sleep: interval '2 seconds' * n.n
  while: n.n < 9
  until: n.n = 5
  every: 5m
- return: done
"""


def test_nothing_native_is_left_for_the_extension(bench: Workbench) -> None:
    root = bench.plan(EVERYTHING, PG_DURABLE).root
    kinds = {type(node) for node in every(root)}
    assert not kinds & {Repeat, Continue, Return}
    assert all(node.otherwise for node in every(root) if isinstance(node, If))
    assert {n.timeout for n in every(root) if isinstance(n, Signal)} == {1, 60}
    assert not isinstance(root, Loop)


def test_the_plan_for_the_own_runtime_is_the_language(bench: Workbench) -> None:
    kinds = {type(node) for node in every(bench.plan(EVERYTHING).root)}
    assert {Repeat, Continue, Return} <= kinds
    assert Loop not in kinds


def test_a_return_out_of_an_if_needs_no_table(bench: Workbench) -> None:
    text = bench.sql(
        """
        - if: id = 1
          then: [{return: one}]
          elif: [{if: id = 2, then: [{return: two}]}]
        - sql: select 1
        - return: more
        """,
        target=PG_DURABLE,
    ).up
    assert "outcome" not in text
    assert text.count("select 1$sql$") == 1


@pytest.mark.parametrize(
    ("steps", "code"),
    [
        ("- loop:\n    - {do: [{sql: select 1}, break], retry: 3}", "WF601"),
        ("- sleep: 10ms", "WF602"),
        (
            "- {loop: [{sleep: 1s}, {if: id = 1, then: [break]}], every: 1500ms}",
            "WF602",
        ),
        (
            "- loop:\n    - {try: [break], finally: [{sql: select 1}]}\n",
            "WF620",
        ),
        (
            "- loop:\n    - race: {a: [continue], b: [{sleep: 1s}]}\n    - break",
            "WF603",
        ),
        (
            "- loop:\n    - parallel: {a: [{name: x, sql: select 1 as n}], "
            "b: [{sleep: 1s}]}\n    - if: x.n = 1\n      then: [break]",
            "WF604",
        ),
        (
            "- {name: rows, sql: select id as n from shop.orders}\n"
            "- foreach: row in rows\n  do:\n"
            "    - parallel: {a: [{name: x, sql: select :row.n as n}], "
            "b: [{sleep: 1s}]}\n    - sql: delete from shop.orders where id = :x.n",
            "WF604",
        ),
        (
            "- retry: 3\n  do:\n    - parallel: {a: [{name: x, sql: select 1 as n}], "
            "b: [{sleep: 1s}]}\n    - sql: delete from shop.orders where id = :x.n",
            "WF604",
        ),
    ],
)
def test_what_the_extension_cannot_do_is_refused(
    bench: Workbench, steps: str, code: str
) -> None:
    plan, found = bench.legalised(steps, PG_DURABLE)
    assert plan is None
    assert {each.code for each in found} == {code}
    assert all(each.help and each.span for each in found)
    assert bench.legalised(steps, "perdure")[1] == []


def test_the_last_branch_of_a_join_in_a_loop_may_be_read(bench: Workbench) -> None:
    steps = """
- loop:
    - parallel: {a: [{sleep: 1s}], b: [{name: x, sql: select 1 as n}]}
    - if: x.n = 1
      then: [break]
"""
    assert bench.legalised(steps, PG_DURABLE)[1] == []


def elif_chain(arms: int) -> str:
    listed = "".join(
        f"\n    - {{if: id = {n}, then: [{{return: {n}}}]}}" for n in range(arms)
    )
    return f"- if: id = -1\n  then: [{{return: -1}}]\n  elif:{listed}"


@pytest.mark.parametrize(
    ("target", "arms"),
    [("perdure", 230), (PG_DURABLE, 115), ("pg_durable>=0.2.6", 195)],
)
def test_limits(bench: Workbench, target: str, arms: int) -> None:
    """What is within the limits is emitted; it must not exhaust Python's stack."""
    assert bench.sql(elif_chain(arms), target=target).up
    assert [each.code for each in bench.legalised(elif_chain(2000), target)[1]] == [
        "WF607"
    ]


def test_too_many_nodes(bench: Workbench) -> None:
    steps = "\n".join("- {sql: select 1}" for _ in range(5100))
    assert [each.code for each in bench.legalised(steps, PG_DURABLE)[1]] == ["WF607"]
    assert bench.legalised(steps, "perdure")[1] == []


def test_depth_depends_on_the_version() -> None:
    depths = {}
    for version in ("0.2.5", "0.2.6", "0.3"):
        found = parse_target(f"pg_durable>={version}")
        assert isinstance(found, Target)
        depths[version] = found.max_depth
    assert depths == {"0.2.5": 120, "0.2.6": 200, "0.3": 200}


def test_a_computed_url_is_not_looked_at_before_it_is_sent(bench: Workbench) -> None:
    computed = "- http: GET https://example.com/${id}"
    assert "'$r1_request.url#{sys_instance_id}'" in bench.sql(
        computed, target=PG_DURABLE
    ).up.replace("\n", "")
    assert "#" not in bench.sql(computed).up.partition("df.http(")[2][:80]
    constant = bench.sql("- http: GET https://example.com/1", target=PG_DURABLE).up
    assert "'https://example.com/1'" in constant


def test_a_wait_looks_again_soon(bench: Workbench) -> None:
    text = bench.sql("- wait_for_signal: go", target=PG_DURABLE).up
    assert "interval '5 seconds' as settled" in text
    assert "df.wait_for_signal('go', 1)" in text
    assert "df.wait_for_signal('go', 60)" in text
