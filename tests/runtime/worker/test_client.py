"""Starting workflows with inputs as text, and reading runs back."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from perdure.engine import client
from perdure.engine.database import Database, connect
from perdure.engine.errors import (
    EngineError,
    MissingPrivilege,
    MissingRuntime,
    UsageError,
)
from perdure.engine.follow import walk
from perdure.engine.install import install, read_status
from perdure.engine.listening import listening
from perdure.engine.watch import Outbox, read, watch
from tests.runtime.worker.processes import WorkerProcess, wait_until
from tests.runtime.worker.runs import Connection, await_end

Spawn = Callable[..., WorkerProcess]

FUNCTION = """
create schema workflows;
create domain positive as integer check (value > 0);
create function workflows.hello(
  who text, times integer, "Odd Name" positive default 1, at timestamptz default null
) returns text language plpgsql as $$
begin
  if who is null then
    raise null_value_not_allowed using message = 'input who may not be null';
  end if;
  return df.start(df.seq(
    df.as(df.wait_for_signal('go', 60), 's'),
    df.return('select jsonb_build_object(''who'', $input.who::text) as result')
  ), 'hello@1', input => jsonb_build_object('who', who, 'times', times));
end $$;
insert into perdure.workflow_versions (name, version, digest, signature, source,
  source_map, compiler_version, target)
values ('hello', 1, 'abc', 'who text', '',
  '[{"path": "steps", "name": null, "role": "run", "file": "w.yaml", "line": 1},
    {"path": "steps[0]", "name": "go", "role": "signal", "file": "w.yaml", "line": 5},
    {"path": "steps[1]", "name": null, "role": "return", "file": "w.yaml", "line": 7}]',
  '0', 'perdure');
