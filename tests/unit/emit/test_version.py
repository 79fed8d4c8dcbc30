"""Versions on a real database: up, down, and what their runs give."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from perdure.emit import Previous, VersionSql
from tests.unit.emit.deployed import Connection, deploy, finished, prepared, run
from tests.unit.lower.workbench import PG_DURABLE, Workbench

ECHO = "- return: {a: '${id}'}"


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with prepared(database, support=True) as connection:
        yield connection


def functions(connection: Connection) -> list[str]:
    rows = connection.execute(
        "select p.oid::regprocedure::text || ' ' || coalesce(d.description, '')"
        " from pg_proc as p left join pg_description as d on d.objoid = p.oid"
        " where p.pronamespace = 'workflows'::regnamespace order by 1"
    ).fetchall()
    return [row[0] for row in rows]


def previous(version: VersionSql) -> Previous:
    return Previous(version.version, version.parameters)


def test_a_version_comes_and_goes(bench: Workbench, connection: Connection) -> None:
    first = bench.sql(ECHO)
    deploy(connection, first)
    before = functions(connection)
    assert before == [
        "workflows.demo(bigint) Starts a run of demo, version 1",
        "workflows.demo_v1(bigint) demo, version 1",
    ]
    second = bench.sql(
        ECHO,
        inputs="id: bigint\nlimit: numeric = 5",
        version=2,
        previous=previous(first),
    )
    deploy(connection, second)
    assert functions(connection)[0].startswith("workflows.demo(bigint,numeric)")
    assert run(connection, second, 7)[1] == {"a": 7}
    registered = "select version, signature from perdure.workflow_versions order by 1"
    assert connection.execute(registered).fetchall() == [
        (1, "id bigint"),
        (2, 'id bigint, "limit" numeric default cast(5 as numeric)'),
    ]
    connection.execute(second.down.encode())
    assert functions(connection) == before
    assert len(connection.execute(registered).fetchall()) == 1
    connection.execute(first.down.encode())
    assert functions(connection) == []


def test_the_same_signature_keeps_the_grants(
    bench: Workbench, connection: Connection
) -> None:
    first = bench.sql(ECHO)
    deploy(connection, first)
    connection.execute("revoke all on function workflows.demo(bigint) from public")
    second = bench.sql("- return: 2", version=2, previous=previous(first))
    deploy(connection, second)
    grants = "select proacl is not null from pg_proc where proname = 'demo'"
    assert connection.execute(grants).fetchone() == (True,)
    assert run(connection, second, 1)[1] == 2


def test_a_version_is_never_replaced(bench: Workbench, connection: Connection) -> None:
    deploy(connection, bench.sql(ECHO))
    with pytest.raises(psycopg.errors.DuplicateFunction):
        deploy(connection, bench.sql("- return: 2"))


def test_an_input_that_may_not_be_null(
    bench: Workbench, connection: Connection
) -> None:
    deploy(connection, bench.sql(ECHO, inputs="id: bigint\nnote: text?"))
    with pytest.raises(psycopg.errors.NullValueNotAllowed, match="input id of demo"):
        connection.execute("select workflows.demo(null)")


def test_required_inputs_come_first(bench: Workbench) -> None:
    sql = bench.sql(ECHO, inputs="note: text = 'x'\nid: bigint")
    assert [each.split()[0] for each in sql.signature] == ["id", "note"]


def test_the_same_source_gives_the_same_bytes(bench: Workbench) -> None:
    assert bench.sql(ECHO).up == bench.sql(ECHO).up


def test_the_source_map_numbers_nodes_as_the_runtime_does(
    bench: Workbench, connection: Connection
) -> None:
    version = bench.sql(
        """
        - {name: o, sql: select id from shop.orders where id = :id}
        - parallel:
            a: [{sql: select 1}, {sql: select 4}]
            b:
              - {sql: select 2, retry: 3}
        - loop:
            - if: id > 0
              then: [break]
            - sql: select 3
          while: id > 0
          until: id = 3
          every: 1s
        - return: ${id}
        """
    )
    deploy(connection, version)
    run_id, _ = run(connection, version, 1)
    rows = connection.execute(
        "select id::int, node_type from df.nodes where instance_id = %s", (run_id,)
    ).fetchall()
    expected = {
        "workflow": "THEN",
        "sql": "SQL",
        "parallel": "JOIN",
        "branch": "THEN",
        "retry": "RETRY",
        "loop": "REPEAT",
        "body": "THEN",
        "if": "IF",
        "condition": "SQL",
        "while": "SQL",
        "until": "SQL",
        "break": "BREAK",
        "return": "SQL",
    }
    roles = {number: version.source_map[number - 1].role for number, _ in rows}
    assert {number: expected.get(roles[number], kind) for number, kind in rows} == dict(
        rows
    )
    assert "while" in roles.values()
    line = {each.path: each.line for each in version.source_map}
    assert (line["steps[0]"], line["steps[3]"]) == (5, 17)


HOSTILE = [
    "plain",
    "",
    'it\'s \\ "quoted"',
    "$order {sys_label} {a} $input.id $1 $$ ? --",
    "'); drop table shop.orders; --",
    "\x01\t\n é \N{GRINNING FACE}",
    "x" * 100_000,
]


@pytest.mark.parametrize("target", ["perdure", PG_DURABLE])
def test_no_input_is_read_as_code(
    bench: Workbench, connection: Connection, target: str
) -> None:
    version = bench.sql(
        "- {name: e, sql: 'select :note::text as note, :tags::text[] as tags'}\n"
        "- return: {a: '${note}', b: '${e.note}', c: '${e.tags}'}",
        inputs="note: text\ntags: text[]",
        target=target,
    )
    deploy(connection, version)
    for text in HOSTILE:
        result = run(connection, version, text, [text, "b"])[1]
        assert result == {"a": text, "b": text, "c": [text, "b"]}


EXACT: list[tuple[str, str]] = [
    ("bigint", "-9223372036854775808"),
    ("numeric", "12345678901234567890.1234567890123456789"),
    ("numeric", "NaN"),
    ("double precision", "0.1"),
    ("double precision", "-Infinity"),
    ("timestamp with time zone", "2026-03-29 01:30:00.123456+00"),
    ("timestamp without time zone", "0044-03-15 12:00:00 BC"),
    ("timestamp with time zone", "infinity"),
    ("date", "2026-02-28"),
    ("time", "23:59:59.999999"),
    ("interval", "1 mon -2 days 03:00:00.5"),
    ("bytea", "\\x00ff24"),
    ("uuid", "be043f72-031d-4e8b-823a-508f00970bd2"),
    ("boolean", "false"),
    ("jsonb", '{"a": [1.10, 12345678901234567890123]}'),
    ("json", "null"),
    ("text[]", '{"a,b",NULL,"\\"$x"}'),
    ("int4range", "[1,5)"),
    ("inet", "10.0.0.1/8"),
]


@pytest.mark.parametrize("target", ["perdure", PG_DURABLE])
def test_values_survive_exactly(
    bench: Workbench, connection: Connection, target: str
) -> None:
    """From the caller to a step, and from step to step, alone and in a row set."""
    inputs = "\n".join(f"v{n}: {kind}" for n, (kind, _) in enumerate(EXACT))
    listed = ", ".join(f":v{n} as c{n}" for n in range(len(EXACT)))
    again = ", ".join(f":one.c{n}::text as c{n}" for n in range(len(EXACT)))
    rows = ", ".join(f"r.c{n}::text as d{n}" for n in range(len(EXACT)))
    result = ", ".join(f"'${{t.c{n}}}', '${{t.d{n}}}'" for n in range(len(EXACT)))
    version = bench.sql(
        f"- name: one\n  sql: select {listed}\n"
        f"- name: many\n  sql: select {listed}\n"
        f"- name: t\n  sql: select {again}, {rows} from :many.* r\n  expect: one\n"
        f"- return: [{result}]",
        inputs=inputs,
        target=target,
    )
    deploy(connection, version)
    connection.execute("set timezone = 'UTC'")
    values: list[Any] = [text for _, text in EXACT]
    casts = ", ".join(f"%s::{kind}" for kind, _ in EXACT)
    start = f"select workflows.demo({casts})".encode()
    row = connection.execute(start, values).fetchone()
    assert row is not None
    found = finished(connection, str(row[0]))
    plain = ", ".join(f"(%s::{kind})::text" for kind, _ in EXACT)
    expected = connection.execute(f"select {plain}".encode(), values).fetchone()
    assert expected is not None
    assert list(zip(found[::2], found[1::2], strict=True)) == [
        (text, text) for text in expected
    ]
    assert Decimal(expected[1]) == Decimal(EXACT[1][1])
