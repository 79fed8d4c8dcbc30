"""What pg_durable does to text and results, and what compiled code does about it.

Each test is named after a trap of the extension, and runs a compiled plan on the model
of it (see `engine_model`), on a real PostgreSQL, with values that spring the trap.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.plan.tree import Node
from perdure.plan.walk import every
from tests.unit.emit.deployed import Connection, prepared
from tests.unit.lower.workbench import PG_DURABLE, Workbench
from tests.unit.targets.engine_model import Engine, Failed, is_true

ONCE = f"{PG_DURABLE}, effects once"
HOSTILE = [
    "it's ''quoted'' \"here\"",
    "$r1_a $r1_a.v $order $1 $$ ($1)[1]",
    "{sys_label} {sys_instance_id} {a} {",
    "-- /* */ ; drop table shop.audit; --",
    "\\ \\' E'\\x41' $sql$ $workflow$ $q$",
    "'); delete from shop.audit; select ('",
    "NULL",
    "off",
    "caf\u00e9 \U0001f600\n\t\x01",
    "",
]
VARIABLES = {"a": "'; drop table shop.audit; --", "sys": "x", "k": "1/0"}


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[Connection]:
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("drop database if exists traps with (force)")
        admin.execute("create database traps")
        with prepared(make_conninfo(postgres, dbname="traps"), support=True) as found:
            yield found
        admin.execute("drop database traps with (force)")


@pytest.fixture
def run(
    bench: Workbench, connection: Connection
) -> Callable[..., tuple[Any, list[str], Engine]]:
    """Return what runs steps on the model: their result, and the rows of shop.audit."""

    def execute(
        steps: str, value: str = "x", target: str = PG_DURABLE
    ) -> tuple[Any, list[str], Engine]:
        plan = bench.plan(steps, target, inputs="v: text\nn: integer = -3")
        connection.execute("truncate shop.audit")
        row = connection.execute(
            "select gen_random_uuid()::text, perdure.literal(%s)",
            [value],
        ).fetchone()
        assert row is not None
        inputs = {"v": row[1], "n": "'-3'"}
        engine = Engine(connection, row[0], inputs, VARIABLES)
        result = engine.run(plan.root, {})
        rows = connection.execute("select what from shop.audit order by id").fetchall()
        shown = result["rows"][0].get("result") if result and result["rows"] else None
        return shown, [each[0] for each in rows], engine

    return execute


Run = Callable[..., tuple[Any, list[str], Engine]]

KEPT = {
    "plain": """
- {name: a, sql: "select :v::text as v, :n::integer as n", expect: one}
- sql: insert into shop.audit (what) values (:a.v)
- return: {v: "${a.v}", n: "${a.n}"}
""",
    "try": """
- try:
    - {name: a, sql: "select :v::text as v, :n::integer as n", expect: one}
    - sql: insert into shop.audit (what) values (:a.v)
    - return: {v: "${a.v}", n: "${a.n}"}
  catch: err
  do: [{return: "${err.message}"}]
""",
    "error": """
- try:
    - fail: "${v}"
  catch: err
  do:
    - sql: insert into shop.audit (what) values (:err.message)
    - return: {v: "${err.message}", n: "${n}"}
""",
    "transaction": """
- transaction:
    - {name: a, sql: "select :v::text as v, :n::integer as n", expect: one}
    - {name: b, sql: "insert into shop.audit (what) values (:a.v) returning what"}
- return: {v: "${a.v}", n: "${a.n}"}
""",
    "foreach": """
- name: rows
  sql: select :v::text as v, :n - g + 1 as n from generate_series(1, 1) g
- name: done
  foreach: r in rows
  do:
    - sql: insert into shop.audit (what) values (:r.v)
  collect: {v: "${r.v}", n: "${r.n}"}
- {name: first, sql: "select t.v, t.n from :done.* t", expect: one}
- return: {v: "${first.v}", n: "${first.n}"}
""",
    "retry": """
- name: a
  sql: select :v::text as v, :n::integer as n
  expect: one
  retry: 3
