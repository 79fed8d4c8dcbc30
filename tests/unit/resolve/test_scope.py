"""Which names have a value where: assignment on every path of every construct."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from perdure.catalog.model import Catalog
from perdure.resolve import resolve

if TYPE_CHECKING:
    from tests.unit.resolve.conftest import Resolve

ONE = "{name: x, sql: select 1 as a limit 1, expect: one}"

SILENT = {
    "in sequence": f"""
steps:
  - {ONE}
  - return: ${{x.a}}
""",
    "bound in all arms": f"""
input: {{go: boolean}}
steps:
  - if: go
    then: [{ONE}]
    else: [{ONE}]
  - return: ${{x.a}}
""",
    "the other arm ends": f"""
input: {{go: boolean}}
steps:
  - if: go
    then: [{ONE}]
    elif:
      - if: not go
        then: [{{return: 1}}]
    else: [{{fail: none}}]
  - return: ${{x.a}}
""",
    "before every break": f"""
input: {{go: boolean}}
steps:
  - loop:
      - {ONE}
      - if: go
        then: [break]
      - sleep: 1s
  - return: ${{x.a}}
""",
    "read by until": f"""
input: {{go: boolean}}
steps:
  - loop:
      - if: go
        then: [{ONE}, continue]
      - {ONE}
    until: x.a = 1
  - return: ${{x.a}}
""",
    "of all branches": f"""
steps:
  - parallel:
      p: [{ONE}]
      q: [{{let: {{y: 2}}}}]
  - return: ${{x.a + y}}
""",
    "the same name in arms of one branch": f"""
input: {{go: boolean}}
steps:
  - parallel:
      p:
        - if: go
          then: [{ONE}]
          else: [{ONE}]
      q: [{{sleep: 1s}}]
  - return: ${{x.a}}
""",
    "the same name in branches of a race": f"""
steps:
  - race:
      p: [{ONE}]
      q: [{ONE}]
  - return: ${{x.a}}
""",
    "again in a loop": """
steps:
  - let: {n: 0}
  - loop:
      - let: {n: n + 1}
    until: n > 3
  - return: ${n}
""",
    "a value without its modifier": """
steps:
  - name: o
    sql: select total from shop.orders limit 1
    expect: one
  - let: {sum: o.total}
  - let: {sum: sum + 1}
  - return: ${sum}
""",
    "the run": """
steps:
  - return: {id: "${run.id}", version: "${run.version}"}
""",
    "bound by the body and the handler": f"""
steps:
  - try: [{ONE}]
    catch: err
    do: [{ONE}]
  - return: ${{x.a}}
""",
    "bound by the body, the handler fails": f"""
steps:
  - try: [{ONE}]
    catch: err
    do: [fail]
  - return: ${{x.a}}
""",
    "bound by a finally": f"""
steps:
  - try: [{{sql: select 1}}]
    finally: [{ONE}]
  - return: ${{x.a}}
""",
    "bound before a try, and again in it": f"""
steps:
  - {ONE}
  - try: [{ONE}]
    catch: err
    do: [{{return: "${{x.a}}"}}]
  - return: ${{x.a}}
""",
    "errors of the same name in each other": """
steps:
  - try: [{sql: select 1}]
    catch: err
    do:
      - try: [{sql: select 1}]
        catch: err
        do: [{return: "${err.message}"}]
      - return: ${err.message}
""",
    "in every case": f"""
input: {{n: bigint}}
steps:
  - switch: n
    cases: {{1: [{ONE}], 2: [{{return: 2}}]}}
    default: [{ONE}]
  - return: ${{x.a}}
""",
    "in a transaction and a group": f"""
steps:
  - transaction: [{ONE}]
  - do: [{{let: {{y: x.a}}}}]
  - return: ${{y}}
""",
    "skipped, and not null where that is known": """
input: {n: bigint}
returns: {a: integer}
steps:
  - {when: n > 1, name: x, sql: select 1 as a limit 1, expect: one}
  - if: x.a is null
    then: [{return: {a: 0}}]
  - return: {a: "${x.a}"}
""",
    "bound before, and skipped": """
input: {n: bigint}
returns: {a: integer}
steps:
  - {name: x, sql: select 1 as a}
  - {when: n > 1, name: x, sql: select 2 as a}
  - return: {a: "${x.a}"}
""",
    "a row and what is collected": """
steps:
  - {name: rows, sql: select id from shop.orders}
  - name: done
    foreach: r in rows
    do: [{name: x, sql: select :r.id as a}]
    collect: {a: "${x.a}"}
  - foreach: r in done
    do: [{name: x, sql: select :r.a as b}]
  - {name: x, sql: select 1 as other}
  - return: ${x.other}
""",
    "an undo reads its own step": """
steps:
  - name: x
    sql: insert into shop.audit (what) values ('a') returning id
    undo: [{sql: delete from shop.audit where id = :x.id}]
  - sql: select 1
""",
}

FOUND: dict[str, tuple[str, list[tuple[str, str]]]] = {
    "never bound": ("steps: [{return: '${y}'}]", [("WF201", "y")]),
    "bound later": (
        f"""
steps:
  - let: {{y: x.a}}
  - {ONE}
""",
        [("WF202", "x")],
    ),
    "bound in one arm": (
        f"""
