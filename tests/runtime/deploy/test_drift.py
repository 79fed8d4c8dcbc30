"""What drift finds beside versions, and the SQL that it prints to mend it."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests.runtime.deploy.conftest import WORKFLOW, Perdure, caller, dump

pytestmark = pytest.mark.usefixtures("runtime")
UNGUARDED = "set session_replication_role = replica;"
"""What lets the register lose a row that has others after it."""
SCHEDULED = """\
workflow: tick
schedule: "0 3 * * *"
steps:
  - return: 1
"""


def execute(database: str, text: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(text.encode())


def mend(perdure: Perdure, database: str) -> None:
    """Execute what drift prints, as psql would."""
    execute(database, perdure("drift", "--sql", code=1).stdout)


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "create or replace function workflows.hello(who text,"
            " mark text default '!') returns text language sql as $$select 'x'$$",
            'hello@3 has a function "hello" that was edited in place',
        ),
        (
            "drop function workflows.hello_v1(text)",
            'hello@1 is registered, and its function "hello_v1" is gone',
        ),
        (
            "create or replace function workflows.hello_v2(who text) returns text"
            " language plpgsql as $$begin return 'x'; end$$",
            'hello@2 has a function "hello_v2" that was edited in place',
        ),
        (
            "update perdure.workflow_versions set retired_at = now() where version = 1",
            "hello@1 is marked as retired",
        ),
        (
            "alter function workflows.hello_v1 immutable strict",
            "volatility: immutable instead of volatile; "
            "null inputs: give null instead of are passed",
        ),
        (
            "alter function workflows.hello_v1 security definer",
            '"hello_v1" that was edited in place: '
            "runs as: its owner instead of its caller",
        ),
        (
            "alter function workflows.hello_v2 set search_path = evil;"
            " alter function workflows.hello_v2 set work_mem = '64MB'",
            "settings: search_path=evil, work_mem=64MB instead of search_path=public",
        ),
        (
            "alter function workflows.hello_v2 reset all",
            "settings: none instead of search_path=public",
        ),
        (
            "create or replace function workflows.hello(who text,"
            " mark text default '?') returns text language sql volatile"
            " as $current$\n  select workflows.hello_v3(who, mark)\n$current$",
            "arguments: who text, mark text DEFAULT '?'::text"
            " instead of who text, mark text DEFAULT '!'::text",
        ),
        (
            "drop function workflows.hello;"
            " create function workflows.hello(who text, mark text default '!')"
            " returns varchar language sql volatile"
            " as $current$\n  select workflows.hello_v3(who, mark)\n$current$",
            "result: character varying instead of text",
        ),
        (
            "drop function workflows.hello_v1; create procedure"
            " workflows.hello_v1(who text) language sql as 'select 1'",
            "kind: procedure instead of function",
        ),
        (
            "drop function workflows.hello_v1;"
            " create function workflows.hello_v1(other integer) returns text"
            " language sql as 'select 1::text';"
            " create function workflows.hello_v1(other bigint) returns text"
            " language sql as 'select 1::text'",
            "arguments: (other integer) and (other bigint) instead of (who text)",
        ),
        (
            "set check_function_bodies = off;"
            " create function workflows.hello(who integer[]) returns text"
            " language sql as $current$\n  select workflows.hello_v3(who, mark)\n"
            "$current$",
            'hello@3 has a function "hello", and another one of its name is there: '
            "hello(integer[])",
        ),
        (  # the stray one has the text of the right one
            "create function workflows.hello_v2(who varchar) returns text"
            " language sql as 'select 1::text';"
            " update pg_proc p set prosrc = q.prosrc from pg_proc q"
            " where p.oid = 'workflows.hello_v2(varchar)'::regprocedure"
            " and q.oid = 'workflows.hello_v2(text)'::regprocedure;"
            " create or replace function workflows.hello_v2(who text) returns text"
            " language plpgsql as $$begin return 'x'; end$$",
            '"hello_v2" that was edited in place: its text',
        ),
        (
            "drop schema workflows cascade",
            'hello@1 is registered, and its function "hello_v1" is gone',
        ),
        (
            f"{UNGUARDED} delete from perdure.workflow_versions where version = 2",
            "hello@2 is not registered, and its function is there",
        ),
        (
            "delete from perdure.workflow_versions where version = 3",
            "hello@3 is not registered, and its function is there",
        ),
        (
            "update perdure.workflow_versions set source = source || '#' where"
            " version = 2",
            "hello@2 is registered with another source than its migration writes",
        ),
        (
            "update perdure.workflow_versions set source_map = '[]', signature = ''"
            " where version = 3",
            "hello@3 is registered with another signature and source map than",
        ),
    ],
)
def test_the_printed_sql_leads_back_to_agreement(
    released: Perdure, database: str, statement: str, message: str
) -> None:
    execute(database, statement)
    assert message in released("drift", code=1).stdout
    mend(released, database)
    assert "no drift" in released("drift").stdout
    found = json.loads(released("versions", "--json").stdout)
    assert [each["state"] for each in found] == ["superseded", "superseded", "current"]


def test_rights_outlive_what_is_made_again(released: Perdure, database: str) -> None:
    role = f"clerk_{uuid.uuid4().hex}"
    execute(
        database,
        f"create role {role}; drop function workflows.hello_v1;"
        " create function workflows.hello_v1(n integer) returns text"
        " language sql as 'select 1::text';"
        "revoke all on function workflows.hello_v1 from public;"
        f"grant execute on function workflows.hello_v1 to {role}",
    )
    try:
        mend(released, database)
        assert "no drift" in released("drift").stdout
        query = (
            "select has_function_privilege(%s, 'workflows.hello_v1(text)','execute')"
        )
        with psycopg.connect(database) as connection:
            assert connection.execute(query, [role]).fetchone() == (True,)
            assert connection.execute(query, ["pg_monitor"]).fetchone() == (False,)
    finally:
        execute(database, f"drop owned by {role}; drop role {role}")


def test_a_monitor_needs_no_rights_on_what_it_looks_at(
    released: Perdure, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_only = make_conninfo(database, options="-c default_transaction_read_only=on")
    monkeypatch.setenv("PERDURE_DATABASE_URL", read_only)
    done = released("drift")
    assert "no drift" in done.stdout
    assert done.stderr.count("only the text is compared") == 1
    assert 'of 4 functions, "hello_v1", "hello_v2", "hello_v3" ...' in done.stderr
    execute(
        database,
        "create or replace function workflows.hello_v2(who text)"
        " returns text language plpgsql as $$begin return 'x'; end$$",
    )
    assert "edited in place: its text" in released("drift", code=1).stdout


def test_nothing_is_left_of_looking(released: Perdure, database: str) -> None:
    before = dump(database)
    released("drift")
    assert dump(database) == before


def test_an_older_checkout_undoes_nothing(
    released: Perdure, project: Path, database: str
) -> None:
    older = (project / "workflows.lock").read_text()
    released("rollback", "hello")
    released("retire", "hello@1")
    released("deploy", "--yes")
    before = dump(database)
    (project / "workflows.lock").write_text(older)
    assert "WF706" in released("drift", code=1).stderr
    for name in ("rollback", "retire"):
        for path in (project / "migrations").glob(f"*_{name}_*"):
            path.unlink()
    done = released("drift", code=1).stdout
    assert "the lock does not know it" in done
    assert "edited" not in done
    assert "retired" not in done
    mend(released, database)
    assert dump(database) == before


def test_a_retirement_that_is_not_marked(released: Perdure, database: str) -> None:
    released("retire", "hello@1")
    released("deploy", "--yes")
    execute(database, "update perdure.workflow_versions set retired_at = null")
    assert "hello@1 is retired, and not marked" in released("drift", code=1).stdout
    mend(released, database)
    assert "no drift" in released("drift").stdout


def test_a_retirement_that_waits_for_runs_holds_back_what_comes_after_it(
    released: Perdure, project: Path, database: str
) -> None:
    with psycopg.connect(database) as connection:
        row = connection.execute("select workflows.hello_v1('you')").fetchone()
    assert row is not None
    released("retire", "hello@1", "--offline")
    other = WORKFLOW.replace("workflow: hello", "workflow: other")
    (project / "workflows" / "other.yaml").write_text(other)
    released("compile")
    told = released("drift", code=1).stdout
    assert (
        "perdure deploy, which stops at it, and at what comes after it, while 1 run on "
        "hello@1 can go on: wait until they have ended, take those that wait to "
        "another version (perdure move RUN --to N), or end them (perdure cancel RUN): "
        f"{row[0]}; the repo is newer\n"
    ) in told
    done = released("deploy", "--yes", code=1).stderr
    assert "then perdure deploy again; this migration waits for it: other@1\n" in done
    released("cancel", str(row[0]))
    assert "deployed other@1" in released("deploy", "--yes").stdout


def test_another_project_of_the_database_is_no_drift(
    released: Perdure,
    project: Path,
    database: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Its functions are in its own schema; in this one, they would be unknown."""
    folder = tmp_path_factory.mktemp("another")
    shutil.copy(project / "perdure.toml", folder)
    toml = folder / "perdure.toml"
    toml.write_text('sql_schema = "another"\n' + toml.read_text())
    (folder / "workflows").mkdir()
    other = WORKFLOW.replace("workflow: hello", "workflow: other")
    (folder / "workflows" / "other.yaml").write_text(other)
    another = caller(folder)
    another("compile")
    another("deploy", "--yes")
    for perdure in (released, another):
        assert "no drift" in perdure("drift").stdout
        assert "nothing to do" in perdure("deploy", "--yes").stdout
    execute(database, "alter function another.other_v1(text) set schema workflows")
    assert "other@1 is deployed, and no workflow of this project has its name" in (
        released("drift", code=1).stdout
    )


