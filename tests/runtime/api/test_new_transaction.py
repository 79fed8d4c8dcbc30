"""Starts with a transaction of their own, which need the extension dblink."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.runtime.api.test_runs import refused
from tests.runtime.engine.db import Db

NEW = "transaction_mode => 'new'"


@pytest.fixture
def twofold(api: Db) -> Iterator[Db]:
    """Return a database with a way to a second session."""
    known = "select count(*) from pg_available_extensions where name = 'dblink'"
    if not api.value(known):
        pytest.skip("this PostgreSQL has no dblink, see PERDURE_TEST_BIN_DIR")
    there = conninfo_to_dict(api.url)
    api.run("create extension dblink")
    options = ", ".join(f"{key} '{there[key]}'" for key in ("dbname", "host"))
    api.run(
        f"create server perdure_new foreign data wrapper dblink_fdw options ({options})"
    )
    user = there["user"]
    api.run(
        f"create user mapping for {user} server perdure_new options (user '{user}')"
    )
    yield api
    api.run("drop extension dblink cascade")


def test_without_a_way_to_a_second_session(api: Db) -> None:
    with refused("PD003", "no extension dblink"):
        api.run(f"select df.start('select 1', {NEW})")


def test_it_survives_its_caller(twofold: Db) -> None:
    with twofold.connection.transaction(force_rollback=True):
        gone = twofold.start("'select 1'")
        kept = twofold.value(f"select df.start('select 7 as a', 'l', {NEW})")
    assert twofold.value("select df.status(%s)", gone) is None
    twofold.work()
    assert twofold.rows(kept) == [{"a": 7}]
    assert twofold.instance(kept)["label"] == "l"


def test_it_is_the_same_start(twofold: Db) -> None:
    """Options, and what the steps see of the caller's session."""
    twofold.run("create schema elsewhere")
    twofold.run("create view elsewhere.here as select 'o''k' as a")
    with twofold.connection.transaction():
        twofold.run("set local search_path = elsewhere")
        twofold.run("set local time zone 'Asia/Kolkata'")
        query = (
            "select df.start('select a, $input.b as b, current_setting(''TimeZone'') as"
            f""" z from here', input => '{{"b": "$x"}}', key => 'k', {NEW})"""
        )
        run = twofold.value(query)
        assert twofold.value(query) == run
    twofold.work()
    assert twofold.rows(run) == [{"a": "o'k", "b": "$x", "z": "Asia/Kolkata"}]
    twofold.run("drop schema elsewhere cascade")


def test_a_mistake_is_the_starts_own(twofold: Db) -> None:
    with refused("PD003", "input lacks x"):
        twofold.run(f"select df.start('select $input.x', {NEW})")
    with refused("PD003", "run_now"):
        twofold.run(f"select df.start('select 1', {NEW}, run_now => true)")
    call = f"select df.start('select 1', {NEW})"
    run = twofold.finish(f"$${call}$$")
    row = twofold.instance(run)
    assert (row["sqlstate"], row["status"]) == ("PD003", "failed")
    assert "inside a workflow" in row["error"]


def test_the_other_session_is_the_callers_own(
    twofold: Db, roles: tuple[str, str]
) -> None:
    """A mapping for another role starts nothing."""
    user = conninfo_to_dict(twofold.url)["user"]
    twofold.run(
        f"alter user mapping for {user} server perdure_new"
        f" options (set user '{roles[0]}')"
    )
    with refused("PD005", f"logs role {user} in as {roles[0]}"):
        twofold.run(f"select df.start('select 1', {NEW})")
    assert twofold.value("select count(*) from df.instances") == 0


def test_a_role_needs_a_mapping_of_its_own(twofold: Db, roles: tuple[str, str]) -> None:
    with psycopg.connect(twofold.url, autocommit=True) as connection:
        connection.execute(f"set role {roles[0]}".encode())
        with refused("42704", "user mapping not found"):
            connection.execute(f"select df.start('select 1', {NEW})".encode())
