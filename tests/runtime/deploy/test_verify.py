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
