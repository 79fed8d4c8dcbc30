"""The same workflow in both lowerings gives the same.

The extension's lowering uses only the functions that the own runtime has, too, so it
runs there: what differs is the plan.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.unit.emit.deployed import Connection, deploy, prepared, run
from tests.unit.lower.workbench import PG_DURABLE, Workbench


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with prepared(database, support=True) as connection:
        yield connection


COUNT = "{name: n, sql: select count(*) as n from shop.audit}"
ADD = "{sql: \"insert into shop.audit (what) values ('x')\"}"

CASES: dict[str, tuple[str, object]] = {
    "early return": (
        """
        - if: id = 1
          then:
            - if: id > 0
              then: [{return: early}]
          else:
            - sql: select 1
        - return: late
        """,
        "early",
    ),
    "return from nested loops": (
        f"""
        - loop:
            - loop:
                - {ADD}
                - {COUNT}
                - if: n.n = 4
                  then: [{{return: "${{n.n}}"}}]
              until: n.n % 2 = 0
            - {ADD}
        - return: never
        """,
        4,
    ),
    "return from a branch": (
        f"""
        - parallel:
            a:
              - if: id = 1
                then: [{{return: branch}}]
            b: [{ADD}]
        - {ADD}
        - return: late
        """,
        "branch",
    ),
    "break and continue": (
        f"""
        - loop:
            - {ADD}
            - {COUNT}
            - if: n.n = 3
              then: [continue]
            - if: n.n > 3
              then: [break]
            - {ADD}
        - return: "${{n.n}}"
        """,
        4,
    ),
    "while": (
        f"""
        - {COUNT}
        - loop:
            - {ADD}
            - {COUNT}
          while: n.n < 2
        - return: "${{n.n}}"
        """,
        2,
    ),
    "until with continue": (
        f"""
        - loop:
            - {ADD}
            - {COUNT}
            - if: n.n < 9
              then: [continue]
            - fail: not reached
          until: n.n = 2
        - return: "${{n.n}}"
        """,
        2,
    ),
    "continue where both ways go on": (
        f"""
        - loop:
            - {ADD}
            - {COUNT}
            - if: n.n > 0
              then:
                - if: n.n = 2
                  then: [continue]
                - {ADD}
              else:
                - {ADD}
            - {ADD}
          until: n.n > 3
        - return: "${{n.n}}"
        """,
        4,
    ),
    "return from a branch of a race": (
        f"""
        - race:
            quick:
              - loop:
                  - {ADD}
                  - {COUNT}
                  - if: n.n = 2
                    then: [{{return: quick}}]
            slow: [{{sleep: 60s}}, {{return: slow}}]
        - return: late
        """,
        "quick",
    ),
    "return through finally": (
        f"""
        - try:
            - try:
                - {ADD}
                - {{fail: "it's $order"}}
              catch: err
              do: [{{return: "${{err.step}} ${{err.message}}"}}]
              finally: [{ADD}]
            - {{fail: not reached}}
          finally: [{{sql: delete from shop.audit}}]
        - return: late
        """,
        "steps[0].try[0].try[1] it's $order",
    ),
    "pace": (
        f"""
        - loop:
            - {ADD}
            - {COUNT}
          until: n.n = 2
          every: 1s
        - return: "${{n.n}}"
        """,
        2,
    ),
    "computed sleep": (
        "- sleep: interval '200 milliseconds'\n- return: awake",
        "awake",
    ),
    "signal": (
        """
        - name: first
          wait_for_signal: go
          payload: {amount: numeric, tags: "text[]"}
          timeout: 1h
        - name: second
          wait_for_signal: other
          timeout: 1s
        - return:
            - ${first.data.amount}
            - ${first.data.tags}
            - ${first.timed_out}
            - ${second.timed_out}
        """,
        [1.5, ["a", "b"], False, True],
    ),
    "race": (
        """
        - name: outcome
          race:
            quick: [{name: q, sql: select 12.50 as x}]
            slow: [{sleep: 20s}, {name: s, sql: select 1 as y}]
            slower: [{sleep: 30s}]
        - return: ["${outcome.winner}", "${q.x}", "${s.y}"]
        """,
        ["quick", 12.5, None],
    ),
    "results of a parallel": (
        """
        - parallel:
            a: [{name: x, sql: select 1 as n}]
            b: [{name: y, sql: select 2 as n}]
            c: [{name: z, sql: select 3 as n}]
        - return: ["${x.n}", "${y.n}", "${z.n}"]
        """,
        [1, 2, 3],
    ),
    "facts of the run": (
        "- return: ['${run.workflow}', '${run.version}', '${run.started_at <= now()}']",
        ["demo", 1, True],
    ),
}


@pytest.mark.parametrize("target", ["perdure", PG_DURABLE])
@pytest.mark.parametrize("case", CASES)
def test_both_lowerings_give_the_same(
    bench: Workbench, connection: Connection, case: str, target: str
) -> None:
    steps, expected = CASES[case]
    version = bench.sql(steps, target=target)
    deploy(connection, version)
    send = "df.signal" if target == "perdure" else "perdure.signal"
    signals = {"go": '{"amount": 1.5, "tags": ["a", "b"]}'} if "signal" in case else {}
    found = run(connection, version, 1, signals=signals, send=send)[1]
    assert found == expected


@pytest.mark.parametrize("target", ["perdure", PG_DURABLE])
@pytest.mark.parametrize(
    ("expect", "statement"),
    [
        ("one", "insert into shop.audit (what) select 'x' where :id > 1"),
        ("maybe", "insert into shop.audit (what) values ('x'), ('y')"),
    ],
)
def test_what_was_not_expected_is_rolled_back(
    bench: Workbench, connection: Connection, expect: str, statement: str, target: str
) -> None:
    version = bench.sql(
        f'- {{name: a, sql: "{statement} returning id", expect: {expect}}}\n'
        "- return: '${a.id}'",
        target=target,
    )
    deploy(connection, version)
    with pytest.raises(
        AssertionError,
        match={"one": "expected exactly one", "maybe": "expected one at most"}[expect],
    ):
        run(connection, version, 1)
    assert connection.execute("select count(*) from shop.audit").fetchone() == (0,)