def test_what_no_sql_mends_is_said_and_not_printed(
    released: Perdure, project: Path, database: str
) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "insert into perdure.workflow_versions select 'other', 1, digest,"
            " signature, source, source_map, compiler_version, target"
            " from perdure.workflow_versions limit 1"
        )
    done = released("drift", "--sql", code=1)
    assert done.stdout == ""
    assert "other@1 is deployed, and no workflow of this project has" in done.stderr
    assert (
        "if it was reverted in git, restore its migrations and the lock, without its "
        "source, and retire it: perdure retire other\n"
        "nothing of this can be mended with SQL\n"
    ) in done.stderr


def test_deploy_tells_of_functions_that_are_gone(
    released: Perdure, database: str
) -> None:
    execute(database, "drop schema workflows cascade")
    done = released("deploy", "--yes", code=1)
    assert "nothing to do" not in done.stdout
    assert 'hello@1 is registered, and its function "hello_v1" is gone' in done.stderr
    assert "perdure drift --sql" in done.stderr
    mend(released, database)
    assert "nothing to do" in released("deploy", "--yes").stdout


def test_line_ends_are_no_drift(perdure: Perdure, project: Path, database: str) -> None:
    """A tool applies the files of a checkout with CRLF as they are."""
    perdure("compile")
    for path in (project / "migrations").iterdir():
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    text = (project / "migrations" / "0001_hello_v1.up.sql").read_bytes().decode()
    execute(database, text)
    assert "no drift" in perdure("drift").stdout
    assert "nothing to do" in perdure("compile", "--check").stdout


