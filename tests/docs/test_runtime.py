"""The page for who operates the runtime: its SQL is run, its tables are complete."""

from __future__ import annotations

import ast
import re
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import WORKER_APPLICATION, Database, connect
from perdure.engine.install import install
from perdure.engine.metrics import Database as Observed
from perdure.engine.metrics import Metrics
from perdure.engine.statements import statements
from perdure.engine.worker_meter import Meter
from tests.docs.markdown import ROOT, blocks
from tests.runtime.engine.db import Db
from tests.runtime.worker.processes import wait_until

PAGE = ROOT / "docs" / "runtime.md"
ENGINE = ROOT / "compiler" / "perdure" / "engine"
ROLES = ("runtime_owner", "app", "dashboard")
EVENT = re.compile(
    r"(worker|connection|runtime|http|statements?|watch|retention|metrics)\.[a-z_]+"
)
# As much of pg_cron as is needed to see what it would be told.
CRON = """
create schema cron;
create table cron.job (name text, schedule text, command text);
create function cron.schedule(name text, schedule text, command text) returns bigint
language sql
as 'insert into cron.job values (name, schedule, command) returning 1::bigint'
"""


def section(name: str) -> str:
    text = PAGE.read_text()
    found = re.search(rf"^(#+) {re.escape(name)}\n(.*?)(?=^##? |\Z)", text, re.M | re.S)
    assert found is not None, name
    return found[2]


def queries(text: str) -> list[str]:
    return [
        statement.strip()
        for block in blocks(text)
        if block.language == "sql"
        for statement in statements(block.text)
    ]


