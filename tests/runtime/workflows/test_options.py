"""A workflow's own keys: what they do to runs that are started."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from textwrap import dedent

import psycopg
import pytest
from psycopg import sql

from perdure.plan.version import Previous, VersionSql
from tests.property.runs import START, Bench


def deploy(
    bench: Bench, text: str, version: int = 1, previous: Previous | None = None
) -> VersionSql:
    """Compile a workflow and install it as a version."""
    text = dedent(text)
    unit = bench.compile(text, text.split()[1])
    assert [each for each in unit.findings if each.severity == "error"] == []
    made = bench.compiler.sql(unit, version=version, previous=previous)
    bench.connection.execute(made.up.encode())
    return made


def before(made: VersionSql) -> Previous:
    return Previous(
        made.version, made.parameters, made.description, made.role, made.scheduled
    )


def labels(bench: Bench, pattern: str) -> list[tuple[str, str]]:
    return [
        (row[0], row[1])
        for row in bench.connection.execute(
            "select label, status from df.instances where label like %s"
            " order by created_at, id",
            [pattern],
        )
    ]


def at(bench: Bench, hours: float) -> None:
    """Set the test clock and do what is due."""
    time = START + timedelta(hours=hours)
    bench.connection.execute("select df.set_time(%s)", [time])
    bench.work()


def text(value: str) -> sql.Composable:
    return sql.Literal(value)


NIGHTLY = """\
workflow: {name}
schedule: 0 3 * * *
timezone: Europe/Berlin
overlap: {overlap}
steps:
  - sleep: 30h
  - sql: insert into shop.audit (what) values ('night')
