"""Which expressions can be null, and what conditions prove."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perdure.ir.tree import LetStep, SqlStep

if TYPE_CHECKING:
    from tests.unit.resolve.conftest import Resolve

INPUTS = (
    "input: {n: integer, m: 'integer?', t: text, o: 'text?', b: boolean, "
    "c: 'boolean?', j: jsonb}"
)

NULLABLE = [
    "m",
    "null::integer",
    "n + m",
    "-m",
    "m > 1",
    "not c",
    "b and c",
    "b or c",
    "c and m > 1",
    "t || o",
    "j -> 'a'",
    "j ->> 'a'",
    "n in (1, m)",
    "n between 1 and m",
    "case when b then n end",
    "case when b then m else n end",
    "case when c is not null then m else n end",
    "case n when 1 then m else n end",
    "coalesce(m, null)",
    "nullif(n, 1)",
    "lower(o)",
    "greatest(m, null)",
    "m is not null or m > 1",
    "m > 1 and m < 5",
    "array_length(string_to_array(t, ','), 1)",
    "cast(m as text)",
]
NOT_NULL = [
    "n",
    "1",
    "'x'",
    "n + 1",
    "m is null",
    "m is not null",
    "c is true",
    "m is distinct from n",
    "b and n > 1",
    "(m > 1 and o is not null) and (o = 'x' and m is not null)",
    "coalesce(m, n)",
    "coalesce(m, 0) + n",
    "concat(t, o)",
    "case when b then n else 0 end",
    "case when m is null then 0 else m end",
    "case when m is not null then m else 0 end",
    "case when m > 1 then m else 0 end",
    "n in (1, 2)",
    "n between 1 and 3",
    "lower(t)",
    "greatest(m, n)",
    "m is not null and m > 1",
    "m is null or m > 1",
    "not (m is null) and -m < 1",
    "jsonb_build_object('a', m)",
    "current_date",
    "extract(year from current_date)",
]


@pytest.mark.parametrize("expr", NULLABLE)
def test_can_be_null(resolved: Resolve, expr: str) -> None:
    assert _let(resolved, expr).value.nullable


@pytest.mark.parametrize("expr", NOT_NULL)
def test_cannot_be_null(resolved: Resolve, expr: str) -> None:
    assert not _let(resolved, expr).value.nullable


def test_a_long_row_of_conditions_is_read_at_once(resolved: Resolve) -> None:
    assert _let(resolved, " and ".join(["m = 1", *["n = 1"] * 60])).value.nullable


def _let(resolved: Resolve, expr: str) -> LetStep:
    result = resolved(f'{INPUTS}\nsteps:\n  - let: {{x: "{expr}"}}\n')
    (step,) = result.workflow.steps
    assert isinstance(step, LetStep)
    return step


OF_STATEMENTS = {
    "select :n as x": False,
    "select :n + 1 as x": False,
    "select lower(:t) || 'x' as x": False,
    "select cast(:n as text) as x": False,
    "select :n * x.a as x from (select :n + 1 as a) x": False,
    "select :m as x": True,
    "select :n + :m as x": True,
    "select case when :b then :n end as x": True,
    "select nullif(:n, 1) as x": True,
    "select :j ->> 'a' as x": True,
    "select o.n as x from shop.orders left join (select :n as n) o on false": True,
}


@pytest.mark.parametrize(("sql", "nullable"), OF_STATEMENTS.items())
def test_statements_know_which_inputs_are_null(
    resolved: Resolve, sql: str, nullable: bool
) -> None:
    result = resolved(f"{INPUTS}\nsteps:\n  - name: r\n    sql: |\n      {sql}\n")
    (step,) = result.workflow.steps
    assert isinstance(step, SqlStep)
    assert [field.nullable for field in step.columns] == [nullable]


# --- what conditions prove ------------------------------------------------------

RETURNS = "returns: integer\n"

PROVED = {
    "then": "[{if: m is not null, then: [{return: '${m}'}]}, {return: 0}]",
    "comparison": "[{if: m > 1, then: [{return: '${m}'}]}, {return: 0}]",
    "arithmetic": "[{if: m + 1 > 1, then: [{return: '${m}'}]}, {return: 0}]",
    "else": "[{if: m is null, then: [{return: 0}], else: [{return: '${m}'}]}]",
    "rest": "[{if: m is null or c, then: [{return: 0}]}, {return: '${m}'}]",
    "negation": "[{if: not (m is not null), then: [{return: 0}]}, {return: '${m}'}]",
    "assert": "[{assert: m is not null}, {return: '${m}'}]",
    "elif": "[{if: b, then: [{return: 0}], elif: [{if: m > 1,"
    " then: [{return: '${m}'}]}]}, {return: 0}]",
    "both arms": "[{if: b, then: [{assert: m > 1}], else: [{assert: m < 1}]},"
    " {return: '${m}'}]",
    "while": "[{loop: [{return: '${m}'}], while: m > 1}, {return: 0}]",
    "after a while": "[{loop: [{sleep: 1s}], while: m is null}, {return: '${m}'}]",
    "until": "[{loop: [{sleep: 1s}], until: m > 1}, {return: '${m}'}]",
    "a row is there": "[{name: r, sql: 'select id::integer as id, 1 as one"
    " from shop.orders where id = :n'}, {if: r.id > 0, then: [{return: '${r.one}'}]},"
    " {return: 0}]",
}
NOT_PROVED = {
    "after a while": "[{loop: [{sleep: 1s}], while: m > 1}, {return: '${m}'}]",
    "a row may be missing": "[{name: r, sql: 'select 1 as one from shop.orders"
    " where id = :n'}, {return: '${r.one}'}]",
    "nothing": "[{return: '${m}'}]",
    "or": "[{if: m is not null or b, then: [{return: '${m}'}]}, {return: 0}]",
    "not true is not false": "[{if: m > 1, then: [{return: 0}]}, {return: '${m}'}]",
    "after the arm": "[{if: m is not null, then: [{sleep: 1s}]}, {return: '${m}'}]",
    "bound again": "[{let: {x: m}}, {assert: x is not null}, {let: {x: m}},"
    " {return: '${x}'}]",
    "bound again in the loop": "[{let: {x: m}}, {assert: x is not null},"
    " {loop: [{if: b, then: [{return: '${x}'}]}, {let: {x: m}}]}]",
    "one arm": "[{if: b, then: [{assert: m > 1}]}, {return: '${m}'}]",
}


@pytest.mark.parametrize("steps", PROVED.values(), ids=PROVED)
def test_conditions_prove(resolved: Resolve, steps: str) -> None:
    assert resolved(f"{INPUTS}\n{RETURNS}steps: {steps}\n").found == []


@pytest.mark.parametrize("steps", NOT_PROVED.values(), ids=NOT_PROVED)
def test_conditions_do_not_prove(resolved: Resolve, steps: str) -> None:
    result = resolved(f"{INPUTS}\n{RETURNS}steps: {steps}\n")
    assert [code for code, _ in result.found] == ["WF302"]


RACE = """
returns: {amount: numeric, note: text?}
steps:
  - name: outcome
    race:
      paid: [{name: p, wait_for_signal: p, payload: {amount: numeric, note: text?}}]
      late: [{sleep: 1d}]
  - if: "CONDITION"
    then: [{return: {amount: "${p.data.amount}", note: "${p.data.note}"}}]
  - return: {amount: 0}
"""


@pytest.mark.parametrize(
    ("condition", "codes"),
    [
        ("outcome.winner = 'paid'", []),
        ("'paid' = outcome.winner and run.version > 1", []),
        ("outcome.winner = 'late'", ["WF302"]),
        ("outcome.winner <> 'late'", ["WF302"]),
        ("outcome.winner is not null", ["WF302"]),
    ],
)
def test_winner_proves_its_names(
    resolved: Resolve, condition: str, codes: list[str]
) -> None:
    result = resolved(RACE.replace("CONDITION", condition))
    assert [code for code, _ in result.found] == codes


def test_rounds_of_a_loop_weaken_the_head(resolved: Resolve) -> None:
    body = f"""
{INPUTS}
steps:
  - let: {{x: n, y: n}}
  - loop:
      - let: {{z: x}}
      - let: {{x: y}}
      - let: {{y: m}}
    until: b
  - return: ${{z}}
"""
    variables = {v.name: v.fields[0] for v in resolved(body).workflow.variables}
    assert variables["z"].nullable
    assert not variables["n"].nullable
