"""`verify` where versions start each other: whose runs need what a change takes."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import Perdure, caller, execute, make_project

SCHEMA = """\
create schema shop;
create table shop.orders (id bigint primary key, email text, total numeric not null);
insert into shop.orders values (1, 'a', 10);
"""
SHIP = """\
workflow: ship
timeout: 3d
steps:
  - {name: order, sql: select email from shop.orders, expect: one}
  - wait_for_signal: packed
  - return: {email: "${order.email}"}
"""
OUTER = """\
workflow: outer
steps:
  - wait_for_signal: approval
  - call: ship
"""
TOP = "workflow: top\nsteps:\n  - wait_for_signal: go\n  - start: outer\n"
ARMS = """\
workflow: ship
input: {way: text}
steps:
  - if: way = 'air'
    then:
      - wait_for_signal: landed
    elif:
      - if: way = 'sea'
        then:
          - wait_for_signal: landed
          - return: {late: true}
    else:
      - wait_for_signal: arrived
      - {name: mail, sql: select email from shop.orders, expect: maybe}
  - wait_for_signal: packed
  - switch: way
    cases:
      road:
        - wait_for_signal: left
    default:
      - {name: last, sql: select email from shop.orders, expect: maybe}
"""
WITHOUT = SHIP.replace("select email", "select '' as email")


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    return make_project(tmp_path, postgres, SHIP, SCHEMA)


@pytest.fixture
def perdure(project: Path, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    monkeypatch.setenv("NO_COLOR", "1")
    return caller(project)


@pytest.fixture
def callers(perdure: Perdure, project: Path, database: str, runtime: None) -> None:
    """Deploy `top`, which starts `outer`, which calls `ship`: two versions of each.

    The second ones do without a column that is about to go.
    """
    for text in (OUTER, TOP):
        (project / "workflows" / f"{text.split()[1]}.yaml").write_text(text)
    execute(database, SCHEMA)
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    (project / "workflows" / "ship.yaml").write_text(WITHOUT)
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    text = SCHEMA.replace("email text, ", "").replace("'a', ", "")
    (project / "schema.sql").write_text(text)


def begin(database: str, *functions: str, signals: tuple[str, ...] = ()) -> list[str]:
    """Start runs, send each the signals, and return their ids."""
    with psycopg.connect(database, autocommit=True) as connection:
        found = []
        for each in functions:
            row = connection.execute(f"select workflows.{each}()".encode()).fetchone()
            assert row is not None
            found.append(str(row[0]))
        for name in signals:
            for run in found:
                connection.execute("select df.signal(%s, %s, '{}')", [run, name])
        connection.execute("call df.work(1000, 20000)")
    return found


@pytest.mark.usefixtures("callers")
def test_runs_that_still_start_a_version_need_it(
    perdure: Perdure, project: Path, database: str
) -> None:
    done = perdure("verify", "--db", database).stdout
    assert 'warning[WF513]: ship@1: column "email" does not exist' in done
    waiting = begin(database, "outer_v1", "top_v1")
    begin(database, "outer_v1", signals=("approval",))  # is past what goes
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    (broken,) = found["findings"]
    assert (broken["workflow"], broken["version"]) == ("ship", 1)
    assert broken["runs"] == waiting
    done = perdure("verify", "--db", database, code=1).stdout
    assert (
        f"  = note: 1 run of outer@1 still starts it: {waiting[0]}\n"
        f"  = note: 1 run of top@1 still starts it: {waiting[1]}\n"
        "  = help: change the schema once its runs and those of outer@1, top@1 have "
        "ended (perdure versions shows them) and they are retired: "
        "perdure retire top@1 outer@1 ship@1\n"
    ) in done
    perdure("retire", "top@1", "--offline")
    (file,) = (project / "migrations").glob("*retire*.up.sql")
    done = perdure("verify", "--db", database, code=1).stdout
    assert (
        f"retired: perdure retire outer@1 ship@1, and deploy migrations/{file.name}\n"
    ) in done
    (project / "workflows.lock").unlink()
    for path in (project / "migrations").iterdir():
        path.unlink()
    done = perdure("verify", "--db", database, code=1).stdout
    assert f"1 run of top@1 still starts it: {waiting[1]}" in done


@pytest.mark.usefixtures("callers")
def test_a_failed_run_that_would_start_a_version_again_is_told(
    perdure: Perdure, database: str
) -> None:
    execute(database, "alter table shop.orders drop column email")
    (run,) = begin(database, "outer_v1", signals=("approval",))
    done = perdure("verify", "--db", database).stdout
    assert "1 failed run comes to it if retried, and would fail there" in done
    told = f"1 failed run of outer@1 starts it if retried, and would fail there: {run}"
    assert told in done


@pytest.mark.usefixtures("callers")
def test_versions_that_those_in_force_start_are_needed(
    perdure: Perdure, project: Path, database: str
) -> None:
    done = perdure("rollback", "outer")
    assert (
        "warning[WF513]: ship@1, which outer@1 starts, does not fit the project's "
        'schema: column "email" does not exist\n'
    ) in done.stderr
    (file,) = (project / "migrations").glob("*rollback*.up.sql")
    done = perdure("verify", "--db", database, code=1).stdout
    assert 'error[WF513]: ship@1: column "email" does not exist' in done
    later = f"with outer@1, which starts it, once migrations/{file.name} is applied"
    assert later in done
    assert "  = help: compile a version of outer that starts one that fits" in done
    perdure("deploy", "--yes", "--database-url", database)
    done = perdure("verify", "--db", database, code=1).stdout
    assert "  = note: new runs of outer@1 start it\n" in done
    assert (
        "  = note: new runs of outer@1 start it\n" in perdure("verify", code=1).stdout
    )


@pytest.mark.usefixtures("callers")
def test_a_call_that_does_not_fit_the_version_called_is_no_matter_of_the_schema(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows.lock").unlink()
    for path in (project / "migrations").iterdir():
        path.unlink()
    execute(
        database,
        "update perdure.workflow_versions set source = replace(source, 'call: ship',"
        " 'call: ship' || e'\n    with: {id: 1}') where name = 'outer' and version = 2",
    )
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    (misfit,) = [e for e in found["findings"] if e["workflow"] == "outer"]
    assert (misfit["severity"], misfit["kind"]) == ("error", "broken-before")
    assert misfit["message"] == 'workflow "ship" has no input "id"'
    assert misfit["advice"] == "compile a version that fits, and deploy it"


@pytest.mark.usefixtures("runtime")
def test_runs_that_took_another_way_do_not_need_a_step(
    perdure: Perdure, project: Path, database: str
) -> None:
    file = project / "workflows" / "ship.yaml"
    for text in (ARMS, ARMS.replace("select email", "select '' as email")):
        file.write_text(text)
        perdure("compile")
    execute(database, SCHEMA)
    perdure("deploy", "--yes", "--database-url", database)
    without = SCHEMA.replace("email text, ", "").replace("'a', ", "")
    (project / "schema.sql").write_text(without)

    def coming() -> dict[str, list[str]]:
        done = perdure("verify", "--db", database, "--json", code=1)
        return {e["step"]: e["runs"] for e in json.loads(done.stdout)["findings"]}

    with psycopg.connect(database, autocommit=True) as connection:

        def start(way: str, *signals: str) -> str:
            query = "select workflows.ship_v1(%s)"
            (run,) = connection.execute(query, [way]).fetchone() or ()
            send(str(run), *signals)
            return str(run)

        def send(run: str, *signals: str) -> None:
            for name in signals:
                connection.execute("select df.signal(%s, %s, '{}')", [run, name])
            connection.execute("call df.work(1000, 20000)")

        air, sea, road = start("air"), start("sea"), start("road")
        past, _ = start("road", "arrived"), start("road", "arrived", "packed")
        assert coming() == {"mail": [road], "last": [air, road, past]}
        for run in (air, sea, road):
            connection.execute("select df.pause(%s)", [run])
            send(run, "landed", "arrived")
        assert coming() == {"mail": [road], "last": [air, road, past]}
        connection.execute("alter table shop.orders drop column email")
        for run in (air, sea, road):
            connection.execute("select df.resume(%s)", [run])
        send(air, "packed")
    done = perdure("verify", "--db", database, code=1).stdout
    last, mail = (part.split("  --> ")[0] for part in done.split("step ")[1:3])
    assert f"1 run still comes to it: {past}" in last
    told = "2 failed runs come to it if retried, and would fail there"
    assert f"{told}: {air}, {road}" in last
    assert "no run in flight comes to it any more" in mail
    assert f"1 failed run comes to it if retried, and would fail there: {road}" in mail


STORE = """\
workflow: ship
timeout: 3d
steps:
  - wait_for_signal: packed
  - name: store
    sql: insert into shop.orders (id, total) values (2, 10)
  - wait_for_signal: paid
