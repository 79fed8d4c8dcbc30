"""An upgrade makes what a fresh install makes, and waits for what is in progress."""

from __future__ import annotations

import difflib
import threading
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from perdure.engine.database import Database, connect
from perdure.engine.errors import EngineError
from perdure.engine.install import install, read_status
from perdure.engine.upgrade import upgrade, upgrade_script
from tests.runtime.upgrade.conftest import RELEASED
from tests.runtime.upgrade.dump import dump
from tests.runtime.worker.processes import wait_until


def run(database: Database, *statements: str) -> list[Any]:
    """Execute statements and return the rows of the last one."""
    with connect(database.url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def difference(found: Database, expected: Database) -> str:
    lines = (dump(expected.url), dump(found.url))
    return "\n".join(difflib.unified_diff(*lines, "fresh", "upgraded"))


def test_the_dump_equals_that_of_a_fresh_install(
    released: Database, fresh: Database
) -> None:
    before, after = upgrade(released)
    assert before.installed == "0.1.0"
    assert after.current
    assert difference(released, fresh) == ""


def test_settings_equal_those_of_a_fresh_install(
    released: Database, fresh: Database
) -> None:
    upgrade(released)
    query = "select to_jsonb(s) from df_engine.settings s"
    assert run(released, query) == run(fresh, query)


def test_roles_and_privileges_stay(
    released: Database, fresh: Database, role: str
) -> None:
    grants = (
        f"select df.grant_usage('{role}', include_http => true, with_grant => true)",
        f"grant execute on procedure df.work to {role}",
        f"grant select on df_engine.tasks to {role}",
        f"grant execute on function df.now() to {role} with grant option",
    )
    try:
        for database in (released, fresh):
            run(database, *grants)
        upgrade(released)
        assert difference(released, fresh) == ""
        assert run(released, "select count(*) from df_engine.roles where http") == [
            (2,)
        ]
        run(
            released,
            f"set session authorization {role}",
            "select df.start('select current_user as me')",
            "reset session authorization",
            "call df.work(10, 1000)",
        )
        (ended,) = run(released, "select result, error from df.instances")
        assert role in (ended[0] or ""), ended[1]
    finally:
        for database in (released, fresh):
            run(database, f"drop owned by {role} cascade")


def test_the_script_for_psql_does_the_same(released: Database, fresh: Database) -> None:
    run(released, upgrade_script("0.1.0"))
    assert difference(released, fresh) == ""


def test_the_script_refuses_another_version(fresh: Database) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="of this database is"):
        run(fresh, upgrade_script("0.1.0"))


def test_install_refuses_an_older_runtime_and_names_the_command(
    released: Database,
) -> None:
    with pytest.raises(EngineError, match=r'0\.1\.0, and .* "perdure runtime upgrade"'):
        install(released)
    with connect(released.url) as connection:
        assert read_status(connection).older


def test_what_others_built_upon_it_stops_the_upgrade(released: Database) -> None:
    run(released, "create view failures as select * from df.instances")
    with pytest.raises(
        EngineError, match=r"failures depends on view df\.instances; drop"
    ):
        upgrade(released)
    run(released, "select df.start('select 1')", "call df.work(10, 1000)")
    assert run(released, "select status from failures") == [("completed",)]


def test_a_step_in_progress_is_waited_for(released: Database) -> None:
    said: list[str] = []
    errors: list[Exception] = []

    def go() -> None:
        try:
            upgrade(released, say=said.append)
        except Exception as error:
            errors.append(error)

    run(released, "select df.start('select 1 as done')")
    with connect(released.url) as holder:
        holder.execute("select * from df_engine.tasks for update")
        thread = threading.Thread(target=go)
        thread.start()
        wait_until(lambda: said or errors)
        holder.rollback()
    thread.join(60)
    assert errors == []
    assert "waiting for session" in said[0]
    assert run(released, "call df.work(10, 1000)", "select status from df.instances")


def test_a_step_that_does_not_end_leaves_everything_as_it_was(
    released: Database,
) -> None:
    before = dump(released.url)
    with connect(released.url) as holder:
        holder.execute("select * from df_engine.tasks")
        with pytest.raises(EngineError, match=r"in use, and stays as it is:\nsession"):
            upgrade(released, wait=0)
    assert dump(released.url) == before


def test_work_goes_on_while_an_upgrade_waits(released: Database) -> None:
    """A long transaction holds up the upgrade, and not the runs of others."""
    run(released, "select df.start('select 1')")
    failures: list[Exception] = []

    def go() -> None:
        try:
            upgrade(released, wait=6)
        except EngineError as error:
            failures.append(error)

    with connect(released.url) as holder:
        holder.execute("select * from df_engine.instances")
        thread = threading.Thread(target=go)
        thread.start()
        for _ in range(3):
            run(
                released,
                "select df.start('select 1')",
                "call df.work(10, 1000)",
            )
        assert thread.is_alive()
        thread.join(60)
    assert len(failures) == 1
    assert run(released, "select distinct status from df.instances") == [("completed",)]


def test_a_superuser_upgrades_in_the_name_of_the_owner(
    make_database: Callable[[], str], role: str
) -> None:
    """What is made anew belongs to who owns the runtime, who is no superuser."""
    url = make_database()
    database = Database(url, "the test")
    run(database, f"grant create on database {name_of(url)} to {role}")
    owners = Database(make_conninfo(url, options=f"-c role={role}"), "the test")
    run(owners, RELEASED.read_text(), "select df.start('select current_user as me')")
    owned = (
        "select proowner::regrole::text from pg_proc where pronamespace::regnamespace"
        " ::text ~ '^(df|perdure)' group by 1"
    )
    try:
        upgrade(database)
        assert run(database, owned) == [(role,)]
        run(owners, "call df.work(10, 1000)")
        (ended,) = run(owners, "select result, error from df.instances")
        assert role in (ended[0] or ""), ended[1]
    finally:
        run(database, f"drop owned by {role} cascade")


def test_who_does_not_own_it_cannot_upgrade_it(released: Database, role: str) -> None:
    other = Database(make_conninfo(released.url, options=f"-c role={role}"), "the test")
    run(
        released,
        f"grant usage on schema df to {role}",
        f"grant execute on function df.runtime_version() to {role}",
    )
    try:
        with pytest.raises(EngineError, match="the runtime belongs to role"):
            upgrade(other)
    finally:
        run(released, f"drop owned by {role}")


def name_of(url: str) -> str:
    return str(conninfo_to_dict(url)["dbname"])