- {sql: "insert into shop.audit (what) values (:a.v)", retry: 3}
- return: {v: "${a.v}", n: "${a.n}"}
""",
}


@pytest.mark.parametrize("target", [PG_DURABLE, ONCE])
@pytest.mark.parametrize("construct", KEPT)
def test_a_value_is_never_code(run: Run, construct: str, target: str) -> None:
    """2.1, 2.2: blind substitution, values with quotes, references and variables."""
    for value in HOSTILE:
        result, rows, _ = run(KEPT[construct], value, target)
        assert result == {"v": value, "n": -3}
        assert rows == [value]


def test_text_of_the_user_is_no_reference(run: Run) -> None:
    """2.1: `$name` and `{name}` in strings, in dollar quotes and in comments."""
    text = "'$r1_a {a} {sys_label}' || $x$ $order {k} $x$ /* $r1_a {a} */"
    plain = f'- {{name: a, sql: "select {text} as v", expect: one}}\n'
    expected = "$r1_a {a} {sys_label} $order {k} "
    assert run(plain + "- return: ${a.v}")[0] == expected
    inner = plain.replace("\n", "").replace("- {name", "- {name")
    caught = f"- try:\n    {inner}\n    - return: ${{a.v}}\n  catch: e\n  do: [fail]"
    assert run(caught)[0] == expected


def test_a_negative_number_does_not_begin_a_comment(run: Run) -> None:
    """2.1: numbers are spliced bare, `10-$a` would read `10--3`."""
    for wrap in ("{}", "try"):
        steps = [
            "{name: a, sql: 'select -3 as n', expect: one}",
            "{name: b, sql: 'select 10-:a.n as n, 2^:a.n::int2 as p', expect: one}",
            '{return: ["${b.n}", "${b.p}"]}',
        ]
        text = "\n".join(f"- {each}" for each in steps)
        if wrap == "try":
            body = "\n".join(f"    - {each}" for each in steps)
            text = f"- try:\n{body}\n  catch: e\n  do: [fail]"
        assert run(text)[0] == [13, 0.125]


def test_types_that_the_engine_cannot_decode_travel_as_text(run: Run) -> None:
    """2.3: other types fail the node after its statement has committed."""
    columns = "array[1, null] as l, interval '1 day' as i, '\\x00ff'::bytea as b"
    step = f'{{name: a, sql: "select {columns}, 1.10 as n", expect: one}}'
    back = 'return: ["${a.l}", "${a.i}", "${a.b}", "${a.n::text}"]'
    for text in (
        f"- {step}\n- {back}",
        f"- try:\n    - {step}\n    - {back}\n  catch: e\n  do: [fail]",
        f"- transaction:\n    - {step}\n- {back}",
    ):
        assert run(text.replace("\\x", "\\\\x"))[0] == [
            [1, None],
            "1 day",
            "\\x00ff",
            "1.10",
        ]


def test_a_condition_is_a_boolean(run: Run) -> None:
    """2.4: `'off'`, a date, and any object would be true."""
    assert is_true("off")
    assert is_true("2024-01-01")
    assert is_true({"a": False})
    for text, expected in (
        ("v::boolean", "no"),
        ("null::boolean", "no"),
        ("n < 0", "yes"),
    ):
        step = f"- if: {text}\n{{0}}  then: [{{{{return: yes}}}}]\n"
        step += "{0}  else: [{{return: no}}]"
        assert run(step.format(""), "off")[0] == expected
        caught = "- try:\n    " + step.format("    ") + "\n  catch: e\n  do: [fail]"
        assert run(caught, "off")[0] == expected


def test_every_statement_is_within_the_limits(bench: Workbench) -> None:
    """2.4: the depth of a graph; a long `try` needs no question between statements."""
    steps = "\n".join("    - {sql: select 1}" for _ in range(300))
    plan = bench.plan(f"- try:\n{steps}\n  catch: e\n  do: [fail]", PG_DURABLE)
    assert sum(1 for _ in every(plan.root)) < 650


def test_a_name_that_is_not_bound_fails(run: Run) -> None:
    """2.1: an unknown name stays in the text; so nothing reads one after a failure."""
    steps = """
- try:
    - {fail: early}
    - {name: a, sql: "select 1 as n", expect: one}
    - sleep: 1s
    - {name: b, sql: "select :a.n + 1 as n", expect: one}
    - if: b.n = 2
      then: [{sql: "insert into shop.audit (what) values ('never')"}]
  catch: err
  do: [{return: "${err.message}"}]