"""


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("skip", ["completed", "running"]),
        ("allow", ["completed", "running", "running"]),
        ("queue", ["completed", "running", "pending"]),
    ],
)
def test_a_schedule_starts_runs(
    workbench: Bench, overlap: str, expected: list[str]
) -> None:
    name = f"nightly_{overlap}"
    at(workbench, 0)
    deploy(workbench, NIGHTLY.format(name=name, overlap=overlap))
    runs = f"{name}@1"
    try:
        at(workbench, 1.9)
        assert labels(workbench, runs) == []
        at(workbench, 2.1)  # three o'clock in Berlin
        assert labels(workbench, runs) == [(runs, "running")]
        for hour in (26.1, 33, 50.1):
            at(workbench, hour)
        assert [status for _, status in labels(workbench, runs)] == expected
    finally:
        workbench.connection.execute("select perdure.stop_schedule(%s)", [name])
        at(workbench, 0)
    assert labels(workbench, f"{name}@1 schedule") == [
        (f"{name}@1 schedule", "cancelled")
    ]


def test_a_new_version_replaces_the_supervisor_and_the_way_back_too(
    workbench: Bench,
) -> None:
    at(workbench, 0)
    source = NIGHTLY.format(name="replaced", overlap="allow")
    first = deploy(workbench, source)
    later = source.replace("0 3", "0 4")
    second = deploy(workbench, later, 2, before(first))
    assert labels(workbench, "replaced%") == [
        ("replaced@1 schedule", "cancelled"),
        ("replaced@2 schedule", "pending"),
    ]
    workbench.connection.execute(second.down.encode())
    statuses = dict(labels(workbench, "replaced@2%"))
    assert statuses == {"replaced@2 schedule": "cancelled"}
    assert ("replaced@1 schedule", "pending") in labels(workbench, "replaced@1%")
    workbench.connection.execute(first.down.encode())
    assert "pending" not in [status for _, status in labels(workbench, "replaced%")]


def test_a_schedule_outlives_runs_that_fail(workbench: Bench) -> None:
    at(workbench, 0)
    deploy(
        workbench,
        """\
        workflow: unlucky
        schedule: 0 * * * *
        steps:
          - fail: bad luck
        """,
    )
    for hour in (0.1, 1.1, 2.1, 3.1):
        at(workbench, hour)
    workbench.connection.execute("select perdure.stop_schedule('unlucky')")
    assert [status for _, status in labels(workbench, "unlucky@1")] == ["failed"] * 3


def test_equal_keys_give_one_run(workbench: Bench) -> None:
    deploy(
        workbench,
        """\
        workflow: keyed
        input: {name: "text?"}
        idempotency_key: lower(name)
        steps:
          - sql: insert into shop.audit (what) values (coalesce(:name, 'nobody'))
        """,
    )
    one = workbench.start("keyed", {"name": text("It's")})
    assert workbench.start("keyed", {"name": text("IT'S")}) == one
    assert workbench.start("keyed", {"name": text("other")}) != one
    assert workbench.start("keyed", {}) != workbench.start("keyed", {})


@pytest.mark.parametrize(
    ("type_", "same", "other"),
    [
        ("numeric", ("1", "1.00"), "1.01"),
        ("timestamptz", ("2030-01-01 12:00+00", "2030-01-01 13:00+01"), "2030-01-01"),
        ("interval", ("1 day", "24 hours"), "25 hours"),
        ("date", ("2030-02-01", "1 Feb 2030"), "2030-01-02"),
    ],
)
def test_equal_values_are_one_key(
    workbench: Bench, type_: str, same: tuple[str, str], other: str
) -> None:
    """However they are written, and whatever the session makes of them as text."""
    name = f"keyed_by_{type_}"
    deploy(
        workbench,
        f"""\
        workflow: {name}
        input: {{at: {type_}}}
        idempotency_key: at
        steps:
          - sql: select 1
        """,
    )

    def start(value: str) -> str:
        return workbench.start(name, {"at": sql.SQL(type_) + sql.Literal(value)})

    one = start(same[0])
    workbench.connection.execute(
        "set timezone = 'Europe/Berlin'; set datestyle = 'SQL'"
    )
    try:
        assert start(same[1]) == one
        assert start(other) != one
    finally:
        workbench.connection.execute("reset timezone; reset datestyle")


def test_runs_of_a_key_follow_each_other(workbench: Bench) -> None:
    workbench.set_time(0)
    deploy(
        workbench,
        """\
        workflow: bounded
        input: {name: text?}
        concurrency: {limit: 1, key: name}
        steps:
          - sleep: 1m
        """,
    )
    runs = [workbench.start("bounded", {"name": text(name)}) for name in "aab"]
    runs += [workbench.start("bounded", {"name": text("null")})]
    free = [workbench.start("bounded", {"name": sql.NULL}) for _ in range(2)]
    workbench.work()
    found = [workbench.one("select df.status(%s)", [run])[0] for run in (*runs, *free)]
    assert found == ["running", "pending", "running", "running", "running", "running"]
    for minutes in (1.1, 2.2):
        at(workbench, minutes / 60)
    assert not any(map(workbench.active, runs))


def test_a_failure_is_handled_and_stays_one(workbench: Bench) -> None:
    deploy(
        workbench,
        """\
        workflow: handled
        timeout: 1h
        on_failure:
          - sql: insert into shop.audit (what) values (:err.sqlstate || :err.step)
        input: {late: boolean}
        steps:
          - name: division
            sql: select 1 / (case when :late then 1 else 0 end) as x
          - sleep: 2h
        """,
    )
    seen = workbench.run("handled", {"late": sql.SQL("false")})
    assert (seen.status, seen.sqlstate) == ("failed", "22012")
    assert [what for what, _ in seen.rows] == ["22012division"]
    seen = workbench.run("handled", {"late": sql.SQL("true")})
    assert (seen.status, seen.sqlstate) == ("failed", "PD031")
    assert [what[:5] for what, _ in seen.rows] == ["PD031"]


def test_a_failure_that_cannot_be_handled_stays_the_error(workbench: Bench) -> None:
    deploy(
        workbench,
        """\
        workflow: unhandled
        input: {how: text}
        on_failure:
          - sql: insert into shop.audit (what) values (:err.message)
          - when: how = 'sql'
            sql: select 1 / 0
          - when: how = 'fail'
            fail: another
          - when: how = 'again'
            fail:
          - sql: insert into shop.audit (what) values ('never')
        steps:
          - name: first
            fail: the first
        """,
    )
    for how, also in {
        "sql": "division by zero",
        "fail": "another",
        "again": "",
    }.items():
        seen = workbench.run("unhandled", {"how": text(how)})
        assert (seen.status, seen.error) == ("failed", "the first")
        assert seen.sqlstate == "PD011"
        assert [what for what, _ in seen.rows] == ["the first"]
        (detail,) = workbench.one(
            "select coalesce(detail, '') from df.nodes where error = 'the first'"
            " order by finished_at desc limit 1"
        )
        assert ("on_failure failed, too: " in detail) == (also != "")
        assert also in detail


def test_a_role_owns_the_runs_and_what_was_granted_stays(workbench: Bench) -> None:
    connection = workbench.connection
    connection.execute("create schema if not exists workflows")
    for role in ("clerk", "caller"):
        connection.execute(f"create role {role}".encode())
    connection.execute("grant create, usage on schema workflows to clerk")
    connection.execute("grant usage on schema workflows, shop to caller, clerk")
    connection.execute("grant insert on shop.audit to clerk")
    connection.execute("select df.grant_usage('clerk')")
    source = """\
        workflow: by_role
        role: clerk
        steps:
          - sql: insert into shop.audit (what) values (current_user::text)
        """
    first = deploy(workbench, source)
    connection.execute("set role caller")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        workbench.start("by_role", {})
    connection.execute("reset role")
    connection.execute("grant execute on function workflows.by_role() to caller")
    deploy(workbench, source.replace("::text", "::text || '2'"), 2, before(first))
    connection.execute("truncate shop.audit")
    connection.execute("set role caller")
    run = workbench.start("by_role", {})
    connection.execute("reset role")
    workbench.work()
    assert workbench.one("select status, error from df.instances where id = %s", [run])[
        :2
    ] == ("completed", None)
    assert workbench.one("select what from shop.audit")[0] == "clerk2"
    found = workbench.one(
        "select submitted_by::text from df.instances where id = %s", [run]
    )
    assert found == ("clerk",)


BY_ROLE = """\
workflow: granted
role: keeper
input: {what: text}
steps:
  - sql: insert into shop.audit (what) values (:what || current_user)
