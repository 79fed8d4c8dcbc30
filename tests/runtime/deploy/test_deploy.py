"""`deploy`, `drift`, `versions`: a project and a database, through a release or two."""

from __future__ import annotations

import json
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.deploy import LOCK
from tests.runtime.deploy.conftest import WORKFLOW, Perdure


def change(project: Path) -> None:
    text = WORKFLOW.replace("Hello", "Good morning")
    (project / "workflows" / "hello.yaml").write_text(text)


def test_without_a_runtime_nothing_is_deployed(perdure: Perdure) -> None:
    perdure("compile")
    done = perdure("deploy", "--yes", code=2)
    assert "the runtime is not installed" in done.stderr
    assert "perdure runtime install" in done.stderr
    assert "hello@1 is in the lock" in perdure("drift", code=1).stdout


def test_a_check_says_what_mends_it_and_writes_nothing(
    perdure: Perdure, project: Path
) -> None:
    done = perdure("compile", "--check", code=1)
    assert "would write migrations/0001_hello_v1.up.sql" in done.stdout
    assert "the migrations are out of date: run perdure compile\n" in done.stderr
    assert not (project / "migrations").exists()
    assert not (project / "workflows.lock").exists()
    perdure("compile")
    assert "nothing to do" in perdure("compile", "--check").stdout


@pytest.mark.usefixtures("runtime")
def test_a_table_that_is_locked_is_said_to_be(perdure: Perdure, database: str) -> None:
    perdure("compile")
    with psycopg.connect(database) as other:
        other.execute("lock table perdure.workflow_versions in share mode")
        done = perdure("deploy", "--yes", code=1)
    assert (
        "0001_hello_v1.up.sql: canceling statement due to lock timeout" in done.stderr
    )
    assert "nothing of this migration is applied; another session" in done.stderr
    assert perdure("deploy", "--yes").stdout == "deployed hello@1\n"


