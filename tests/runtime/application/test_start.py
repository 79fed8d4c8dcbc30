"""Starting runs over psycopg, and what handles tell and do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

import perdure
from perdure.application import (
    NotCommitted,
    NotDeployed,
    NotFinished,
    NotPermitted,
    RunEnded,
    RunNotFound,
    WaitTimeout,
    WrongConnection,
    WrongInput,
    WrongResult,
    WrongRun,
)
from tests.runtime.application.conftest import Connection, Work, working
from tests.runtime.application.project.workflows.orders import (
    Echo,
    broken,
    echo,
    not_deployed,
    once,
    order_approval,
    slow,
)

ECHO = Echo(
    number=2**62,
    amount=Decimal("12345678901234567890.0123456789"),
    ratio=0.1,
    flag=True,
    text='it\'s 100% "$1" ${x} %s 🐘',
    at=datetime(2030, 1, 2, 3, 4, 5, 600, tzinfo=UTC),
    day=date(2030, 2, 1),
    pause=timedelta(days=-2, hours=5, microseconds=7),
    id=UUID(int=7),
    raw=b"\x00\xff",
    tags=["a", 'b"\\,{}', ""],
    data={"deep": [1, Decimal("1.10"), None, {"a": "ü"}]},
    missing=None,
)


def test_a_run_starts_with_its_transaction(connection: Connection, work: Work) -> None:
    gone = order_approval.start(connection, 1)
    connection.rollback()
    count = connection.execute("select count(*) from df.instances").fetchone()
    run = order_approval.start(connection, order_id=1)
    assert run.created
    more = connection.execute("select count(*) - 1 from df.instances").fetchone()
    assert more == count
    assert run.status() == "pending"
    with pytest.raises(NotFinished, match=r"wait\(\) waits for it"):
        run.result()
    connection.commit()
    work()
    assert run.status() == "completed"
    result = run.result()
    assert result == {"status": "approved", "total": Decimal("20.50"), "note": None}
    assert isinstance(result["total"], Decimal)
    with pytest.raises(RunNotFound, match=gone.run_id):
        gone.status()


NAIVE = datetime(2030, 1, 31, 12)


def test_signals_reach_the_run(connection: Connection, work: Work) -> None:
    run = order_approval.start(connection, 2, threshold=Decimal("4999.99"))
    connection.commit()
    work()
    later = order_approval.attach(connection, run.run_id)
    assert not later.created
    later.signal("approval", {"approved": False, "note": "too much"})
    connection.commit()
    work()
    assert later.wait(timeout=60) == {
        "status": "rejected",
        "total": 5000,
        "note": "too much",
    }
    with pytest.raises(RunEnded, match="it is completed"):
        later.signal("approval")


def test_a_run_of_another_workflow_is_refused(connection: Connection) -> None:
    run = order_approval.start(connection, 2)
    other = slow.attach(connection, run.run_id)
    for ask in (other.status, other.result, other.cancel, other.wait):
        with pytest.raises(WrongRun, match=r'of workflow "order_approval", not of "s'):
            ask()
    assert order_approval.attach(connection, run.run_id).status() == "pending"


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("approval", {"approved": object()}, "JSON has not"),
        ("approval", None, 'signal "approval" of order_approval: data is missing'),
        ("approval", {"aproved": True}, "data.approved is missing or null"),
        ("approval", {"approved": "so", "note": 2}, 'approved is "so"' ),
        ("approval", {"approved": True, "noet": ""}, '"noet"; did you mean "note"'),
        ("approval", {"approved": "true"}, 'approved is the text "true", expected'),
        ("approval", {"approved": True, "note": NAIVE}, "note is text, not datetime"),
        ("approvl", {"approved": True}, 'signal "approvl"; did you mean "approv'),
        ("hurry", None, 'order_approval never waits for .*; it waits for: approval'),
        ("approval", {"approved": True, "note": "a\0"}, r"the character U\+0000"),
        ("\ud800", None, r"the character U\+D800"),
        (7, None, "int, not text"),
    ],
)  # fmt: skip
def test_a_signal_that_the_run_never_takes_is_refused(
    connection: Connection, name: Any, data: object, message: str
) -> None:
    run = order_approval.start(connection, 2)
    with refused(connection, WrongInput, message):
        run.signal(name, data)
    with refused(connection, WrongInput, "never waits .* nor for any other"):
        slow.start(connection).signal("approval")
    run.signal("approval", {"approved": True})


@pytest.mark.parametrize("style", ["postgres", "iso_8601", "sql_standard"])
def test_values_of_all_types_come_back(
    connection: Connection, work: Work, style: str
) -> None:
    connection.execute(f"set intervalstyle = {style}")
    connection.execute("set datestyle = 'german'")
    connection.execute("set timezone = 'Asia/Kathmandu'")
    run = echo.start(connection, **asdict(ECHO))
    connection.commit()
    work()
    result = run.result()
    assert result == ECHO
    assert str(result.data) == str(ECHO.data)


def test_waiting_ends_with_the_run(connection: Connection, url: str) -> None:
    with working(url):
        run = order_approval.start(connection, 1)
        connection.commit()
        assert run.wait(timeout=60)["status"] == "approved"


def test_what_can_never_end_is_not_waited_for(connection: Connection) -> None:
    run = slow.start(connection)
    with pytest.raises(NotCommitted, match="commit it before"):
        run.wait(timeout=60)
    connection.commit()
    with pytest.raises(WaitTimeout, match="is a worker running"):
        run.wait(timeout=timedelta(milliseconds=50))
    connection.commit()
    connection.execute("set transaction isolation level repeatable read")
    with pytest.raises(NotCommitted, match="wait outside of it"):
        run.wait(timeout=60)
    connection.commit()
    connection.autocommit = True
    connection.execute("set default_transaction_isolation = 'serializable'")
    with pytest.raises(WaitTimeout):
        run.wait(timeout=0.2)


@pytest.mark.parametrize("timeout", ["1s", float("nan"), Decimal(1)])
def test_timeouts_are_times(connection: Connection, timeout: Any) -> None:
    run = slow.attach(connection, "00000000")
    with pytest.raises(WrongInput, match="is seconds or a timedelta, not"):
        run.wait(timeout)


def test_ids_are_text_and_versions_are_numbers(connection: Connection) -> None:
    with pytest.raises(WrongInput, match="the id of the run is NoneType, not text"):
        slow.attach(connection, None)  # type: ignore[call-overload]
    with pytest.raises(WrongInput, match="a version is a number from 1, not int 0"):
        slow.with_options(version=0)


def test_runs_fail_and_are_cancelled(connection: Connection, work: Work) -> None:
    failing, stopped = broken.start(connection, "wet"), slow.start(connection)
    connection.commit()
    work()
    with pytest.raises(perdure.RunFailed, match="broken: wet") as failed:
        failing.wait()
    assert failed.value.sqlstate == "PD011"
    stopped.cancel("no longer wanted")
    connection.commit()
    stopped.cancel("twice")
    with pytest.raises(perdure.RunCancelled, match="no longer wanted"):
        stopped.result()


def test_runs_are_paused(connection: Connection) -> None:
    run = slow.start(connection)
    run.pause("lunch")
    assert run.status() == "paused"
    run.resume()
    run.resume()
    assert run.status() == "pending"
    run.cancel()
    with pytest.raises(RunEnded):
        run.resume()


def test_a_key_starts_one_run(connection: Connection) -> None:
    once = slow.with_options(key="a % b's $1")
    first, second = once.start(connection), once.start(connection)
    assert (first.created, second.created) == (True, False)
    assert first.run_id == second.run_id
    assert slow.with_options(key="other").start(connection).run_id != first.run_id
    with refused(connection, WrongInput, "the key is int, not text"):
        slow.with_options(key=7).start(connection)  # type: ignore[arg-type]


def test_a_workflow_may_have_a_key_of_its_own(connection: Connection) -> None:
    first, second = once.start(connection, 1), once.start(connection, order_id=1)
    assert (first.created, second.created) == (True, False)
    assert first.run_id == second.run_id
    assert once.start(connection, 2).created


def test_a_workflow_in_yaml_is_started_by_name(
    connection: Connection, work: Work
) -> None:
    hello = perdure.deployed_workflow("hello")
    run = hello.start(connection, who="Ada")
    old = hello.with_options(version=1).start(connection, who="Bob", times=3)
    connection.commit()
    work()
    assert run.result() == {"greeting": "Hello, Ada!", "times": 1, "half": 0.5}
    assert isinstance(run.result()["half"], Decimal)
    typed = perdure.deployed_workflow("hello", returns=dict[str, str])
    with pytest.raises(WrongResult, match="not of the declared type"):
        typed.attach(connection, old.run_id).result()


# --- mistakes ----------------------------------------------------------------------


@contextmanager
def refused(
    connection: Connection, error: type[Exception], message: str
) -> Iterator[None]:
    """Expect an error that leaves the caller's transaction as it was."""
    with pytest.raises(error, match=message):
        yield
    assert connection.execute("select 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "missing a required argument: 'order_id'"),
        ({"order": 1}, "missing a required argument|unexpected keyword"),
        ({"order_id": "1"}, "input \"order_id\" is bigint, not str '1'"),
        ({"order_id": True}, 'input "order_id" is bigint, not bool'),
        ({"order_id": 2**63}, "is bigint, not int 9223372036854775808"),
        ({"order_id": 1, "threshold": "x"}, '"threshold" is numeric, not str'),
        ({"order_id": None}, '^input "order_id" .bigint. may not be null'),
        ({"order_id": 1, "threshold": None}, '^input "threshold" .numeric. may not'),
    ],
)
def test_wrong_inputs(
    connection: Connection, inputs: dict[str, Any], message: str
) -> None:
    with refused(connection, WrongInput, message):
        order_approval.start(connection, **inputs)


