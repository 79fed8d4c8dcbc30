"""The IR as a whole: paths, variables, exports, defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perdure.check.walk import every_step
from perdure.dump import to_data
from perdure.ir import tree as ir
from perdure.ir.expr import Expression, Reference, Template
from perdure.ir.types import Scalar

if TYPE_CHECKING:
    from tests.unit.resolve.conftest import Resolve

EVERYTHING = """
input:
  id: bigint
  limit: numeric = 1000
  note: text?
steps:
  - name: order
    sql: select id, total from shop.orders where id = :id
    expect: one
    retry: 5
  - if: order.total > limit
    then:
      - let: {a: 1, b: a + 1}
    elif:
      - if: order.total > 1
        then: [{sleep: 5s}]
    else:
      - loop:
          - sleep: interval '1 second' * 2
          - continue
        every: 1m
        until: order.total = 0
  - name: outcome
    race:
      paid:
        - {name: payment, wait_for_signal: pay, timeout: 1h}
      late:
        - {name: payment, wait_for_signal: late, timeout: 1h}
  - parallel:
      p:
        - http: POST https://example.com/${order.id}
          headers: {x-note: "${note}"}
          json: {a: "${order.total}", b: [1, "x ${run.id}"], c: null}
          timeout: 5s
  - assert: payment.timed_out is not null
  - return: {who: "${outcome.winner}", data: "${payment.data}"}
"""


def test_paths(resolved: Resolve) -> None:
    steps = every_step(resolved(EVERYTHING).workflow.steps)
    assert [step.head.path for step in steps] == [
        "steps[0]",
        "steps[1]",
        "steps[1].then[0]",
        "steps[1].then[0]",
        "steps[1].elif[0].then[0]",
        "steps[1].else[0]",
        "steps[1].else[0].loop[0]",
        "steps[1].else[0].loop[1]",
        "steps[2]",
        "steps[2].race.paid[0]",
        "steps[2].race.late[0]",
        "steps[3]",
        "steps[3].parallel.p[0]",
        "steps[4]",
        "steps[5]",
    ]


def test_variables_and_exports(resolved: Resolve) -> None:
    workflow = resolved(EVERYTHING).workflow
    shown = [(v.id, v.kind, v.cardinality) for v in workflow.variables]
    assert shown == [
        ("id", "input", "one"),
        ("limit", "input", "one"),
        ("note", "input", "one"),
        ("order", "rows", "one"),
        ("a", "value", "one"),
        ("b", "value", "one"),
        ("payment", "signal", "one"),
        ("payment_2", "signal", "one"),
        ("outcome", "race", "one"),
        ("payment_3", "signal", "maybe"),
        ("run", "run", "one"),
    ]
    race = workflow.steps[2]
    assert isinstance(race, ir.RaceStep)
    assert race.exports == (
        ir.Export("payment_3", "payment", "paid"),
        ir.Export("payment_3", "payment_2", "late"),
    )


def test_every_reference_names_a_variable(resolved: Resolve) -> None:
    from perdure.check.walk import references

    workflow = resolved(EVERYTHING).workflow
    known = {variable.id for variable in workflow.variables}
    used = {r.variable for s in every_step(workflow.steps) for r in references(s)}
    assert used <= known
    assert used >= {"id", "order", "limit", "note", "run", "outcome", "payment_3"}


def test_defaults_are_filled(resolved: Resolve) -> None:
    workflow = resolved(EVERYTHING).workflow
    defaults = [
        each.default.parts if each.default else None for each in workflow.inputs
    ]
    assert defaults == [None, ("cast(1000 as numeric)",), ("cast(null as text)",)]
    order, http = (
        workflow.steps[0],
        next(
            step for step in every_step(workflow.steps) if isinstance(step, ir.HttpStep)
        ),
    )
    assert isinstance(order, ir.SqlStep)
    assert order.retry == ir.Retry(5, 1000, 2.0, None, True, None)
    assert http.timeout == 5000


def test_values_keep_their_type(resolved: Resolve) -> None:
    steps = every_step(resolved(EVERYTHING).workflow.steps)
    http = next(step for step in steps if isinstance(step, ir.HttpStep))
    data = to_data(http.json)
    kinds = {name: item["is"] for name, item in data["entries"]}
    assert kinds == {"a": "Expression", "b": "Listing", "c": "Constant"}
    assert [type(part) for part in http.url.parts] == [str, Expression]
    (_, header), *_ = http.headers
    assert isinstance(header, Template)


PRINTED = {
    "a+b*2": "(a + (b * 2))",
    "(a + b) * 2": "((a + b) * 2)",
    "not a = 1 and b is not null": "((not (a = 1)) and (b is not null))",
    "- a": "(-a)",
    "a::text || 'it''s'": "(cast(a as text) || 'it''s')",
    "a != b": "(a <> b)",
    "a not in (1,2)": "(a not in (1, 2))",
    "a not between 1 and b": "(a not between 1 and b)",
    "cast(a as numeric(10,2))": "cast(a as numeric(10,2))",
    "LOWER('A')": "lower('A')",
    "case a when 1 then 'x' else 'y' end": "(case a when 1 then 'x' else 'y' end)",
    "case when a = 1 then 2 end": "(case when (a = 1) then 2 end)",
    "a is not distinct from b": "(a is not distinct from b)",
    "current_date": "current_date",
    "interval '1 day' * a": "(cast('1 day' as interval) * a)",
    "timestamptz '2026-01-01'": "cast('2026-01-01' as timestamp with time zone)",
    "j -> 'x' ->> 'y'": "((j -> 'x') ->> 'y')",
    "'a' like 'b%' or true": "(('a' like 'b%') or true)",
}


@pytest.mark.parametrize(("written", "printed"), PRINTED.items(), ids=PRINTED)
def test_expressions_are_printed_canonically(
    resolved: Resolve, written: str, printed: str
) -> None:
    body = (
        "input: {a: integer, b: integer, j: jsonb}\n"
        f'steps:\n  - let: {{x: "{written}"}}\n'
    )
    (step,) = resolved(body).workflow.steps
    assert isinstance(step, ir.LetStep)
    text = "".join(
        part.variable if isinstance(part, Reference) else part
        for part in step.value.parts
    )
    assert text == printed


def test_types_are_canonical(resolved: Resolve) -> None:
    body = "input: {a: int, b: varchar(10), c: timestamptz, d: 'decimal(8,2)[]'}\n"
    inputs = resolved(f"{body}steps: [{{sleep: 1s}}]").workflow.inputs
    assert [each.type for each in inputs] == [
        Scalar("integer"),
        Scalar("character varying(10)"),
        Scalar("timestamp with time zone"),
        Scalar("numeric(8,2)[]"),
    ]
