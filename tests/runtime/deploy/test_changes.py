"""`diff`, `verify`, `drift` with a database: what a change means for runs in flight."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.runtime.deploy.conftest import caller, execute, make_project

SCHEMA = """\
create schema shop;
create table shop.orders (id bigint primary key, email text, total numeric not null);
create function shop.tax(amount numeric) returns numeric immutable
  language sql as 'select amount * 0.2';
create view shop.big as select id from shop.orders where total > 1000;
insert into shop.orders values (1, 'a@example.com', 10);
"""
WORKFLOW = """\
workflow: approve
input:
  id: bigint
steps:
  - name: order
    sql: select email, shop.tax(total) as tax from shop.orders where id = :id
    expect: one
  - wait_for_signal: approval
  - name: again
    sql: |
      select total from shop.orders
      where shop.tax(total) > 0 and id in (select id from shop.big)
  - return: {tax: "${order.tax}"}
"""
Perdure = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    return make_project(tmp_path, postgres, WORKFLOW, SCHEMA)


@pytest.fixture
def perdure(project: Path, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    monkeypatch.setenv("NO_COLOR", "1")
    return caller(project)


@pytest.fixture
def waiting(perdure: Perdure, database: str, runtime: None) -> str:
    """Deploy the workflow, and return the id of a run that waits for its signal."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(SCHEMA)
        perdure("compile")
        perdure("deploy", "--yes", "--database-url", database)
        row = connection.execute("select workflows.approve(1)").fetchone()
        connection.execute("call df.work(1000, 20000)")
    assert row is not None
    return str(row[0])


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def migrate(project: Path, old: str, new: str) -> None:
    rewrite(project / "schema.sql", old, new)


@pytest.mark.usefixtures("waiting")
def test_runs_in_flight_are_told_what_a_change_means_for_them(
    perdure: Perdure, project: Path, database: str
) -> None:
    assert perdure("diff", "--db", database).stdout == "no differences\n"
    rewrite(project / "workflows" / "approve.yaml", "approval", "decision")
    migrate(project, "0.2", "0.3")
    done = perdure("diff", "--db", database).stdout
    assert "~ workflow approve, changed: breaking\n" in done
    assert (
        "runs in flight on approve@1: 1\n"
        '  1 at steps[1]: signal "approval" (workflows/approve.yaml:8)\n'
        "  ! 1 run stays on approve@1 until it ends\n"
        '  ! 1 run waits for "approval"; the new version waits for "decision": '
        'go on sending "approval" to it\n'
        "  ! 1 run calls shop.tax(numeric), which the project's schema changes\n"
    ) in done
    data = json.loads(perdure("diff", "--db", database, "--json").stdout)
    (run,) = data["runs"]
    assert (run["workflow"], run["version"], run["runs"]) == ("approve", 1, 1)
    assert run["waiting"][0]["signal"] == "approval"
    assert (
        "Runs in flight" in perdure("diff", "--db", database, "--format", "html").stdout
    )


@pytest.mark.usefixtures("waiting")
def test_workflows_of_other_projects_are_left_out(
    perdure: Perdure, project: Path, database: str
) -> None:
    with psycopg.connect(database) as connection:
        for name in ("another", "approve_0a1b2c3d"):
            connection.execute(
                "insert into perdure.workflow_versions (name, version, digest,"
                " signature, source, source_map, compiler_version, target)"
                " select %s, 1, digest, signature, source, source_map,"
                " compiler_version, target from perdure.workflow_versions limit 1",
                [name],
            )
    done = perdure("diff", "--db", database)
    assert done.stdout == "no differences\n"
    assert "deployed, and not of this project: another\n" in done.stderr


def test_a_column_that_a_waiting_run_needs_must_stay(
    perdure: Perdure, project: Path, database: str, waiting: str
) -> None:
    assert "good: 1 version fits" in perdure("verify", "--db", database).stdout
    migrate(project, "total numeric not null", "amount numeric not null")
    migrate(project, "where total > 1000", "where amount > 1000")
    data = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    found = {
        each["step"]: each for each in data["findings"] if each["kind"] == "broken"
    }
    assert found["again"]["severity"] == "error"
    assert found["again"]["runs"] == [waiting]
    assert found["order"]["runs"] == []
    assert found["order"]["message"] == 'column "total" does not exist'
    assert found["order"]["place"] == "workflows/approve.yaml:6"


BROKEN = """\
workflow: approve
input:
  id: bigint
steps:
  - name: order
    sql: select email from shop.orders where id = :id
    expect: one
  - name: again
    sql: select total from shop.orders where email = :order.email and id = :id
    expect: one
  - sql: update shop.orders set total = :again.total where email = :order.email
  - sql: delete from shop.mails where whom = :order.email and sum > :again.total
"""