def table(text: str, head: str) -> list[list[str]]:
    """Return the rows of the table whose first heading it is, without marks."""
    lines = text.splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(f"| {head} |"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows


def names(cells: list[str]) -> set[str]:
    return {name for cell in cells for name in re.findall(r"`(\w+)[^`]*`", cell)}


@pytest.fixture
def db(make_database: Callable[[], str]) -> Iterator[Db]:
    url = make_database()
    install(Database(url, "the test"))
    with connect(url, autocommit=True) as connection:
        connection.execute(CRON)
        connection.execute("create table log (what text)")
        yield Db(url, connection)


@pytest.fixture
def renamed(db: Db, postgres: str) -> Iterator[Callable[[str], str]]:
    """Give a function that puts roles and the database of this test into SQL."""
    others = {name: f"{name}_{uuid.uuid4().hex[:8]}" for name in ROLES}
    for other in others.values():
        db.run(f"create role {other}")
    others["database postgres"] = f"database {db.value('select current_database()')}"

    def rename(text: str) -> str:
        for name, other in others.items():
            text = re.sub(rf"\b{name}\b", other, text)
        return text

    yield rename
    del others["database postgres"]
    for other in others.values():
        db.run(f"drop owned by {other} cascade")
        db.run(f"drop role {other}")


def test_all_sql_runs(db: Db, renamed: Callable[[str], str]) -> None:
    db.start("df.sleep(1000)")
    text = PAGE.read_text()
    dblink = "select count(*) from pg_available_extensions where name = 'dblink'"
    if not db.value(dblink):  # the embedded PostgreSQL has none
        text = text.replace(section("Starts in a new transaction"), "")
    found = queries(text)
    assert len(found) > 20
    for query in found:
        db.run(renamed(query).replace("%", "%%"))


def test_queries_find_what_they_are_for(db: Db) -> None:
    """Each query of the section finds something where there is something to find."""
    db.finish("'select 1'")
    db.finish("'select 1 / 0'")
    db.finish("df.sleep(1000)")
    running = db.start("'insert into log values (''x'')'")
    url = make_conninfo(db.url, application_name=WORKER_APPLICATION)

    def work() -> None:
        with psycopg.connect(url, autocommit=True) as worker:
            worker.execute("call df.work(1, 1000)")

    with connect(db.url) as holder:
        holder.execute("lock table log")
        thread = threading.Thread(target=work)
        thread.start()
        wait_until(
            lambda: db.value("select count(*) from pg_locks where not granted") > 0
        )
        db.start("'select 2'")
        db.run(
            "update df_engine.tasks set wake_at = wake_at - interval '1 hour'"
            " where wake_at is not null"
        )
        empty = []
        for query in queries(section("Watching")):
            rows = db.run(query.replace("%", "%%"))
            if not rows or rows[0][0] == 0:
                empty.append(query)
            if "backend_xid" in query:
                assert [row[1] for row in rows] == [running]
        assert empty == []
        holder.rollback()
    thread.join(60)


def test_the_calls_for_pg_cron_drive_runs(db: Db) -> None:
    """Nobody calls but the jobs; timers, signals, retries and joins come to an end."""
    for query in queries(section("Without the worker: pg_cron")):
        db.run(query)
    db.run("create sequence tries")
    run = db.start(
        "df.seq(df.join(df.sleep(1), 'insert into log values (''a'')'),"
        " df.seq(df.wait_for_signal('go'),"
        " df.retry('select 1 / (nextval(''tries'') - 1)', 2, interval '100 ms',"
        " retry_on => array['22'])))"
    )
    asleep = db.finish("df.seq(df.sleep(1), 'insert into log values (''c'')')")
    db.run("select df.signal(%s, 'go')", run)
    requesting = db.start("df.http('https://example.com/')")
    old = db.finish("'select 1'")
    db.run(
        "update df_engine.instances set completed_at = now() - interval '40 days',"
        " created_at = now() - interval '40 days' where run_id = %s",
        old,
    )
    jobs = [row[0] for row in db.run("select command from cron.job")]
    assert len(jobs) == 2

    def tick() -> bool:
        for job in jobs:
            db.run(job)
        return {db.status(run), db.status(asleep)} == {"completed"}

    wait_until(tick, describe=lambda: str(db.instance(run)))
    assert db.value("select last_value from tries") == 2
    assert db.status(requesting) == "running", db.instance(requesting)["error"]
    assert db.run("select 1 from df.instances where id = %s", old) == []


def test_all_tables_are_explained(db: Db) -> None:
    rows = table(section("What is installed"), "table in `df_engine`")
    there = db.run(
        "select relname from pg_class where relkind = 'r'"
        " and relnamespace = 'df_engine'::regnamespace"
    )
    assert names([row[0] for row in rows]) == {row[0] for row in there}


def test_all_schemas_are_explained(db: Db) -> None:
    rows = table(section("What is installed"), "schema")
    there = db.run("select nspname from pg_namespace where nspname ~ '^(df|perdure)'")
    assert names([row[0] for row in rows]) == {row[0] for row in there}


def test_all_sqlstates_are_explained() -> None:
    text = (ROOT / "runtime_sql" / "10_schemas.sql").read_text()
    head = text.partition("create schema")[0]
    rows = table(section("Troubleshooting"), "SQLSTATE")
    explained = {code for row in rows for code in re.findall(r"PD\d+", row[0])}
    assert explained == set(re.findall(r"PD\d+", head))


def test_all_metrics_are_explained(db: Db) -> None:
    shown = names([row[0] for row in table(section("Metrics and health"), "metric")])
    observed = Observed(db.url)
    try:
        metrics = list(Metrics(Meter(), observed).collect())
    finally:
        observed.close()
    there = {
        f"{each.name}_total" if each.type == "counter" else each.name
        for each in metrics
    }
    assert shown == there


def events() -> dict[str, set[str]]:
    """Return the events in the code, with the levels of those logged directly."""
    found: dict[str, set[str]] = {}
    paths: list[Path] = [
        *ENGINE.glob("worker*.py"),
        ENGINE.parent / "cli" / "worker.py",
    ]
    for path in paths:
        if path.name == "worker_meter.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                if EVENT.fullmatch(node.value):
                    found.setdefault(node.value, set())
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                first = node.args[0] if node.args else None
                if isinstance(first, ast.Constant) and node.func.attr in LEVELS:
                    found.setdefault(str(first.value), set()).add(node.func.attr)
    return {name: levels for name, levels in found.items() if EVENT.fullmatch(name)}


LEVELS = ("debug", "info", "warning", "error")


def test_all_events_are_explained() -> None:
    rows = {
        row[0].strip("`"): row[1]
        for row in table(section("Metrics and health"), "event")
    }
    found = events()
    assert set(rows) == set(found)
    wrong = {
        name: (rows[name], levels)
        for name, levels in found.items()
        if levels and {rows[name]} != levels
    }
    assert wrong == {}