"""
    assert run(steps)[:2] == ("early", [])


@pytest.mark.parametrize(
    ("wait", "told"),
    [
        ("sleep_until: v::timestamptz", {"-infinity": "over", "0044-03-15 BC": "over"}),
        ("sleep_until: v::timestamptz", {"infinity": "22008"}),
        ("sleep: v::interval", {"-200000 years": "over", "-1 day": "over"}),
        ("sleep: v::interval", {"170000000 years": "22008"}),
    ],
)
def test_a_time_that_the_engine_cannot_decode_fails_its_step(
    run: Run, wait: str, told: dict[str, str]
) -> None:
    """2.3: a result with an infinite time, or one before Christ, fails the node."""
    tried = f"- {{try: [{{{wait}}}], catch: e, do: [{{return: '${{e.sqlstate}}'}}]}}\n"
    for value, found in told.items():
        assert run(tried + "- return: over", value)[0] == found
        if found == "over":
            assert run(f"- {wait}\n- return: over", value)[0] == "over"
            continue
        with pytest.raises(Failed, match=r"infinity|out of range"):
            run(f"- {wait}\n- return: over", value)


def test_a_step_that_is_repeated_has_one_effect(run: Run, bench: Workbench) -> None:
    """2.8: at least once, unless the target says `effects once`."""
    insert = "insert into shop.audit (what) values (:v) returning id"
    steps = f'- {{name: a, sql: "{insert}", expect: one}}\n- return: ${{a.id}}'
    for target, count in ((PG_DURABLE, 2), (ONCE, 1)):
        _, _, engine = run(steps, "it's", target)
        plan = bench.plan(steps, target, inputs="v: text\nn: integer = -3")
        again = Engine(engine.connection, engine.run_id, engine.inputs, VARIABLES)
        again.run(plan.root, {})
        rows = engine.connection.execute("select count(*) from shop.audit").fetchone()
        assert rows == (count,)


def test_a_failure_ends_the_run_where_nothing_handles_it(run: Run) -> None:
    for steps in (
        "- try: [{fail: it's}]\n  catch: e\n  do: [fail]",
        "- {sql: select 1}\n- {fail: it's}",
        "- {do: [{fail: it's}], retry: {max_attempts: 2, backoff: 1s, on: [PD011]}}",
        "- transaction: [{sql: select 1}, {assert: n > 0, message: it's}]",
    ):
        with pytest.raises(Failed, match="it's"):
            run(steps)


def test_the_extension_has_nothing_but_its_nodes(bench: Workbench) -> None:
    """What comes out is made of the twelve kinds that the extension has."""
    known = {"Sql", "Seq", "If", "Loop", "Break", "Join", "Race", "Sleep", "Signal"}
    for steps in KEPT.values():
        plan = bench.plan(steps, PG_DURABLE, inputs="v: text\nn: integer = -3")
        kinds: set[type[Node]] = {type(node) for node in every(plan.root)}
        assert {kind.__name__ for kind in kinds} <= known


def test_a_supervisor_hands_over_before_its_loop_is_ended(
    connection: Connection,
) -> None:
    """2.4: a loop has 100,000 rounds; ticks that start nothing are rounds, too."""
    start = "select df.start('select pg_sleep(0)')"
    tick = "select perdure.tick('a1b2c3d4', %s, true) is null"
    skipped = [connection.execute(tick, [start]).fetchone() for _ in range(3)]
    assert skipped == [(False,), (True,), (True,)]
    connection.execute(tick, ["select no_such_function()"])
    rounds = connection.execute("select count from perdure.ticks").fetchall()
    assert rounds == [(4,)]
    goes_on = "select perdure.goes_on('a1b2c3d4'), perdure.goes_on('none')"
    assert connection.execute(goes_on).fetchone() == (True, True)
    connection.execute("update perdure.ticks set count = 50000")
    assert connection.execute(goes_on).fetchone() == (False, True)


def test_a_supervisor_that_took_over_knows_the_last_run(connection: Connection) -> None:
    """`overlap: skip` holds when the tick before was another supervisor's."""
    label = f"nightly@{uuid.uuid4()} schedule"
    start = "select df.start('select pg_sleep(0)', %s)"
    first, second, other = (
        connection.execute(start, [each]).fetchone() for each in (label, label, "b")
    )
    run = "select df.start('select 1')"
    for supervisor, begins in ((first, True), (second, False), (other, True)):
        tick = "select perdure.tick(%s, %s, true) is not null"
        assert connection.execute(tick, [*(supervisor or ()), run]).fetchone() == (
            begins,
        )


@pytest.mark.parametrize(
    ("node", "query", "message", "state"),
    [
        ("HTTP", "", "HTTP GET http://h/a#1 returned 503: 500 so be it", "PD020"),
        ("HTTP", "", "HTTP connection failed: http://h:1/509 - refused", "PD021"),
        ("HTTP_MULTIPART", "", "HTTP timeout after 1s: http://h/500#1", "PD021"),
        ("SQL", "select perdure.time_out('1')", "timed out after 1", "PD031"),
        (
            "SQL",
            "select perdure.check_signal(",
            'signal "go": data is missing or null',
            "PD013",
        ),
        (
            "SQL",
            "select perdure.check_response(",
            'step "a": HTTP status 404, expected 2xx',
            "PD024",
        ),
        (
            "SQL",
            "select perdure.check_response(",
            'step "a": json.n is missing or null',
            "PD025",
        ),
        ("SQL", "select 1 / 0", "division by zero", None),
    ],
)
def test_a_message_tells_what_compiled_code_has_raised(
    connection: Connection, node: str, query: str, message: str, state: str | None
) -> None:
    """2.4: the extension keeps the message of a failure, and nothing else."""
    asked = "select perdure.state_of_node(%s, %s, %s)"
    assert connection.execute(asked, [node, query, message]).fetchone() == (state,)
