"""Each rule: what it finds, and what looks alike and is fine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.check.conftest import Check

COUNT = "{name: n, sql: select count(*) as left from shop.audit}"
WRITE = "{sql: insert into shop.audit (what) values ('x')}"
WAIT = "{name: s, wait_for_signal: s, payload: {ok: boolean}, timeout: 1m}"

SILENT = {
    "the example of the design": """
input:
  order_id: bigint
  threshold: numeric = 1000
steps:
  - name: order
    sql: select id, total, email from shop.orders where id = :order_id
    expect: one
  - if: order.total > threshold
    then:
      - name: approval
        wait_for_signal: approval
        payload: {approved: boolean, approver: text, note: text?}
        timeout: 1d
      - if: approval.timed_out or not approval.data.approved
        then:
          - sql: update shop.orders set status = 'rejected' where id = :order.id
          - return: {status: rejected}
  - parallel:
      reserve:
        - sql: update shop.stock set reserved = reserved + 1 where order_id = :order.id
      notify:
        - http: POST https://hooks.example.com/orders
          json: {text: "Order ${order.id} for ${order.email}"}
          retry: {max_attempts: 5, backoff: 1s}
  - sql: update shop.orders set status = 'approved' where id = :order.id
  - return: {status: approved}
""",
    "an input read in a template": "input: {n: bigint}\nsteps: [{fail: 'no ${n}'}]",
    "a service": f"steps: [{{loop: [{WRITE}], every: 1m}}]",
    "a service that waits": f"steps: [{{loop: [{WAIT}, {WRITE}]}}]",
    "a loop left by return": f"""
steps:
  - loop:
      - {COUNT}
      - {WRITE}
      - if: n.left = 0
        then: [{{return: 1}}]
""",
    "a loop of one round": f"""
steps:
  - loop:
      - {COUNT}
      - if: n.left = 0
        then: [break]
        else: [{{fail: some are left}}]
""",
    "polling with a pause": f"""
steps:
  - loop: [{COUNT}]
    until: n.left = 0
    every: 1s
""",
    "polling with a sleep": f"""
steps:
  - loop:
      - {COUNT}
      - sleep: 1s
    until: n.left = 0
""",
    "working until nothing is left": f"""
steps:
  - loop:
      - {WRITE}
      - {COUNT}
    until: n.left = 0
""",
    "counting": """
steps:
  - let: {n: 0}
  - loop: [{let: {n: n + 1}}]
    while: n < 10
""",
    "a condition on the clock": f"""
steps:
  - loop: [{WRITE}]
    while: now() < run.started_at + interval '1 minute'
""",
    "a race with a timer": """
steps:
  - race:
      a: [{wait_for_signal: s}]
      b: [{sleep: 1d}]
""",
    "where true": "steps: [{sql: delete from shop.stock where true}]",
    "a star that nobody keeps": "steps: [{sql: select * from shop.orders}]",
    "a count": f"steps: [{COUNT}]",
    "timed_out read first": f"""
steps:
  - {WAIT}
  - if: s.timed_out
    then: [{{return: none}}]
  - if: s.data.ok
    then: [{{return: ok}}]
""",
    "data tested itself": f"""
steps:
  - {WAIT}
  - if: s.data is not null
    then: [{{return: "${{s.data.ok}}"}}]
""",
    "timed_out read in one branch": f"""
steps:
  - {WAIT}
  - assert: not s.timed_out
  - parallel:
      a: [{{let: {{x: s.data.ok}}}}]
      b: [{{sleep: 1s}}]
""",
    "after a loop with a break": f"""
input: {{go: boolean}}
steps:
  - loop:
      - if: go
        then: [break]
      - {WRITE}
  - {WRITE}
""",
    "after a return that may be skipped": f"""
input: {{go: boolean}}
steps:
  - {{return: 1, when: go}}
  - {WRITE}
""",
    "a break in the loop of a finally": f"""
steps:
  - try: [{WRITE}]
    finally:
      - loop: [{WRITE}, break]
""",
    "a catch that fails": f"""
steps:
  - try: [{WRITE}]
    catch: err
    do: [fail]
""",
    "a transaction": f"""
steps:
  - transaction: [{WRITE}, {COUNT}, {{let: {{m: n.left + 1}}}}, {{assert: m > 0}}]
    retry: 3
    timeout: 5s
""",
    "a request at the end of a group": f"""
