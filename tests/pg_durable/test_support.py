"""What is installed beside the extension: for whom it works, what stays different."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.engine.database import Database
from perdure.engine.errors import EngineError
from perdure.engine.install import install, shipped
from tests.pg_durable.sides import (
    EXTENSION,
    ROLE,
    SCHEDULED,
    Case,
    Connection,
    Side,
    compiled,
)

pytestmark = pytest.mark.pg_durable

OTHER = "perdure_test_other"


@pytest.fixture
def other(extension: Side) -> Iterator[Connection]:
    """Return a connection as a role that may start runs, and has none."""
    with psycopg.connect(extension.url, autocommit=True) as connection:
        connection.execute(f"drop role if exists {OTHER}")
        connection.execute(f"create role {OTHER} login")
        connection.execute(f"select df.grant_usage('{OTHER}')")
        connection.execute(f"select perdure.grant_usage('{OTHER}')")
        connection.execute(f"set role {OTHER}")
        yield connection
        connection.execute("reset role")
        connection.execute(f"select perdure.revoke_usage('{OTHER}')")
        connection.execute(f"select df.revoke_usage('{OTHER}')")
        connection.execute(f"drop role {OTHER}")


def test_installing_again_does_nothing(extension: Side) -> None:
    before, after = install(Database(extension.url, "the test"), shipped((0, 2, 5)))
    assert before.current
    assert after == before


@pytest.mark.parametrize(
    ("oldest", "message"), [((), "is a runtime already"), ((9, 0), "9.0 or later")]
)
def test_what_does_not_fit_is_refused(
    extension: Side, oldest: tuple[int, ...], message: str
) -> None:
    with pytest.raises(EngineError, match=message):
        install(Database(extension.url, "the test"), shipped(oldest))


def test_support_needs_the_extension(database: str) -> None:
    with pytest.raises(EngineError, match="create extension pg_durable"):
        install(Database(database, "the test"), shipped((0, 2, 5)))


def test_a_role_has_the_messages_of_its_own_runs(
    extension: Side, other: Connection
) -> None:
    with extension.connect() as connection:
        row = connection.execute("select workflows.endless_wait()").fetchone()
        assert row is not None
        run = row[0]
        connection.execute("select perdure.signal(%s, 'elsewhere', '1')", [run])
        with pytest.raises(errors.InsufficientPrivilege):
            other.execute("select perdure.signal(%s, 'go', '1')", [run])
        assert other.execute("select count(*) from perdure.inbox").fetchone() == (0,)
        with pytest.raises(errors.InsufficientPrivilege):
            other.execute("select perdure.set_outcome(%s, '1')", [run])
        taken = "select perdure.take_signal(%s, 'elsewhere', gen_random_uuid())"
        assert other.execute(taken, [run]).fetchone() == (None,)
        assert connection.execute(taken, [run]).fetchone() != (None,)
        connection.execute("select df.cancel(%s, 'enough')", [run])


def test_numbers_in_a_result_are_doubles_there(extension: Side, ours: Side) -> None:
    found = {}
    for side in (extension, ours):
        with side.connect() as connection:
            run = side.started(connection, Case("exact"))
            assert side.ended(connection, run, 60) == "completed"
            query = "select (df.result(%s))::jsonb #> '{rows,0,result}'"
            row = connection.execute(query + " ->> 0", [run]).fetchone()
            again = connection.execute(query + " ->> 1", [run]).fetchone()
        found[side.target] = (row, again)
    text = ("12345678901234567890.50",)
    assert found["perdure"] == (text, text)
    assert found[extension.target] == (("12345678901234567000",), text)


def test_a_schedule_starts_runs_and_is_replaced(
    extension: Side, short_dir: Path
) -> None:
    (migration,) = compiled(EXTENSION, short_dir / "scheduled", SCHEDULED)
    with psycopg.connect(extension.url, autocommit=True) as admin:
        database = sql.Identifier(admin.info.dbname)
        for on in (sql.SQL("schema workflows"), sql.SQL("database ") + database):
            grant = sql.SQL("grant create on {} to {}")
            admin.execute(grant.format(on, sql.Identifier(ROLE)))
        admin.execute(f"grant insert on perdure.workflow_versions to {ROLE}")
    with extension.connect() as connection:
        with connection.transaction():
            connection.execute(migration.encode())
        rows = "select count(*) from t.log where run = 'scheduled'"
        _until(connection, rows)
        stopped = connection.execute("select perdure.stop_schedule('scheduled')")
        assert stopped.fetchone() == (1,)


def test_starts_with_one_key_are_one_run(extension: Side) -> None:
    with extension.connect() as connection:
        key = {"key": str(uuid.uuid4())}
        runs = [
            extension.started(connection, Case("bounded", {"how": how, **key}))
            for how in ("ok", "fails")
        ]
        assert runs[0] == runs[1]
        assert extension.ended(connection, runs[0], 120) == "completed"
        other = extension.started(connection, Case("bounded", {"how": "ok"}))
        assert other not in runs


def test_runs_take_turns(extension: Side) -> None:
    with extension.connect() as connection:
        connection.execute("select perdure.take_turn('a1', 'turns', 1)")
        turn = "select perdure.take_turn(%s, 'turns', %s)"
        live = extension.started(connection, Case("endless_wait"))
        waiting = extension.started(connection, Case("endless_wait"))
        for run, limit, expected in (
            *((live, 1, True), (waiting, 1, False), (live, 1, True)),
            *((waiting, 2, True), (waiting, 1, False)),
        ):
            found = connection.execute(turn, [run, limit]).fetchone()
            assert found == (expected,)
        connection.execute("select df.cancel(%s, 'enough')", [live])
        _until(connection, f"select perdure.take_turn('{waiting}', 'turns', 1)")
        connection.execute("select df.cancel(%s, 'enough')", [waiting])


def test_what_is_kept_for_runs_that_are_gone_can_be_deleted(extension: Side) -> None:
    with psycopg.connect(extension.url, autocommit=True) as admin:
        admin.execute("select perdure.keep_failure('gone', '1', 'a', 'm', 'XX000')")
        found = admin.execute("select perdure.prune() > 0, perdure.prune()").fetchone()
        assert found == (True, 0)


_LOST = """
create function t.lose() returns trigger language plpgsql as $$
begin
  if old.attempt_count < 2 and old.work_item like '%repeated, %' then
    raise exception 'the result of a step is lost';
  end if;
  return old;
