"""What is installed beside the extension: for whom it works, what stays different."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg import errors

from perdure.engine.database import Database
from perdure.engine.errors import EngineError
from perdure.engine.install import install, shipped
from tests.pg_durable.sides import Case, Connection, Side

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