"""


@pytest.fixture
def hello(connection: Connection) -> client.Function:
    connection.execute(FUNCTION)
    return client.find_function(connection, "workflows", "hello")


def refused(
    connection: Connection, function: client.Function, **inputs: str
) -> list[str]:
    with pytest.raises(UsageError) as caught:
        client.start(connection, function, inputs)
    count = connection.execute("select count(*) from df.instances").fetchone()
    assert count == (0,)
    return str(caught.value).splitlines()


def test_function_has_names_types_and_what_is_required(hello: client.Function) -> None:
    assert hello.parameters == (
        client.Parameter("who", "text", True),
        client.Parameter("times", "integer", True),
        client.Parameter("Odd Name", "positive", False),
        client.Parameter("at", "timestamp with time zone", False),
    )


def test_all_wrong_inputs_are_told_before_anything_starts(
    connection: Connection, hello: client.Function
) -> None:
    inputs = {"whom": "x", "times": "many", "Odd Name": "0", "at": "soon"}
    lines = refused(connection, hello, **inputs)
    assert lines[0] == 'no input "whom"; did you mean "who"?'
    assert lines[1] == 'input "who" (text) is missing'
    assert lines[2].startswith('input "times" is integer: invalid input syntax')
    assert lines[3].startswith('input "Odd Name" is positive: value for domain')
    assert lines[4].startswith('input "at" is timestamp with time zone: invalid')
    assert len(lines) == 5


def test_number_out_of_range_is_told(
    connection: Connection, hello: client.Function
) -> None:
    lines = refused(connection, hello, who="x", times="3000000000")
    assert lines == [
        'input "times" is integer: value "3000000000" is out of range for type integer'
    ]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("helo", 'did you mean "hello"?'),
        ("zzz", "deployed are: hello"),
        ("hello@7", "no workflow"),
    ],
)
def test_unknown_workflow(
    connection: Connection, hello: client.Function, name: str, message: str
) -> None:
    with pytest.raises(UsageError) as caught:
        client.find_function(connection, "workflows", name)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "who", ["O'Brien", "", "$input.times", "{sys_label}", "%s", "ü\n\\", "x" * 100_000]
)
def test_run_from_start_to_result(
    database: Database,
    connection: Connection,
    hello: client.Function,
    spawn: Spawn,
    who: str,
) -> None:
    spawn()
    run = client.start(connection, hello, {"who": who, "times": "3"})
    outbox = Outbox([("go", '{"by": "me"}')])
    seen = list(watch(database, run, outbox))
    assert seen[-1].run.status == "completed"
    assert outbox.signals == []
    assert client.result(connection, run) == {"who": who}
    states = [(each.label, each.state) for each in walk(seen[-1].steps)]
    assert states == [("go", "completed"), ("return", "completed")]


def test_waiting_run_is_shown_with_place_and_deadline(
    connection: Connection, hello: client.Function, spawn: Spawn
) -> None:
    spawn()
    run = client.start(connection, hello, {"who": "x", "times": "3"})
    _until_waiting(connection, run)
    followed = read(connection, run)
    go = followed.steps[0]
    assert (go.state, go.waits_for, go.place) == ("waiting", "signal", "w.yaml:5")
    assert go.wake_at is not None
    left = (go.wake_at - followed.run.now).total_seconds()
    assert 50 < left <= 60
    assert followed.steps[1].state == "pending"
    client.cancel(connection, run, "test")
    assert await_end(connection, run) == {"cancelled"}
    assert read(connection, run).steps[0].state == "cancelled"


def test_ended_run_takes_no_signal_and_no_cancel(
    connection: Connection, hello: client.Function
) -> None:
    run = client.start(connection, hello, {"who": "x", "times": "3"})
    client.cancel(connection, run, "test")
    with pytest.raises(UsageError, match="has ended"):
        client.signal(connection, run, "go", "{}")
    with pytest.raises(UsageError, match="has ended"):
        client.cancel(connection, run, "again")


def test_signal_has_to_be_json(connection: Connection, hello: client.Function) -> None:
    run = client.start(connection, hello, {"who": "x", "times": "3"})
    with pytest.raises(UsageError, match="'yes' is not JSON"):
        client.signal(connection, run, "go", "yes")


def test_run_that_is_not_there(connection: Connection) -> None:
    with pytest.raises(UsageError, match='no run "deadbeef"'):
        client.find_run(connection, "deadbeef")


def test_runs_are_listed_newest_first(
    connection: Connection, hello: client.Function
) -> None:
    runs = [
        client.start(connection, hello, {"who": str(n), "times": "1"}) for n in range(3)
    ]
    client.cancel(connection, runs[1], "test")
    assert [each.id for each in client.list_runs(connection)] == runs[::-1]
    assert [each.id for each in client.list_runs(connection, limit=1)] == runs[2:]
    cancelled = client.list_runs(connection, status="cancelled")
    assert [each.id for each in cancelled] == [runs[1]]
    assert client.list_runs(connection, workflow="other") == []
    assert len(client.list_runs(connection, workflow="hello")) == 3


def test_workers_are_counted(connection: Connection, spawn: Spawn) -> None:
    assert client.workers(connection) == 0
    spawn()
    assert client.workers(connection) > 0


def test_database_without_runtime(bare_url: str) -> None:
    bare = Database(bare_url, "the test")
    with (
        pytest.raises(MissingRuntime, match="perdure runtime install"),
        client.session(bare) as connection,
    ):
        client.find_run(connection, "deadbeef")


def test_install_is_idempotent_and_complete(bare_url: str) -> None:
    bare = Database(bare_url, "the test")
    first = install(bare)
    assert (first[0].installed, first[1].current) == (None, True)
    again = install(bare)
    assert again[0].current
    with connect(bare_url) as connection:
        assert read_status(connection).current
        connection.execute("comment on schema df is 'Perdure runtime 0.1.0 other'")
        assert read_status(connection).other_build


def test_install_without_privileges(bare_url: str) -> None:
    with connect(bare_url, autocommit=True) as connection:
        connection.execute("drop role if exists guest")
        connection.execute("create role guest login")
    guest = Database(bare_url.replace("postgres@", "guest@"), "the test")
    with pytest.raises(MissingPrivilege, match="permission denied"):
        install(guest)
    with connect(bare_url, autocommit=True) as connection:
        assert read_status(connection).installed is None
        connection.execute("drop role guest")


def test_schema_of_another_owner_is_left_alone(bare_url: str) -> None:
    with connect(bare_url, autocommit=True) as connection:
        connection.execute("create schema df")
    with pytest.raises(EngineError, match="not of Perdure's runtime"):
        install(Database(bare_url, "the test"))


def _until_waiting(connection: Connection, run: str) -> None:
    wait_until(lambda: listening(connection, run, "go").signals == {"go": True})