def test_a_run_on_a_retired_version_is_told(released: Perdure, database: str) -> None:
    released("retire", "hello@1")
    released("deploy", "--yes")
    execute(database, "select df.start('df.wait_for_signal(''x'')', 'hello@1')")
    done = released("drift").stdout
    assert "warning: hello@1 is retired, and has 1 run in flight: " in done
    assert "no drift" in done


def test_a_retired_version_that_is_there_again(
    released: Perdure, database: str
) -> None:
    released("retire", "hello@1")
    released("deploy", "--yes")
    execute(
        database,
        "create function workflows.hello_v1() returns int language sql return 1",
    )
    done = released("drift", code=1).stdout
    assert 'hello@1 is retired, and a function "hello_v1" is there' in done
    mend(released, database)
    assert "no drift" in released("drift").stdout


LOST_VERSION = (
    f"{UNGUARDED} delete from perdure.workflow_versions where version = {{0}};"
    " drop function workflows.hello_v{0}"
)
LOST_CHANGE = f"{UNGUARDED} delete from perdure.workflow_changes where number = {{}}"


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (LOST_VERSION.format(3), "hello@3 is not deployed, and hello, change 3 after"),
        (LOST_VERSION.format(4), "hello@4 is not deployed, and hello, change 3 after"),
        (
            f"{UNGUARDED} delete from perdure.workflow_versions where version = 1",
            "hello@1 is not deployed, and hello, change 3 after",
        ),
        (LOST_CHANGE.format(1), "hello, change 1 is not registered, and hello@"),
        (LOST_CHANGE.format(2), "hello, change 2 is not registered, and what it ret"),
        (LOST_CHANGE.format(3), "hello, change 3 is not registered, and hello@2 is"),
        (
            f"{UNGUARDED} delete from perdure.workflow_changes",
            "hello, change 2 is not registered, and what it retires is gone",
        ),
        (
            f"{UNGUARDED} delete from perdure.workflow_changes; delete from"
            " perdure.workflow_versions where version > 1",
            "hello@3 is not registered, and its function is there",
        ),
    ],
)
def test_what_the_register_lost_is_told_and_not_deployed(
    changed: Perdure, database: str, statement: str, message: str
) -> None:
    before, runs = dump(database), json.loads(changed("ps", "--json").stdout)
    execute(database, statement)
    assert message in changed("drift", code=1).stdout
    assert message in changed("deploy", "--yes", code=1).stderr
    mend(changed, database)
    assert "no drift" in changed("drift").stdout
    assert "nothing to do" in changed("deploy", "--yes").stdout
    assert timeless(dump(database)) == timeless(before)
    assert json.loads(changed("ps", "--json").stdout) == runs
    found = json.loads(changed("versions", "--json").stdout)
    states = ["retired", "current", "superseded", "superseded"]
    assert [each["state"] for each in found] == states