"""


def granted(bench: Bench) -> list[tuple[str, str]]:
    """Return who may execute which function, besides its owner."""
    return [
        (row[0], row[1])
        for row in bench.connection.execute(
            "select p.oid::regprocedure::text, case a.grantee when 0 then 'public'"
            " else pg_get_userbyid(a.grantee) end"
            " || case when a.is_grantable then '*' else '' end"
            " from pg_proc p, aclexplode(p.proacl) a"
            " where p.proname ~ '^granted' and a.grantee <> p.proowner order by 1, 2"
        )
    ]


@pytest.fixture
def roles(workbench: Bench) -> Iterator[None]:
    names = ("keeper", "other", "Front Desk", "second")
    workbench.connection.execute("create schema if not exists workflows")
    for name in names:
        role = sql.Identifier(name)
        workbench.connection.execute(
            sql.SQL(
                "create role {0}; grant create, usage on schema workflows to {0};"
                "grant insert on shop.audit to {0}; grant usage on schema shop to {0};"
                "select df.grant_usage({1})"
            ).format(role, sql.Literal(name))
        )
    yield
    workbench.connection.execute(
        "delete from perdure.workflow_versions where name = 'granted';"
        "do $$ declare f regprocedure; begin for f in select oid from pg_proc where"
        " proname ~ '^granted' loop execute 'drop function ' || f; end loop; end $$"
    )
    for name in names:
        workbench.connection.execute(
            sql.SQL("drop owned by {0} cascade; drop role {0}").format(
                sql.Identifier(name)
            )
        )


@pytest.mark.usefixtures("roles")
@pytest.mark.parametrize(
    ("declared", "call", "types"),
    [
        ("{what: text, more: bigint = 1}", "{'what': 'x'}", "text,bigint"),
        ("{text: text}", "{'text': 'x'}", "text"),
        ("{what: text = 'by '}", "{}", "text"),
    ],
)
def test_grants_stay_with_other_inputs(
    workbench: Bench, declared: str, call: str, types: str
) -> None:
    connection = workbench.connection
    first = deploy(workbench, BY_ROLE)
    connection.execute(
        'grant execute on function workflows.granted(text) to "Front Desk"'
        " with grant option"
    )
    connection.execute("grant execute on function workflows.granted(text) to second")
    on_first = [
        ("workflows.granted(text)", "Front Desk*"),
        ("workflows.granted(text)", "second"),
    ]
    assert granted(workbench) == on_first
    text = BY_ROLE.replace("{what: text}", declared)
    text = text.replace(":what", ":text") if "{text" in declared else text
    second = deploy(workbench, text, 2, before(first))
    assert granted(workbench) == [
        (f"workflows.{name}({types})", role)
        for name in ("granted", "granted_v2")
        for role in ("Front Desk*", "second")
    ]
    connection.execute('set role "Front Desk"')
    run = workbench.start("granted", ast.literal_eval(call))
    connection.execute("reset role")
    workbench.work()
    found = workbench.one("select status from df.instances where id = %s", [run])
    assert found == ("completed",)
    connection.execute(
        f"revoke execute on function workflows.granted({types}) from second".encode()
    )
    connection.execute(second.down.encode())
    assert granted(workbench) == on_first[:1]


@pytest.mark.usefixtures("roles")
def test_who_may_act_as_one_role_may_not_act_as_another(workbench: Bench) -> None:
    """Everybody may call a workflow without a role, and not one that has got a role."""
    without = deploy(workbench, BY_ROLE.replace("role: keeper\n", ""))
    workbench.connection.execute(
        "grant execute on function workflows.granted(text) to second"
    )
    keeper = deploy(workbench, BY_ROLE, 2, before(without))
    old = [("workflows.granted_v1(text)", "public")]
    assert [each for each in granted(workbench) if each not in old] == []
    workbench.connection.execute(
        "grant execute on function workflows.granted(text) to second"
    )
    deploy(workbench, BY_ROLE.replace("keeper", "other"), 3, before(keeper))
    assert [each for each in granted(workbench) if each not in old] == []


def test_a_workflow_for_another_database_is_refused(workbench: Bench) -> None:
    source = """\
        workflow: elsewhere
        database: warehouse
        steps:
          - sql: insert into shop.audit (what) values ('here')
        """
    with pytest.raises(
        psycopg.Error, match='is for database "warehouse", this is bench'
    ):
        deploy(workbench, source)


def test_names_are_found_along_the_search_path(workbench: Bench) -> None:
    deploy(
        workbench,
        """\
        workflow: along
        search_path: [shop, public]
        steps:
          - name: row
            sql: insert into audit (what) values ('along') returning what
          - return: "${row.what}"
        """,
    )
    seen = workbench.run("along", {})
    assert seen.result["rows"] == [{"result": "along"}]