def test_inputs_are_those_of_the_deployed_version(connection: Connection) -> None:
    hello = perdure.deployed_workflow("hello")
    with refused(connection, WrongInput, 'no input "name"; input "who" .text. is miss'):
        hello.start(connection, name="Ada")
    with refused(connection, WrongInput, "these inputs: who text, times smallint"):
        hello.start(connection, who="Ada", times=1, more=1)
    with refused(connection, WrongInput, "given by name"):
        hello.start(connection, "Ada")
    with refused(connection, WrongInput, '^input "who" .text. may not be null'):
        hello.start(connection, who=None)
    with refused(connection, WrongInput, 'input "times" .smallint. may not be null'):
        hello.with_options(version=1).start(connection, who="Ada", times=None)
    with refused(connection, WrongInput, r'"who" has the character U\+0000'):
        hello.start(connection, who="A\0")
    with refused(connection, WrongInput, r'"who" has the character U\+D800'):
        hello.start(connection, who="\ud800")
    with refused(connection, WrongInput, "int, not text"):
        hello.attach(connection, 7).status()  # type: ignore[call-overload]


def test_times_need_zones(connection: Connection) -> None:
    naive = asdict(ECHO) | {"at": datetime(2030, 1, 1)}
    with refused(connection, WrongInput, "needs a time zone"):
        echo.start(connection, **naive)


