"""Each construct of the language as plan nodes."""

from __future__ import annotations

from typing import Any

import pytest

from perdure.plan.tree import (
    Http,
    If,
    Join,
    Race,
    Repeat,
    Retry,
    Return,
    Seq,
    Signal,
    Sleep,
    Sql,
)
from perdure.plan.walk import every
from tests.unit.lower.test_statements import text, texts
from tests.unit.lower.workbench import Workbench

COUNT = "- {name: n, sql: select count(*) as n from shop.orders}\n"


def only(plan: Any, kind: type[Any]) -> Any:
    (found,) = [node for node in every(plan.root) if isinstance(node, kind)]
    return found


def result(bench: Workbench, value: str) -> str:
    """Return the SQL that gives the value of a `return`."""
    return texts(bench.plan(f"{COUNT}- return: {value}"), "return")[0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("done", "to_jsonb(('done')::text)"),
        ("'3'", "to_jsonb(('3')::text)"),
        ("3", "to_jsonb(3)"),
        ("1e400", "'1e400'::jsonb"),
        ("null", "'null'::jsonb"),
        ("{}", "jsonb_build_object()"),
        ("'${n.n}'", "to_jsonb(($r1_n.n)::bigint)"),
        ("'a${n.n}'", "to_jsonb(('a' || (($r1_n.n)::bigint)::text)::text)"),
        (
            "{a: ['${n.n}', true, null, x], b: {}}",
            "jsonb_build_object('a', jsonb_build_array(($r1_n.n)::bigint, true, null, "
            "'x'), 'b', jsonb_build_object())",
        ),
    ],
)
def test_json_is_built_by_postgresql(
    bench: Workbench, value: str, expected: str
) -> None:
    assert result(bench, value) == f"select {expected} as result"


def test_a_long_object_is_put_together_from_several_calls(bench: Workbench) -> None:
    members = ", ".join(f"k{number}: {number}" for number in range(90))
    assert result(bench, f"{{{members}}}").count("jsonb_build_object(") == 3


def test_a_workflow_without_return_ends_with_null(bench: Workbench) -> None:
    plan = bench.plan("- sleep: 1s")
    assert isinstance(plan.root, Seq)
    assert text(plan.root.nodes[-1]) == "select null::jsonb as result"


def test_what_cannot_be_reached_is_left_out(bench: Workbench) -> None:
    plan = bench.plan("- return: 1\n- sleep: 1s")
    assert isinstance(plan.root, Sql)


def test_conditions_are_never_null_and_arms_nest(bench: Workbench) -> None:
    plan = bench.plan(
        COUNT
        + """
- if: n.n > 1
  then: [{return: 1}]
  elif: [{if: n.n = 1, then: [{sleep: 1s}]}]
  else: [{sleep: 2s}]
"""
    )
    outer, inner = (node for node in every(plan.root) if isinstance(node, If))
    assert outer.otherwise is inner
    assert isinstance(outer.then, Return)
    assert text(outer.condition) == (
        "select coalesce((($r1_n.n)::bigint > 1)::boolean, false) as ok"
    )


def test_an_immutable_let_stands_where_it_is_read(bench: Workbench) -> None:
    plan = bench.plan(
        f"{COUNT}- let: {{big: n.n > 1}}\n- if: big\n  then: [{{sleep: 1s}}]"
    )
    assert texts(plan, "value") == []
    assert texts(plan, "condition") == [
        "select coalesce(((($r1_n.n)::bigint > 1))::boolean, false) as ok"
    ]


@pytest.mark.parametrize(
    ("steps", "nodes"),
    [
        ("- let: {r: random()}\n- if: r > 0.5\n  then: [{sleep: 1s}]", 1),
        ("- let: {r: 1}\n- let: {r: 2}\n- if: r > 1\n  then: [{sleep: 1s}]", 2),
        ("- let: {r: 1}", 0),
        ("- let: {r: random()}", 1),
    ],
)
def test_other_lets_are_queries(bench: Workbench, steps: str, nodes: int) -> None:
    assert len(texts(bench.plan(steps), "value")) == nodes


def test_a_long_chain_of_lets_does_not_grow_exponentially(bench: Workbench) -> None:
    lets = "- let: {v0: id + id}\n" + "".join(
        f"- let: {{v{n}: v{n - 1} + v{n - 1}}}\n" for n in range(1, 30)
    )
    plan = bench.plan(f"{lets}- return: '${{v29}}'")
    assert max(len(text(n)) for n in every(plan.root) if isinstance(n, Sql)) < 2000