def test_what_has_runs_is_not_dropped_as_retired(
    changed: Perdure, database: str
) -> None:
    """A retirement that was passed over: its row is written when nothing runs."""
    execute(database, LOST_CHANGE.format(2))
    execute(
        database,
        "update perdure.workflow_versions set retired_at = null;"
        "create function workflows.hello_v1() returns int language sql return 1;"
        "select df.start('df.wait_for_signal(''x'')', 'hello@1')",
    )
    done = changed("drift", code=1).stdout
    assert [each for each in done.splitlines() if not each.startswith("  ")] == [
        "hello, change 2 is not deployed, and hello, change 3 after it is"
    ]
    before = dump(database)
    with pytest.raises(psycopg.Error, match="while 1 run has not ended") as refused:
        mend(changed, database)
    assert refused.value.sqlstate == "PD034"
    assert dump(database) == before
    execute(
        database, "select df.cancel(id, '') from df.instances where label like '%1'"
    )
    mend(changed, database)
    assert "no drift" in changed("drift").stdout


@pytest.fixture
def changed(released: Perdure, project: Path, database: str) -> Perdure:
    """Four versions, rolled back to 2, the first retired, back to 2 again from 4.

    A run waits on the fourth.
    """
    released("rollback", "hello")
    released("retire", "hello@1", "--offline")
    path = project / "workflows" / "hello.yaml"
    path.write_text(WORKFLOW.replace("Hello", "Good evening"))
    released("compile")
    released("rollback", "hello")
    released("deploy", "--yes")
    execute(database, "select workflows.hello_v4('you')")
    return released


def timeless(text: str) -> list[str]:
    """Return the lines of a dump without times, which are lost with a row."""
    times = r"'(?:changed|deployed|retired)_at': '[^']*'(?:, )?"
    return [re.sub(times, "", line) for line in text.splitlines()]


def test_schedules(perdure: Perdure, project: Path, database: str) -> None:
    (project / "workflows" / "tick.yaml").write_text(SCHEDULED)
    perdure("compile")
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout
    (supervisor,) = json.loads(perdure("ps", "--json").stdout)
    perdure("cancel", supervisor["run"])
    done = perdure("drift", code=1).stdout
    assert "tick@1 has a schedule, and no run that starts it" in done
    mend(perdure, database)
    assert "no drift" in perdure("drift").stdout
    execute(database, "select workflows.tick_v1_schedule()")
    found = json.loads(perdure("drift", "--json", code=1).stdout)["differences"]
    assert [(each["kind"], each["subject"]) for each in found] == [
        ("schedule", "tick@1")
    ]
    assert found[0]["advice"].startswith("perdure cancel ")
    perdure("cancel", found[0]["advice"].split()[-1])
    assert "no drift" in perdure("drift").stdout


def test_who_owns_a_function_and_may_call_it(
    perdure: Perdure, project: Path, database: str
) -> None:
    role = f"clerk_{project.name[-20:].replace('-', '_')}"
    execute(database, f"create role {role}")
    try:
        execute(database, f"select df.grant_usage('{role}')")
        text = WORKFLOW.replace("input:", f"role: {role}\ninput:")
        (project / "workflows" / "hello.yaml").write_text(text)
        perdure("compile")
        perdure("deploy", "--yes")
        assert "no drift" in perdure("drift").stdout
        execute(database, "alter function workflows.hello(text) owner to current_user")
        execute(database, "grant execute on function workflows.hello_v1 to public")
        done = perdure("drift", code=1).stdout
        assert f'function "hello" that belongs to "postgres", not to "{role}"' in done
        assert f'"hello_v1" that runs as "{role}", and everybody may call it' in done
        mend(perdure, database)
        assert "no drift" in perdure("drift").stdout
    finally:
        execute(database, f"drop owned by {role} cascade; drop role {role}")