@pytest.mark.usefixtures("runtime")
def test_what_is_missing_is_deployed_once(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    assert perdure("drift", code=1).stdout == (
        "hello@1 is in the lock, and not deployed\n"
        "  = help: perdure deploy; the repo is newer\n"
    )
    assert perdure("deploy", "--yes").stdout == "deployed hello@1\n"
    assert "no drift" in perdure("drift").stdout
    assert "nothing to do" in perdure("deploy", "--yes").stdout
    change(project)
    perdure("compile")
    done = perdure("deploy", "--json", "--yes")
    assert json.loads(done.stdout) == {"deployed": ["hello@2"]}
    assert "no drift: the database agrees with the lock on 2 versions" in (
        perdure("drift").stdout
    )


def test_a_lock_that_no_text_is_in_is_refused(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    (project / "workflows.lock").write_bytes(b"\xff\xfe")
    for words in (["compile"], ["deploy", "--yes"], ["drift"], ["verify"]):
        assert "error[WF103]" in perdure(*words, code=1).stderr


def test_a_lock_may_be_large(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    with (project / "workflows.lock").open("a") as lock:
        lock.write("# a line of many\n" * 70_000)
    assert "nothing to do" in perdure("compile").stdout
    assert "no differences" in perdure("diff").stdout


@pytest.mark.usefixtures("runtime")
def test_who_is_started_is_deployed_before_who_starts(
    perdure: Perdure, project: Path, database: str
) -> None:
    """From nothing, and again when both changed; each caller starts what it means."""
    write = (project / "workflows" / "hello.yaml").write_text
    (project / "workflows" / "ask.yaml").write_text(
        "workflow: ask\nsteps:\n  - {name: one, call: hello, with: {who: me}}\n"
        "  - return: {said: '${one.greeting}'}\n"
    )
    for number, text in ((1, WORKFLOW), (2, WORKFLOW.replace("Hello", "Bye"))):
        write(text)
        perdure("compile")
        done = perdure("deploy", "--yes").stdout
        order = [f"deployed hello@{number}", f"deployed ask@{number}"]
        assert done.splitlines() == order
        assert "no drift" in perdure("drift").stdout
    with psycopg.connect(database, autocommit=True) as connection:
        for number, said in ((1, "Hello, me!"), (2, "Bye, me!")):
            query = f"select workflows.ask_v{number}()"
            ((run,),) = connection.execute(query.encode()).fetchall()
            connection.execute("call df.work(1000, 20000)")
            query = "select status, result from df.instances where id = %s"
            ((status, result),) = connection.execute(query, [run]).fetchall()
            assert (status, said in result) == ("completed", True)


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_nothing_is_applied_without_a_yes(perdure: Perdure, words: list[str]) -> None:
    perdure("compile")
    done = perdure("deploy", *words, code=2)
    assert done.stdout == ""
    assert "hello@1  migrations/0001_hello_v1.up.sql" in done.stderr
    assert "perdure deploy --yes does not ask" in done.stderr
    assert "not deployed" in perdure("drift", code=1).stdout


@pytest.mark.usefixtures("runtime")
def test_the_printed_sql_is_applied_as_it_would_be_deployed(
    perdure: Perdure, project: Path, database: str
) -> None:
    other = WORKFLOW.replace("workflow: hello", "workflow: zebra")
    (project / "workflows" / "zebra.yaml").write_text(other)
    perdure("compile")
    text = perdure("deploy", "--dry-run").stdout
    assert text.startswith("-- written by perdure: hello, version 1")
    assert text.count("\nbegin;\n") == text.count("\ncommit;\n") == 2
    printed = json.loads(perdure("deploy", "--dry-run", "--json").stdout)
    assert printed["deployed"] == []
    assert [each["migration"] for each in printed["pending"]] == ["hello@1", "zebra@1"]
    assert printed["pending"][1]["file"] == "migrations/0002_zebra_v1.up.sql"
    assert "\n".join(each["sql"] for each in printed["pending"]) == text
    assert "hello@1 is in the lock, and not dep" in perdure("drift", code=1).stdout
    with psycopg.connect(database, autocommit=True) as connection:
        table = "alter table perdure.workflow_versions"
        check = "constraint in_the_way check (name <> 'zebra')"
        connection.execute(f"{table} add {check}".encode())
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(text.encode())
        connection.execute("rollback")
        there = "select to_regprocedure('workflows.zebra_v1(text)') is null"
        assert connection.execute(there).fetchone() == (True,)
        connection.execute(f"{table} drop constraint in_the_way".encode())
        with psycopg.connect(database, autocommit=True) as holder:
            holder.execute("select pg_advisory_lock(%s)", [LOCK])
            connection.execute("set lock_timeout = '50ms'")
            with pytest.raises(psycopg.errors.LockNotAvailable):
                connection.execute(text.encode())
            connection.execute("rollback")
        connection.execute(perdure("deploy", "--dry-run").stdout.encode())
    assert "no drift" in perdure("drift").stdout
    assert perdure("deploy", "--dry-run").stdout == ""


@pytest.mark.usefixtures("runtime")
def test_a_migration_that_another_tool_applied_counts(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    text = (project / "migrations" / "0001_hello_v1.up.sql").read_text()
    with psycopg.connect(database) as connection:
        connection.execute(text.encode())
    assert "nothing to do" in perdure("deploy", "--yes").stdout


@pytest.mark.usefixtures("runtime")
def test_a_migration_that_fails_leaves_nothing_and_can_be_resumed(
    perdure: Perdure, project: Path, database: str
) -> None:
    other = WORKFLOW.replace("workflow: hello", "workflow: zebra")
    (project / "workflows" / "zebra.yaml").write_text(other)
    perdure("compile")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            "alter table perdure.workflow_versions add constraint in_the_way"
            " check (name <> 'zebra')"
        )
        done = perdure("deploy", "--yes", code=1)
        assert done.stdout == "deployed hello@1\n"
        assert "migrations/0002_zebra_v1.up.sql: " in done.stderr
        assert 'violates check constraint "in_the_way"' in done.stderr
        there = "select to_regprocedure('workflows.zebra_v1(text)') is null"
        assert connection.execute(there).fetchone() == (True,)
        connection.execute(
            "alter table perdure.workflow_versions drop constraint in_the_way"
        )
        assert perdure("deploy", "--yes").stdout == "deployed zebra@1\n"


@pytest.mark.usefixtures("runtime")
def test_a_function_that_no_row_stands_for_stops_a_deployment_before_it_begins(
    perdure: Perdure, project: Path, database: str
) -> None:
    other = WORKFLOW.replace("workflow: hello", "workflow: zebra")
    (project / "workflows" / "zebra.yaml").write_text(other)
    perdure("compile")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create schema workflows")
        connection.execute(
            "create function workflows.zebra_v1(who text) returns text"
            " language sql return 'in the way'"
        )
        done = perdure("deploy", "--yes", code=1)
        assert done.stdout == ""
        assert "zebra@1 is not registered, and its function is there" in done.stderr
        there = "select to_regprocedure('workflows.hello_v1(text)') is null"
        assert connection.execute(there).fetchone() == (True,)


@pytest.mark.usefixtures("runtime")
def test_nothing_is_deployed_over_an_edit_unasked(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    edit = (
        "create or replace function workflows.hello(who text) returns text"
        " language sql as $$select 'x'$$"
    )
    with psycopg.connect(database) as connection:
        connection.execute(edit)
        connection.execute(edit.replace("hello", "hello_v1"))
    change(project)
    perdure("compile")
    done = perdure("deploy", "--yes", code=1)
    told = done.stderr.splitlines()
    assert 'hello@1 has a function "hello_v1" that was edited in place' in told[0]
    assert 'hello@1 has a function "hello" that was edited in place' in told[1]
    assert told[2:] == [
        "  = help: perdure drift --sql prints the SQL that undoes it; to keep the "
        "edit, make it in the workflow's source, too, and compile",
        "  = help: perdure deploy --over-edits goes on all the same",
    ]
    assert done.stdout == ""
    assert "deployed hello@2" in perdure("deploy", "--yes", "--over-edits").stdout
    with psycopg.connect(database) as connection:
        connection.execute(perdure("drift", "--sql", code=1).stdout.encode())
    assert "no drift" in perdure("drift").stdout


@pytest.mark.usefixtures("runtime")
def test_a_role_that_was_let_in_may_look_and_not_deploy(
    perdure: Perdure, project: Path, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    role = f"clerk_{uuid.uuid4().hex}"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(f"create role {role} login".encode())
        try:
            monkeypatch.setenv(
                "PERDURE_DATABASE_URL", make_conninfo(database, user=role)
            )
            assert perdure("deploy", "--yes", code=2).stderr == (
                "error: permission denied for schema df\n"
                "  = help: deploy as the role that owns the runtime and the workflows\n"
            )
            connection.execute("select df.grant_usage(%s)", [role])
            assert "no drift" in perdure("drift").stdout
            assert "hello@1" in perdure("versions").stdout
            assert "good: 1 version" in (
                perdure("verify", "--db", make_conninfo(database, user=role)).stdout
            )
            change(project)
            perdure("compile")
            done = perdure("deploy", "--yes", code=1).stderr
            assert "permission denied" in done
            assert "deploy as the role that owns the runtime and the workflow" in done
        finally:
            connection.execute(f"drop owned by {role} cascade".encode())
            connection.execute(f"drop role {role}".encode())


@pytest.mark.usefixtures("runtime")
def test_a_deployment_waits_for_another_one_and_says_so(
    perdure: Perdure, database: str
) -> None:
    perdure("compile")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select pg_advisory_lock(%s)", [LOCK])
        pid = connection.info.backend_pid
        word = f"in progress ({connection.info.user}, process {pid}): waiting"
        with ThreadPoolExecutor() as pool:
            waiting = pool.submit(perdure, "deploy", "--yes")
            wait_for(
                connection,
                "select count(*) = 1 from pg_locks where locktype = 'advisory'"
                " and not granted and database ="
                " (select oid from pg_database where datname = current_database())",
            )
            connection.execute("select pg_advisory_unlock(%s)", [LOCK])
            done = waiting.result(60)
    assert word in done.stderr
    assert done.stdout == "deployed hello@1\n"


def wait_for(connection: psycopg.Connection[Any], query: str) -> None:
    """Wait until a query gives true."""
    until = time.monotonic() + 60
    while connection.execute(query.encode()).fetchone() != (True,):
        assert time.monotonic() < until, query
        time.sleep(0.02)


@pytest.mark.usefixtures("runtime")
def test_a_database_that_is_ahead_or_differs_is_left_alone(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    lock = (project / "workflows.lock").read_text()
    change(project)
    perdure("compile")
    perdure("deploy", "--yes")
    (project / "workflows.lock").write_text(lock)
    for name in ("0002_hello_v2.up.sql", "0002_hello_v2.down.sql"):
        (project / "migrations" / name).unlink()
    done = perdure("deploy", "--yes", code=1)
    assert "hello@2 is deployed, and the lock does not know it" in done.stderr
    assert "the database is newer" in perdure("drift", code=1).stdout
    with psycopg.connect(database) as connection:
        connection.execute("delete from perdure.workflow_versions where version = 2")
        connection.execute("update perdure.workflow_versions set digest = 'x'")
    done = perdure("deploy", "--yes", code=1)
    assert "hello@1 was deployed from other sources than the lock's" in done.stderr
    with psycopg.connect(database) as connection:
        connection.execute(
            "create or replace function workflows.hello_v1(who text) returns text"
            " language sql as $$select 'what they made'$$"
        )
    done = perdure("drift", "--sql", code=1)
    assert done.stdout == ""
    assert done.stderr == (
        "hello@1 was deployed from other sources than the lock's\n"
        "  = help: two branches made it: take the lock and the migrations of the one "
        "that is deployed, and delete yours; perdure compile makes yours again, with "
        "the next number\n"
        "nothing of this can be mended with SQL\n"
    )


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "create or replace function workflows.hello(who text) returns text"
            " language sql as $$select 'x'$$",
            'hello@1 has a function "hello" that was edited in place',
        ),
        (
            "drop function workflows.hello(text)",
            'hello@1 is registered, and its function "hello" is gone',
        ),
        (
            "drop schema workflows cascade",
            'hello@1 is registered, and its function "hello_v1" is gone',
        ),
        (
            "insert into perdure.workflow_versions select 'other', 1, digest,"
            " signature, source, source_map, compiler_version, target"
            " from perdure.workflow_versions",
            "other@1 is deployed, and no workflow of this project has its name",
        ),
        ("drop schema df cascade", "runtime: the runtime is not installed"),
    ],
)
def test_drift_is_found(
    perdure: Perdure, database: str, statement: str, message: str
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    with psycopg.connect(database) as connection:
        connection.execute(statement.encode())
    done = perdure("drift", code=1)
    assert message in done.stdout
    found = json.loads(perdure("drift", "--json", code=1).stdout)["differences"]
    told = [f"{each['subject']} {each['message']}" for each in found]
    assert any(each.startswith(message) for each in told)


@pytest.mark.usefixtures("runtime")
def test_versions_are_listed_with_their_runs(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    with psycopg.connect(database) as connection:
        connection.execute("select workflows.hello('you')")
    change(project)
    perdure("compile")
    perdure("deploy", "--yes")
    first, second = json.loads(perdure("versions", "--json").stdout)
    assert (first["workflow"], first["version"]) == ("hello", 1)
    assert first["runs"] == {"pending": 1}
    assert (second["version"], second["runs"]) == (2, {})
    assert first["deployed_by"] == "postgres"
    assert f'digest = "{first["digest"]}"' in (project / "workflows.lock").read_text()
    assert first["deployed_at"] < second["deployed_at"]
    lines = perdure("versions", "hello").stdout.splitlines()
    names = ["version", "state", "digest", "deployed", "age", "by", "runs"]
    assert lines[0].split() == names
    assert lines[1].startswith("hello@1")
    assert lines[1].rstrip().endswith("1 pending")
    assert "no versions of nothing" in perdure("versions", "nothing").stderr