def test_names_of_a_race_are_read_from_its_result(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - name: outcome
          race:
            paid:
              - name: payment
                wait_for_signal: paid
                payload: {amount: numeric}
                timeout: 1h
              - {name: row, sql: select 1.5 as x}
            expired:
              - sleep: 1d
        - return:
            winner: ${outcome.winner}
            amount: ${payment.data.amount}
            x: ${row.x}
        """
    )
    race = only(plan, Race)
    assert race.result == "r1_outcome"
    assert texts(plan, "winner") == [
        "select 'paid'::text as winner, ($r2_payment)::text as payment_whole, "
        "(($r3_row.x?)::numeric)::text as row_x",
        "select 'expired'::text as winner, null::text as payment_whole, "
        "null::text as row_x",
    ]
    assert (
        "(($r1_outcome.payment_whole?)::jsonb -> 'data' ->> 'amount')::numeric"
        in (texts(plan, "return")[0])
    )


def test_a_race_that_nobody_reads_has_no_winner(bench: Workbench) -> None:
    plan = bench.plan("- race: {a: [{sleep: 1s}], b: [{sleep: 2s}]}")
    assert only(plan, Race).result is None
    assert texts(plan, "winner") == []


def test_branches_of_a_parallel(bench: Workbench) -> None:
    plan = bench.plan("- parallel: {a: [{sleep: 1s}], b: [{sleep: 2s}]}")
    assert [type(node) for node in only(plan, Join).branches] == [Sleep, Sleep]


def test_a_loop(bench: Workbench) -> None:
    plan = bench.plan(
        COUNT + "- loop: [{sleep: 1s}, continue]\n  until: n.n > 1\n  every: 5m"
    )
    loop = only(plan, Repeat)
    assert (loop.while_, loop.every) == (None, 300_000)
    assert text(loop.until).startswith("select coalesce(")


def test_a_constant_request_is_one_node(bench: Workbench) -> None:
    plan = bench.plan(
        "- http: POST https://example.com/a\n  json: {a: [1, x, null], b: true}"
    )
    http = only(plan, Http)
    assert texts(plan, "request") == []
    assert http.body[0].value == '{"a": [1, "x", null], "b": true}'
    assert http.headers[0][0] == "content-type"


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (
            "- http: GET https://example.com/o/${id}?q=${n.n}",
            "select 'https://example.com/o/' || perdure.url_encode((($input.id)::bigint"
            ")::text) || '?q=' || perdure.url_encode((($r1_n.n)::bigint)::text) as url",
        ),
        (
            "- http: GET ${base}/orders",
            "select ($input.base)::text || '/orders' as url",
        ),
        (
            "- http: POST https://example.com\n  body: 'costs $price in {currency}'",
            r"select E'costs \x24price in \x7bcurrency}' as body",
        ),
        (
            "- http: POST https://example.com\n  headers: {X-Id: '${id}'}\n"
            "  json: {a: '${n.n}'}",
            "select (($input.id)::bigint)::text as header_1, "
            "(jsonb_build_object('a', ($r1_n.n)::bigint))::text as body",
        ),
    ],
)
def test_what_is_computed_of_a_request_is_one_query(
    bench: Workbench, step: str, expected: str
) -> None:
    plan = bench.plan(COUNT + step, inputs="id: bigint\nbase: text = 'http://x'")
    assert texts(plan, "request") == [expected]


def test_an_answer_is_read_from_its_envelope(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - {name: r, http: GET https://example.com}
        - return: {s: "${r.status}", j: "${r.json->>'a'}"}
        """
    )
    (value,) = texts(plan, "return")
    assert "(($r1_r)::jsonb ->> 'status')::integer" in value
    assert (
        "nullif(perdure.parse_json(($r1_r)::jsonb ->> 'body'), 'null') ->> 'a'" in value
    )


def test_retry_times_and_waits(bench: Workbench) -> None:
    plan = bench.plan(
        """
        - sql: select 1
          retry: {max_attempts: 4, backoff: 250ms}
        - sleep: interval '1 hour'
        - {wait_for_signal: go, timeout: 90s}
        """
    )
    retry = only(plan, Retry)
    assert (retry.max_attempts, retry.backoff) == (4, 250)
    assert text(only(plan, Sleep).duration) == (
        "select (cast('1 hour' as interval))::interval as duration"
    )
    assert only(plan, Signal).timeout == 90


def test_fail_and_assert(bench: Workbench) -> None:
    plan = bench.plan(
        COUNT + "- {assert: n.n > 1, message: 'n is ${n.n}'}\n- fail: no more"
    )
    assert texts(plan, "assert") == [
        "select perdure.assert(coalesce((($r1_n.n)::bigint > 1)::boolean, false), "
        "'n is ' || (($r1_n.n)::bigint)::text) as ok"
    ]
    assert texts(plan, "fail") == ["select perdure.fail('no more')"]


def test_a_case_that_is_to_do_nothing(bench: Workbench) -> None:
    nothing = "[{let: {nothing: true}}]"
    plan = bench.plan(
        f"- switch: id\n  cases: {{1: {nothing}, 2: [{{sleep: 1s}}]}}\n"
        f"  default: {nothing}\n"
        f"- if: id = 3\n  then: {nothing}\n"
    )
    first, second, last = (node for node in every(plan.root) if isinstance(node, If))
    assert first.otherwise is second
    assert isinstance(second.then, Sleep)
    idle = (first.then, second.otherwise, last.then)
    assert {text(node) for node in idle if node} == {"select 1 as nothing"}