def test_what_is_not_deployed(connection: Connection) -> None:
    near = perdure.deployed_workflow("order_aproval")
    with refused(connection, NotDeployed, 'did you mean "order_approval"'):
        near.start(connection)
    with refused(connection, NotDeployed, 'nor is any other; "perdure deploy"'):
        order_approval.with_options(schema="public").start(connection, 1)
    with refused(connection, NotDeployed, "but other versions of it are"):
        order_approval.with_options(version=9).start(connection, 1)
    connection.execute("drop function workflows.taken_away()")
    with refused(connection, NotDeployed, "but other versions"):
        not_deployed.start(connection)


def test_there_is_no_runtime(postgres: str) -> None:
    missing = "perdure runtime install"
    with psycopg.connect(postgres) as elsewhere:
        with refused(elsewhere, NotDeployed, missing):
            slow.start(elsewhere)
        elsewhere.rollback()


def test_another_role_needs_rights(connection: Connection) -> None:
    connection.execute("create role nobody_here")
    connection.execute("set role nobody_here")
    with refused(connection, NotPermitted, "grant execute on function workflows.slow"):
        slow.start(connection)
    with pytest.raises(NotPermitted, match=r"df\.grant_usage"):
        slow.attach(connection, "00000000").status()


def test_a_role_with_the_rights_of_applications(connection: Connection) -> None:
    """What `perdure deploy` and the runtime's owner grant is all that is needed."""
    for statement in (
        "create role only_app",
        "select df.grant_usage('only_app')",
        "grant usage on schema workflows to only_app",
        "grant execute on all functions in schema workflows to only_app",
        "set role only_app",
    ):
        connection.execute(statement)
    keyed = slow.with_options(key="as another role")
    assert keyed.start(connection).run_id == keyed.start(connection).run_id
    run = order_approval.start(connection, 1)
    run.signal("approval", {"approved": True, "note": None})
    run.pause()
    assert run.status() == "paused"
    run.cancel()
    with pytest.raises(perdure.RunCancelled):
        run.wait()


def test_what_is_no_connection(url: str) -> None:
    with pytest.raises(WrongConnection, match=r"found builtins\.str"):
        slow.start(url)  # type: ignore[call-overload]


def test_other_errors_are_the_driver_s_own(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.close()
        with pytest.raises(psycopg.OperationalError):
            slow.start(connection)


def test_a_failed_transaction_is_the_caller_s(connection: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        connection.execute("select 1 / 0")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        slow.start(connection)


def test_any_row_factory_will_do(url: str) -> None:
    with psycopg.connect(
        url, row_factory=dict_row, cursor_factory=psycopg.RawCursor
    ) as connection:
        assert slow.start(connection).status() == "pending"
        connection.rollback()