def test_columns_of_a_workflow_that_is_taken_in_are_its_own(
    perdure: Perdure, project: Path, database: str, runtime: None
) -> None:
    """Both have a steps[0] with a column "n", of two types that do not change."""
    (project / "workflows" / "inner.yaml").write_text(
        "workflow: inner\nsteps:\n"
        "  - {name: i, sql: select 'x' as n from shop.orders, expect: one}\n"
        "  - return: ${i.n}\n"
    )
    (project / "workflows" / "approve.yaml").write_text(
        "workflow: approve\nsteps:\n"
        "  - {name: o, sql: select total as n from shop.orders, expect: one}\n"
        "  - {name: c, call: inner}\n"
        "  - return: {n: '${o.n}', c: '${c}'}\n"
    )
    perdure("compile")
    execute(database, SCHEMA)
    perdure("deploy", "--yes", "--database-url", database)
    good = perdure("verify", "--db", database).stdout
    assert "good: 2 versions fit the schema" in good
    changed = SCHEMA.replace("total numeric", "total float8").replace(
        "shop.tax(total)", "1"
    )
    (project / "schema.sql").write_text(changed)
    told = perdure("verify", "--db", database, "--json").stdout
    (found,) = [e for e in json.loads(told)["findings"] if e["kind"] == "type"]
    assert (found["step"], found["place"]) == ("o", "workflows/approve.yaml:3")


def test_all_broken_steps_of_a_version_are_told_at_once(
    perdure: Perdure, project: Path
) -> None:
    """Three steps that read what the one before gives, which is broken itself."""
    mails = "create table shop.mails (whom text, sum numeric);\n"
    (project / "schema.sql").write_text(SCHEMA + mails)
    (project / "workflows" / "approve.yaml").write_text(BROKEN)
    perdure("compile")
    changed = SCHEMA.replace("email text", "mail text").replace("shop.tax(total)", "1")
    (project / "schema.sql").write_text(changed.replace("'a@example.com'", "'a'"))
    found = json.loads(perdure("verify", "--json", code=1).stdout)["findings"]
    assert [(each["step"], each["message"]) for each in found] == [
        ("order", 'column "email" does not exist'),
        ("again", 'column "email" does not exist'),
        ("steps[2]", 'column "email" does not exist'),
        ("steps[3]", 'relation "shop.mails" does not exist'),
    ]


def test_what_no_run_comes_to_any_more_may_go(
    perdure: Perdure, project: Path, database: str, waiting: str
) -> None:
    rewrite(project / "workflows" / "approve.yaml", "select email, ", "select ")
    migrate(project, "email text, ", "")
    migrate(project, "'a@example.com', ", "")
    perdure("compile")
    done = perdure("verify", "--db", database).stdout
    assert 'warning[WF513]: approve@1: column "email" does not exist' in done
    assert "no run in flight comes to it any more" in done


@pytest.mark.usefixtures("waiting")
def test_functions_and_views_that_change_under_runs_are_reported(
    perdure: Perdure, project: Path, database: str
) -> None:
    migrate(project, "total > 1000", "total > 2000")
    done = perdure("verify", "--db", database).stdout
    assert "approve@1: uses shop.big, which has another definition under the" in done
    assert "1 run still comes to it" in done
    migrate(project, "total > 2000", "total > 1000")
    assert "no drift" in perdure("drift", "--database-url", database).stdout
    with psycopg.connect(database) as connection:
        connection.execute(
            "create or replace view shop.big as select id from shop.orders"
        )
    done = perdure("drift", "--database-url", database, code=1).stdout
    assert (
        "approve@1 uses shop.big, which is not what it was when it was compiled; "
        "1 run is in flight\n"
    ) in done
    done = perdure("verify", "--db", database).stdout
    assert "uses shop.big, which has another definition since it was compiled" in done
    migrate(project, " where total > 1000", "")
    done = perdure("drift", "--database-url", database).stdout
    assert (
        "warning: approve@1 uses shop.big, which is not what it was when it was "
        "compiled, and the project's schema has the same; 1 run is in flight\n"
    ) in done
    assert "no drift" in done
    data = json.loads(perdure("drift", "--database-url", database, "--json").stdout)
    assert [each["severity"] for each in data["differences"]] == ["warning"]


@pytest.mark.usefixtures("waiting")
def test_a_function_is_needed_while_any_step_that_uses_it_is_to_come(
    perdure: Perdure, project: Path, database: str
) -> None:
    migrate(project, "0.2", "0.3")
    found = json.loads(perdure("verify", "--db", database, "--json").stdout)
    (use,) = found["findings"]
    assert use["step"] == "order, again"
    assert len(use["runs"]) == 1


def test_the_embedded_database_is_there_until_all_is_verified(
    perdure: Perdure, project: Path
) -> None:
    perdure("runtime", "install", "--database-url", "embedded")
    done = perdure("verify", "--db", "embedded")
    assert done.stdout == "nothing to verify: there is no version\n"