"""


@pytest.mark.usefixtures("runtime")
def test_a_column_that_a_version_would_leave_empty(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "ship.yaml").write_text(STORE)
    execute(database, SCHEMA.replace("insert", "-- insert"))
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    (run,) = begin(database, "ship")
    schema = SCHEMA.replace("insert", "-- insert")
    added = "alter table shop.orders add column region text not null;\n"
    (project / "schema.sql").write_text(schema + added)
    assert perdure("verify", "--db", database, code=1).stdout == (
        'error[WF520]: ship@1: the insert leaves "region" of "orders" empty, which is '
        "not null and has no default\n"
        "  --> workflows/ship.yaml:6, as it was compiled, step store\n"
        "  = note: new runs start with this version\n"
        f"  = note: 1 run still comes to it: {run}\n"
        "  = help: give what it leaves out a default in the schema, or compile a "
        "version that fits, and deploy it before the change of schema\n"
    )
    assert "error[WF520]: ship@1: the insert" in perdure("verify", code=1).stdout
    (project / "schema.sql").write_text(schema + added.replace(";", " default 'eu';"))
    assert "good: 1 version fits" in perdure("verify", "--db", database).stdout
    text = STORE.replace("(id, total) values (2", "(id, region, total) values (2, 'eu'")
    (project / "workflows" / "ship.yaml").write_text(text)
    perdure("compile")
    (project / "schema.sql").write_text(schema + added)
    execute(database, added.replace(";", " default 'eu';"))
    perdure("deploy", "--yes", "--database-url", database)
    found = perdure("verify", "--db", database, code=1).stdout
    assert "error[WF520]: ship@1" in found
    assert "default in the schema, or change the schema once its runs" in found
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select df.signal(%s, 'packed', '{}')", [run])
        connection.execute("call df.work(1000, 20000)")
    found = perdure("verify", "--db", database).stdout
    assert found.startswith("warning[WF520]: ship@1")
    assert "  = note: no run in flight comes to it any more\n" in found
    execute(database, "alter table shop.orders alter column region drop default")
    begin(database, "ship_v1")
    found = perdure("verify", "--db", database, code=1).stdout
    assert "  = note: it was not good before, either\n" in found
    assert "= help: give what it leaves out a default in the schema, or take" in found