end
$$;
create trigger lose before delete on _duroxide.worker_queue
for each row execute function t.lose();
"""


@pytest.fixture
def forgetful(extension: Side) -> Iterator[Side]:
    """Return an extension that records no result of a step the first time.

    That is what a crash leaves between the commit of a statement and its result.
    """
    with psycopg.connect(extension.url, autocommit=True) as admin:
        admin.execute(_LOST.encode())
        yield extension
        admin.execute("drop function t.lose() cascade")


def test_what_is_repeated_has_its_effects_once(forgetful: Side) -> None:
    outcome = forgetful.outcome(Case("repeated"))
    assert outcome.status == "completed", outcome.error
    assert outcome.result == "repeated, once"
    assert outcome.rows.count("repeated, once") == 1
    assert outcome.rows.count("repeated, plain") == 2


def _until(connection: Connection, query: str) -> None:
    """Wait until a query gives something that is true."""
    deadline = time.monotonic() + 180
    while True:
        row = connection.execute(query.encode()).fetchone()
        if row and row[0]:
            return
        assert time.monotonic() < deadline, query
        time.sleep(0.2)


def test_a_deployment_asks_for_the_support_and_moves_no_run(
    extension: Side, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    (tmp_path / "perdure.toml").write_text(f"target = {EXTENSION!r}\n")
    (tmp_path / "workflows").mkdir()
    name = f"perdure_test_{uuid.uuid4().hex[:8]}"

    def perdure(url: str, *words: str) -> str:
        options = ["--database-url", url, "-C", str(tmp_path)]
        return CliRunner().invoke(app, [*words, *options]).output

    with psycopg.connect(extension.url, autocommit=True) as connection:
        connection.execute(f"create database {name}")
    try:
        without = make_conninfo(extension.url, dbname=name)
        assert "has no extension pg_durable" in perdure(without, "deploy", "--yes")
    finally:
        with psycopg.connect(extension.url, autocommit=True) as connection:
            connection.execute(f"drop database {name}")
    told = perdure(extension.url, "move", "0a1b2c3d", "--to", "2")
    assert "run on the extension pg_durable, which cannot move a run" in told