def test_a_failed_run_that_may_be_retried_is_told(
    perdure: Perdure, project: Path, database: str, waiting: str
) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("drop view shop.big")
        connection.execute("select df.signal(%s, 'approval', '{}')", [waiting])
        connection.execute("call df.work(1000, 20000)")
        connection.execute(
            "create view shop.big as select id from shop.orders where total > 1000"
        )
        row = connection.execute("select df.status(%s)", [waiting]).fetchone()
    assert row == ("failed",)
    rewrite(
        project / "workflows" / "approve.yaml",
        "select total from",
        "select 1 as n from",
    )
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    migrate(project, "create view shop.big", "create view shop.large")
    rewrite(project / "workflows" / "approve.yaml", "shop.big", "shop.large")
    perdure("compile")
    done = perdure("verify", "--db", database).stdout
    assert (
        'warning[WF512]: relation "shop.big" does not exist, in 2 versions\n'
        "  --> approve@1, step again (workflows/approve.yaml:"
    ) in done
    assert "  --> approve@2, step again (workflows/approve.yaml:" in done
    told = f"1 failed run comes to it if retried, and would fail there: {waiting}"
    assert told in done
    retired = perdure("retire", "approve@1", "--database-url", database).stderr
    assert "warning: 1 failed run can't be retried once it is applied" in retired
    assert waiting in retired


@pytest.mark.usefixtures("waiting")
def test_a_version_that_the_lock_does_not_know_is_verified_from_the_database(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows.lock").unlink()
    for path in (project / "migrations").iterdir():
        path.unlink()
    migrate(project, "email text", "mail text")
    done = perdure("verify", "--db", database, code=1).stdout
    assert 'error[WF513]: approve@1: column "email" does not exist' in done
    assert "workflows/approve.yaml:6, as it was compiled, step order" in done
    assert "new runs start with this version" in done


@pytest.mark.usefixtures("waiting")
def test_what_the_database_has_broken_already_is_an_error_while_it_is_needed(
    perdure: Perdure, project: Path, database: str
) -> None:
    rewrite(project / "workflows" / "approve.yaml", "select email, ", "select ")
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    with psycopg.connect(database) as connection:
        connection.execute("alter table shop.orders drop column email")
        connection.execute("drop view shop.big")
    migrate(project, "email text, ", "")
    migrate(project, "'a@example.com', ", "")
    migrate(project, "create view shop.big as", "-- ")
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    told = {(e["version"], e["step"]): e for e in found["findings"] if e["code"]}
    assert {key: e["severity"] for key, e in told.items()} == {
        (1, "order"): "warning",
        (1, "again"): "error",  # a run still comes to it
        (2, "again"): "error",  # it is in force
    }
    assert {each["kind"] for each in told.values()} == {"broken-before"}
    assert "perdure cancel RUN" in told[1, "again"]["advice"]
    assert "new runs start with this version" in told[2, "again"]["notes"]
    done = perdure("rollback", "approve")
    assert (
        'warning[WF513]: approve@1 does not fit the project\'s schema: column "email" '
        "does not exist\n"
        "  --> workflows/approve.yaml:6, as it was compiled, step order\n"
    ) in done.stderr
    assert "bring the schema back first" in done.stderr
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    told = {(e["version"], e["step"]): e for e in found["findings"] if e["code"]}
    assert told[1, "order"]["severity"] == "error"
    (file,) = (project / "migrations").glob("*rollback*.up.sql")
    later = f"new runs will start with it once migrations/{file.name} is applied"
    assert later in told[1, "order"]["notes"]


@pytest.mark.usefixtures("waiting")
def test_a_caller_needs_what_the_steps_need_that_it_has_taken_in(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "ask.yaml").write_text(
        "workflow: ask\nsteps:\n  - call: approve\n    with: {id: 1}\n"
    )
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    migrate(project, "email text", "mail text")
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    broken = [each for each in found["findings"] if each["workflow"] == "ask"]
    assert [(each["severity"], each["step"]) for each in broken] == [("error", "order")]


def test_the_second_of_two_calls_that_are_taken_in_is_to_come(
    perdure: Perdure, project: Path, database: str, runtime: None
) -> None:
    (project / "workflows" / "ask.yaml").write_text(
        "workflow: ask\nsteps:\n"
        "  - {call: approve, with: {id: 1}}\n  - {call: approve, with: {id: 1}}\n"
    )
    execute(database, SCHEMA)
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("select workflows.ask()").fetchone()
        connection.execute("call df.work(1000, 20000)")
    assert row is not None
    rewrite(project / "workflows" / "approve.yaml", "select email, ", "select ")
    perdure("compile")
    perdure("deploy", "--yes", "--database-url", database)
    migrate(project, "email text, ", "")
    migrate(project, "'a@example.com', ", "")
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    told = {(e["workflow"], e["step"]): e["runs"] for e in found["findings"]}
    assert told["ask", "order"] == [row[0]]
    migrate(project, "0.2", "0.3")
    found = json.loads(perdure("verify", "--db", database, "--json", code=1).stdout)
    uses = [e for e in found["findings"] if e["kind"] == "late-binding"]
    assert [e["runs"] for e in uses if (e["workflow"], e["version"]) == ("ask", 1)] == [
        [row[0]]
    ]


@pytest.mark.usefixtures("waiting")
def test_what_is_gone_is_told_once(
    perdure: Perdure, project: Path, database: str
) -> None:
    migrate(project, "create function shop.tax", "create function shop.vat")
    done = perdure("verify", "--db", database, code=1).stdout
    assert "error[WF514]: approve@1: function shop.tax(numeric) does not exist" in done
    assert "uses shop.tax" not in done