input: {{go: boolean}}
steps:
  - if: go
    then: [{ONE}]
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "bound by the body of a try": (
        f"""
steps:
  - try: [{ONE}]
    catch: err
    do: [{{return: "${{x.a}}"}}]
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "bound by the handler": (
        f"""
steps:
  - try: [{{sql: select 1}}]
    catch: err
    do: [{ONE}]
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "nullable after the failure": (
        """
returns: {a: integer}
steps:
  - {name: x, sql: select 1 as a}
  - try: [{name: x, sql: "select nullif(1, 1) as a"}]
    catch: err
    do: [{return: {a: "${x.a}"}}]
  - return: {a: 1}
""",
        [("WF302", "${x.a}")],
    ),
    "the error after the catch": (
        """
steps:
  - try: [{sql: select 1}]
    catch: err
    do: [{sql: "select :err.message"}]
  - return: ${err.message}
""",
        [("WF201", "err")],
    ),
    "no default": (
        f"""
input: {{n: bigint}}
steps:
  - switch: n
    cases: {{1: [{ONE}]}}
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "perhaps skipped": (
        """
input: {n: bigint}
returns: {a: integer}
steps:
  - {when: n > 1, name: x, sql: select 1 as a}
  - return: {a: "${x.a}"}
""",
        [("WF302", "${x.a}")],
    ),
    "an item after its loop": (
        """
steps:
  - {name: rows, sql: select id from shop.orders}
  - foreach: r in rows
    do: [{name: x, sql: select :r.id as a}]
  - return: {r: "${r.id}", x: "${x.a}"}
""",
        [("WF201", "r"), ("WF202", "x")],
    ),
    "an undo reads a later step": (
        """
steps:
  - sql: insert into shop.audit (what) values ('a')
    undo: [{sql: delete from shop.audit where id = :x.a}]
  - {name: x, sql: select 1::bigint as a}
""",
        [("WF202", "x")],
    ),
    "bound in an arm of one arm": (
        f"""
input: {{go: boolean}}
steps:
  - if: go
    then: [{ONE}]
    else:
      - if: not go
        then: [{ONE}]
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "many rows in one branch of a race": (
        """
steps:
  - race:
      p: [{name: x, sql: select id from shop.orders}]
      q: [{name: x, sql: select id from shop.orders limit 1}]
  - return: ${x.id}
""",
        [("WF303", "x.id")],
    ),
    "after one of two breaks": (
        f"""
input: {{go: boolean}}
steps:
  - loop:
      - if: go
        then: [break]
      - {ONE}
      - break
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "in a loop that may not start": (
        f"""
input: {{go: boolean}}
steps:
  - loop: [{ONE}]
    while: go
    every: 1s
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "after a continue": (
        f"""
input: {{go: boolean}}
steps:
  - loop:
      - if: go
        then: [continue]
      - {ONE}
    until: x.a = 1
""",
        [("WF202", "x")],
    ),
    "in a branch that is left": (
        f"""
input: {{go: boolean}}
steps:
  - loop:
      - parallel:
          p:
            - {ONE}
            - break
          q: [{{sleep: 1s}}]
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "in an arm of a branch of a race": (
        f"""
input: {{go: boolean}}
steps:
  - race:
      p:
        - if: go
          then: [{ONE}]
      q: [{{sleep: 1s}}]
  - return: ${{x.a}}
""",
        [("WF202", "x")],
    ),
    "across branches": (
        f"""
steps:
  - parallel:
      p: [{ONE}]
      q: [{{return: "${{x.a}}"}}]
""",
        [("WF202", "x")],
    ),
    "another shape in the other arm": (
        f"""
input: {{go: boolean}}
steps:
  - if: go
    then: [{ONE}]
    else: [{{name: x, sql: select 1 as b}}]
""",
        [("WF209", "x")],
    ),
    "another shape in a race": (
        f"""
steps:
  - race:
      p: [{ONE}]
      q: [{{name: x, sql: select 1 as b}}]
""",
        [("WF209", "x")],
    ),
    "in two branches": (
        f"""
steps:
  - parallel:
      p: [{ONE}]
      q: [{ONE}]
""",
        [("WF211", "x")],
    ),
    "in a branch and outside": (
        f"""
steps:
  - {ONE}
  - race:
      p: [{ONE}]
      q: [{{sleep: 1s}}]
""",
        [("WF211", "x")],
    ),
    "an input": (
        "input: {x: integer}\nsteps: [{let: {x: x + 1}}]",
        [("WF210", "x")],
    ),
    "a wrong step is reported once": (
        """
steps:
  - {name: x, sql: selct 1}
  - let: {y: x.a + x.b}
  - if: y > x.c
    then:
      - sql: insert into shop.audit (what) values (:x.d)
  - return: "${y} ${x}"
""",
        [("WF511", "selct")],
    ),
    "no result": (
        "steps: [{name: p, sleep: 1s}, {return: '${p.x}'}]",
        [("WF206", "p")],
    ),
    "break outside": ("steps: [break]", [("WF230", "break")]),
}


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
def test_names_with_a_value(resolved: Resolve, body: str) -> None:
    assert resolved(body).found == []


@pytest.mark.parametrize(("body", "expected"), FOUND.values(), ids=FOUND)
def test_names_without_a_value(
    resolved: Resolve, body: str, expected: list[tuple[str, str]]
) -> None:
    result = resolved(body)
    assert result.found == expected
    assert result.ir is None


def test_names_that_could_not_be_read_are_not_reported(
    resolved: Resolve, catalog: Catalog
) -> None:
    known = resolved("steps: [{return: '${lost.id}'}]")
    assert known.found == [("WF201", "lost")]
    workflow = replace(known.syntax, unread=("lost",))
    assert resolve(workflow, catalog)[1] == []
