"""`deploy`, `drift`, `versions`: a project and a database, through a release or two."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import WORKFLOW, Perdure


def change(project: Path) -> None:
    text = WORKFLOW.replace("Hello", "Good morning")
    (project / "workflows" / "hello.yaml").write_text(text)


def test_without_a_runtime_nothing_is_deployed(perdure: Perdure) -> None:
    perdure("compile")
    done = perdure("deploy", "--yes", code=2)
    assert "the runtime is not installed" in done.stderr
    assert "perdure runtime install" in done.stderr
    assert "hello@1 is in the lock" in perdure("drift", code=1).stdout


@pytest.mark.usefixtures("runtime")
def test_what_is_missing_is_deployed_once(perdure: Perdure, project: Path) -> None:
    perdure("compile")
    assert perdure("drift", code=1).stdout == (
        "hello@1 is in the lock, and not deployed\n"
        "  = help: perdure deploy; the repo is newer\n"
    )
    assert perdure("deploy", "--yes").stdout == "deployed hello@1\n"
    assert "no drift" in perdure("drift").stdout
    assert "nothing to do" in perdure("deploy", "--yes").stdout
    change(project)
    perdure("compile")
    assert json.loads(perdure("deploy", "--json").stdout) == {"deployed": ["hello@2"]}
    assert "no drift: the database agrees with the lock on 2 versions" in (
        perdure("drift").stdout
    )


@pytest.mark.usefixtures("runtime")
def test_nothing_is_applied_without_a_yes(perdure: Perdure) -> None:
    perdure("compile")
    done = perdure("deploy", code=2)
    assert "hello@1  migrations/0001_hello_v1.up.sql" in done.stderr
    assert "perdure deploy --yes does not ask" in done.stderr
    assert perdure("deploy", "--dry-run").stdout.startswith("-- written by perdure")
    assert "not deployed" in perdure("drift", code=1).stdout


@pytest.mark.usefixtures("runtime")
def test_a_migration_that_another_tool_applied_counts(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    text = (project / "migrations" / "0001_hello_v1.up.sql").read_text()
    with psycopg.connect(database) as connection:
        connection.execute(text.encode())
    assert "nothing to do" in perdure("deploy", "--yes").stdout


@pytest.mark.usefixtures("runtime")
def test_a_migration_that_fails_leaves_nothing_and_can_be_resumed(
    perdure: Perdure, project: Path, database: str
) -> None:
    other = WORKFLOW.replace("workflow: hello", "workflow: zebra")
    (project / "workflows" / "zebra.yaml").write_text(other)
    perdure("compile")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create schema workflows")
        connection.execute(
            "create function workflows.zebra_v1(who text) returns text"
            " language sql return 'in the way'"
        )
        done = perdure("deploy", "--yes", code=1)
        assert done.stdout == "deployed hello@1\n"
        assert 'function "zebra_v1" already exists' in done.stderr
        connection.execute("drop function workflows.zebra_v1")
        assert perdure("deploy", "--yes").stdout == "deployed zebra@1\n"


@pytest.mark.usefixtures("runtime")
def test_a_database_that_is_ahead_or_differs_is_left_alone(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    lock = (project / "workflows.lock").read_text()
    change(project)
    perdure("compile")
    perdure("deploy", "--yes")
    (project / "workflows.lock").write_text(lock)
    for name in ("0002_hello_v2.up.sql", "0002_hello_v2.down.sql"):
        (project / "migrations" / name).unlink()
    done = perdure("deploy", "--yes", code=1)
    assert "hello@2 is deployed, and the lock does not know it" in done.stderr
    assert "the database is newer" in perdure("drift", code=1).stdout
    with psycopg.connect(database) as connection:
        connection.execute("delete from perdure.workflow_versions where version = 2")
        connection.execute("update perdure.workflow_versions set digest = 'x'")
    done = perdure("deploy", "--yes", code=1)
    assert "hello@1 was deployed from other sources than the lock's" in done.stderr


@pytest.mark.usefixtures("runtime")
@pytest.mark.parametrize(
    ("statement", "message"),
    [
        (
            "create or replace function workflows.hello(who text) returns text"
            " language sql as $$select 'x'$$",
            'hello@1 has a function "hello" that was edited in place',
        ),
        (
            "drop function workflows.hello(text)",
            'hello@1 is registered, and its function "hello" is gone',
        ),
        (
            "drop schema workflows cascade",
            'hello@1 is registered, and its function "hello_v1" is gone',
        ),
        (
            "insert into perdure.workflow_versions select 'other', 1, digest,"
            " signature, source, source_map, compiler_version, target"
            " from perdure.workflow_versions",
            "other@1 is deployed, and no workflow of this project has its name",
        ),
        ("drop schema df cascade", "runtime: the runtime is not installed"),
    ],
)
def test_drift_is_found(
    perdure: Perdure, database: str, statement: str, message: str
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    with psycopg.connect(database) as connection:
        connection.execute(statement.encode())
    done = perdure("drift", code=1)
    assert message in done.stdout
    found = json.loads(perdure("drift", "--json", code=1).stdout)["differences"]
    told = [f"{each['subject']} {each['message']}" for each in found]
    assert any(each.startswith(message) for each in told)


@pytest.mark.usefixtures("runtime")
def test_versions_are_listed_with_their_runs(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("compile")
    perdure("deploy", "--yes")
    with psycopg.connect(database) as connection:
        connection.execute("select workflows.hello('you')")
    change(project)
    perdure("compile")
    perdure("deploy", "--yes")
    first, second = json.loads(perdure("versions", "--json").stdout)
    assert (first["workflow"], first["version"]) == ("hello", 1)
    assert first["runs"] == {"pending": 1}
    assert (second["version"], second["runs"]) == (2, {})
    lines = perdure("versions", "hello").stdout.splitlines()
    assert lines[1].startswith("hello@1")
    assert lines[1].rstrip().endswith("1 pending")
    assert "no versions of nothing" in perdure("versions", "nothing").stderr