steps:
  - do: [{WRITE}, {{http: POST https://example.com}}]
    retry: 3
""",
    "an undo before other names": f"""
steps:
  - name: a
    sql: insert into shop.audit (what) values ('x') returning id
    undo: [{{sql: "delete from shop.audit where id = :a.id"}}]
  - {COUNT}
""",
    "a wait under a timeout": """
steps:
  - do: [{wait_for_signal: s}]
    timeout: 1d
""",
}

FOUND = {
    "unused input": (
        "input: {n: bigint, m: bigint}\nsteps: [{return: '${m}'}]",
        [("WF240", "n")],
    ),
    "nullable conditions": (
        """
input: {m: "boolean?"}
steps:
  - if: m
    then: [{sleep: 1s}]
    elif: [{if: not m, then: [{sleep: 1s}]}]
  - let: {k: m}
  - loop: [{let: {k: m}}]
    while: k
    until: k and m
    every: 1s
  - assert: m = true
""",
        [
            ("WF301", "m"),
            ("WF301", "not m"),
            ("WF301", "k"),
            ("WF301", "k and m"),
            ("WF301", "m = true"),
        ],
    ),
    "after return": (f"steps: [{{return: 1}}, {WRITE}, {WRITE}]", [("WF401", "sql")]),
    "after a service": (
        f"steps: [{{loop: [{WRITE}], every: 1m}}, {WRITE}]",
        [("WF401", "sql")],
    ),
    "after all arms": (
        f"""
input: {{go: boolean}}
steps:
  - if: go
    then: [{{return: 1}}]
    else: [{{fail: none}}]
  - {WRITE}
""",
        [("WF401", "sql")],
    ),
    "after a branch that returns": (
        f"steps: [{{parallel: {{a: [{{return: 1}}], b: [{WRITE}]}}}}, {WRITE}]",
        [("WF401", "sql")],
    ),
    "after a race that returns": (
        f"steps: [{{race: {{a: [{{return: 1}}], b: [{{fail: x}}]}}}}, {WRITE}]",
        [("WF401", "sql")],
    ),
    "after continue": (
        f"steps: [{{loop: [{WRITE}, continue, {WRITE}], every: 1m}}]",
        [("WF401", "sql")],
    ),
    "endless": (f"steps: [{{loop: [{WRITE}]}}, {WRITE}]", [("WF402", "loop")]),
    "endless in spite of an inner break": (
        f"steps: [{{loop: [{{loop: [{WRITE}, break]}}]}}]",
        [("WF402", "loop")],
    ),
    "while true": (
        f"steps: [{{loop: [{WRITE}], while: true}}]",
        [("WF402", "loop")],
    ),
    "spinning": (
        f"steps: [{{loop: [{COUNT}], until: n.left = 0}}]",
        [("WF403", "loop")],
    ),
    "spinning in one of its arms": (
        f"steps: [{{loop: [{COUNT}, {{if: n.left = 0, then: [continue]}}, break]}}]",
        [("WF403", "loop")],
    ),
    "fixed": (
        f"steps: [{COUNT}, {{loop: [{WRITE}], while: n.left > 0}}]",
        [("WF404", "n.left > 0")],
    ),
    "decided": (
        f"steps: [{{if: 1 > 2, then: [{WRITE}]}}]",
        [("WF405", "1 > 2")],
    ),
    "update of all": (
        "steps: [{sql: update shop.orders set status = 'x'}]",
        [("WF411", "update shop.orders set status = 'x'")],
    ),
    "star": (
        "steps: [{name: o, sql: select * from shop.customers}]",
        [("WF412", "select * from shop.customers")],
    ),
    "no timeout": ("steps: [{wait_for_signal: s}]", [("WF421", "wait_for_signal")]),
    "no timeout in either branch": (
        "steps: [{race: {a: [{wait_for_signal: s}], b: [{wait_for_signal: t}]}}]",
        [("WF421", "wait_for_signal"), ("WF421", "wait_for_signal")],
    ),
    "no timeout in a parallel": (
        "steps: [{parallel: {a: [{wait_for_signal: s}], b: [{sleep: 1s}]}}]",
        [("WF421", "wait_for_signal")],
    ),
    "unchecked": (
        f"steps: [{WAIT}, {{return: '${{s.data.ok}}'}}]",
        [("WF422", "s.data.ok")],
    ),
    "unchecked in SQL": (
        f"steps: [{WAIT}, {{sql: delete from shop.audit where :s.data.ok}}]",
        [("WF422", ":s.data.ok")],
    ),
    "checked on one path": (
        f"""
input: {{go: boolean}}
steps:
  - {WAIT}
  - if: go
    then: [{{assert: not s.timed_out}}]
  - return: ${{s.data.ok}}
""",
        [("WF422", "s.data.ok")],
    ),
    "waited again": (
        f"""
steps:
  - {WAIT}
  - assert: not s.timed_out
  - {WAIT}
  - return: ${{s.data.ok}}
""",
        [("WF422", "s.data.ok")],
    ),
    "unchecked at a break": (
        f"""
input: {{go: boolean}}
steps:
  - loop:
      - {WAIT}
      - if: go
        then: [break]
      - assert: not s.timed_out
  - return: ${{s.data.ok}}
""",
        [("WF422", "s.data.ok")],
    ),
    "never reached and so not unchecked": (
        f"""
steps:
  - {WAIT}
  - parallel:
      a: [{{return: 1}}]
      b: [{{sleep: 1s}}]
  - return: ${{s.data.ok}}
""",
        [("WF401", "return")],
    ),
    "unchecked after a loop": (
        f"""
input: {{go: boolean}}
steps:
  - loop:
      - {WAIT}
      - if: go
        then: [break]
  - return: ${{s.data.ok}}
""",
        [("WF422", "s.data.ok")],
    ),
    "a wait in a catch": (
        f"steps: [{{try: [{WRITE}], catch: e, do: [{{wait_for_signal: s}}, fail]}}]",
        [("WF421", "wait_for_signal")],
    ),
    "an unchecked wait in an item": (
        f"""
steps:
  - name: rows
    sql: select id from shop.orders
  - foreach: r in rows
    do:
      - {WAIT}
      - {{sql: "select :s.data.ok, :r.id"}}
""",
        [("WF422", ":s.data.ok")],
    ),
    "leaving a finally": (
        f"steps: [{{try: [{WRITE}], finally: [{{return: 1}}]}}]",
        [("WF440", "return")],
    ),
    "a wait in a transaction": (
        f"steps: [{{transaction: [{WRITE}, {{sleep: 1s}}]}}]",
        [("WF441", "sleep")],
    ),
    "a statement that stands alone": (
        f"steps: [{{transaction: [{WRITE}, {{sql: vacuum shop.audit}}]}}]",
        [("WF441", "sql")],
    ),
    "a forgotten error": (
        f"steps: [{{try: [{WRITE}], catch: e, do: [{WRITE}]}}]",
        [("WF442", "try")],
    ),
    "a request in a retried group": (
        f"""
steps:
  - do: [{{http: POST https://example.com}}, {WRITE}]
    retry: 3
""",
        [("WF443", "http")],
    ),
    "an undo of a name bound again": (
        """
steps:
  - name: a
    sql: insert into shop.audit (what) values ('x') returning id
    undo: [{sql: "delete from shop.audit where id = :a.id"}]
  - if: a.id > 5
    then:
      - {name: a, sql: "select :a.id + 1 as id"}
""",
        [("WF444", ":a.id")],
    ),
    "an unread collect": (
        """
steps:
  - {name: rows, sql: select id from shop.orders}
  - foreach: r in rows
    do: [{sleep: 1s}]
    collect: {id: "${r.id}"}
""",
        [("WF445", "foreach")],
    ),
    "a request of no HTTP": (
        "steps: [{http: GET ftp://example.com/orders.csv}]",
        [("WF431", "http")],
    ),
    "a command whose effects happen once": (
        "steps: [{sql: vacuum shop.audit, effects: once}]",
        [("WF447", "sql")],
    ),
    "an undo that never runs": (
        f"""
steps:
  - sql: insert into shop.audit (what) values ('x')
    undo: [{WRITE}]
""",
        [("WF446", "sql")],
    ),
}


@pytest.mark.parametrize("body", SILENT.values(), ids=SILENT)
def test_fine(checked: Check, body: str) -> None:
    assert checked(body) == []


@pytest.mark.parametrize(("body", "expected"), FOUND.values(), ids=FOUND)
def test_found(checked: Check, body: str, expected: list[tuple[str, str]]) -> None:
    assert checked(body) == expected


def test_every_rule_has_a_case() -> None:
    from perdure.check import RULES

    found = {code for _, findings in FOUND.values() for code, _ in findings}
    assert len(found) == len(RULES)
