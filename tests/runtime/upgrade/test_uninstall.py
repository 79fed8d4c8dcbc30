"""Removing the runtime leaves nothing behind, and nobody's runs by mistake."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from perdure.cli.runtime import app
from perdure.engine.database import Database, connect
from perdure.engine.errors import EngineError, UsageError
from perdure.engine.install import install, read_status
from perdure.engine.upgrade import uninstall
from tests.runtime.upgrade.dump import dump

VERSION = (
    "insert into perdure.workflow_versions (name, version, digest, signature, source,"
    " source_map, compiler_version, target) values ('a', 1, '', '', '', '{}', '', '')"
)


@pytest.fixture
def database(make_database: Callable[[], str]) -> Database:
    found = Database(make_database(), "the test")
    run(found, "create table orders (id integer)")
    return found


def run(database: Database, *statements: str) -> list[tuple[object, ...]]:
    with connect(database.url, autocommit=True) as connection:
        for statement in statements:
            cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def test_nothing_is_left(database: Database, role: str) -> None:
    before = dump(database.url)
    install(database)
    run(
        database,
        f"select df.grant_usage('{role}')",
        "select df.start('select 1')",
        "call df.work(10, 1000)",
    )
    assert uninstall(database, versions=True) is not None
    assert dump(database.url) == before
    assert uninstall(database) is None


def test_deployed_versions_stay_for_the_next_install(database: Database) -> None:
    install(database)
    installed = dump(database.url)
    run(database, VERSION)
    uninstall(database)
    assert run(database, "select nspname from pg_namespace where nspname ~ '^df'") == []
    assert run(database, "select name from perdure.workflow_versions") == [("a",)]
    install(database)
    assert dump(database.url) == installed
    assert run(database, "select name from perdure.workflow_versions") == [("a",)]


def test_runs_in_flight_are_in_the_way(database: Database) -> None:
    install(database)
    before = dump(database.url)
    for n in range(7):
        run(database, f"select df.start(df.sleep(1000), 'wait {n}')")
    with pytest.raises(UsageError, match=r"7 runs have .* \(wait 0\), .* and 2 more"):
        uninstall(database)
    assert dump(database.url) == before
    uninstall(database, force=True)
    with connect(database.url) as connection:
        assert read_status(connection).installed is None


def test_what_others_built_upon_it_is_in_the_way(database: Database) -> None:
    install(database)
    before = dump(database.url)
    view = "create view failures as select * from df.instances"
    run(database, view)
    with pytest.raises(EngineError, match=r"failures depends on view df\.instances"):
        uninstall(database, force=True)
    run(database, "drop view failures")
    assert dump(database.url) == before


def test_the_command_asks(database: Database) -> None:
    install(database)
    url = ["--database-url", database.url]
    asked = CliRunner().invoke(app, ["uninstall", *url], input="n\n")
    assert asked.exit_code == 1
    assert "remove the runtime and all runs from" in asked.output
    gone = CliRunner().invoke(app, ["uninstall", "--yes", "--versions", *url])
    assert gone.exit_code == 0, gone.output
    assert "removed the runtime" in gone.output
    again = CliRunner().invoke(app, ["uninstall", "--yes", *url])
    assert "there is no runtime in this database" in again.output
