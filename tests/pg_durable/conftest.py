"""Both runtimes with the same workflows, and all runs under way at once.

The tests need a database with the extension pg_durable, 0.2.5 or later, and run when
PERDURE_PG_DURABLE_URL names it. That database is for them alone: they drop its schemas
`t`, `workflows` and `perdure`, install Perdure's support beside the extension, and make
a role `perdure_test_runner`. So the URL is of a superuser; the extension must be
allowed to connect to its own server as that role (`host all all 127.0.0.1/32 trust` in
pg_hba.conf, say), and to send requests to 127.0.0.1 (feature `http-allow-all`).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.engine.database import Database
from perdure.engine.install import install, shipped
from tests.pg_durable.cases import CASES
from tests.pg_durable.sides import EXTENSION, ROLE, Outcome, Side, compiled, deploy
from tests.runtime.worker.processes import WorkerProcess
from tests.unit.engine.http_server import Server, serving

AT_ONCE = 8
_ROLE = f"""
do $$ begin
  create role {ROLE} login;
exception when duplicate_object then null;
end $$
"""


@pytest.fixture(scope="session")
def extension(short_dir: Path) -> Side:
    """Return the database with the extension, with all workflows."""
    url = os.environ.get("PERDURE_PG_DURABLE_URL")
    if not url:
        pytest.skip("PERDURE_PG_DURABLE_URL names no database with pg_durable")
    with psycopg.connect(url) as connection:
        connection.execute("drop schema if exists perdure cascade")
        connection.execute(_ROLE)
    before, after = install(Database(url, "PERDURE_PG_DURABLE_URL"), shipped((0, 2, 5)))
    assert before.installed is None
    assert after.current
    with psycopg.connect(url) as connection:
        connection.execute(f"select df.grant_usage('{ROLE}', include_http => true)")
        connection.execute(f"select perdure.grant_usage('{ROLE}')")
    deploy(url, compiled(EXTENSION, short_dir / "extension"))
    error = (
        "select string_agg(result #>> '{}', ' ') from df.nodes"
        " where instance_id = %s and status = 'failed'"
    )
    return Side(url, EXTENSION, "perdure.signal", error)


@pytest.fixture(scope="session")
def ours(
    postgres: str,
    http: Server,
    short_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Side]:
    """Return a database with the own runtime, with all workflows and a worker."""
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute("create database both_runtimes")
        admin.execute(_ROLE)
    url = make_conninfo(postgres, dbname="both_runtimes")
    install(Database(url, "the test"))
    with psycopg.connect(url) as connection:
        connection.execute(f"select df.grant_usage('{ROLE}', include_http => true)")
    deploy(url, compiled("perdure", short_dir / "own"))
    folder = tmp_path_factory.mktemp("worker")
    (folder / "perdure.toml").write_text(f'[http]\nallow = ["{http.place}"]\n')
    worker = WorkerProcess(Database(url, "the test"), folder, [])
    worker.wait_for("worker.started")
    yield Side(
        url, "perdure", "df.signal", "select error from df.instances where id = %s"
    )
    worker.kill()


@pytest.fixture(scope="session")
def http() -> Iterator[Server]:
    """Return an HTTP server on the loopback interface."""
    with serving() as server:
        yield server


@pytest.fixture(scope="session")
def outcomes(
    extension: Side, ours: Side, http: Server, request: pytest.FixtureRequest
) -> Iterator[Callable[[str], tuple[Outcome, Outcome]]]:
    """Start the runs of all selected tests; return what gives the outcomes of one."""
    wanted = dict.fromkeys(
        item.callspec.params["name"]
        for item in request.session.items
        if hasattr(item, "callspec") and "name" in item.callspec.params
    )
    with ThreadPoolExecutor(2 * AT_ONCE) as pool:
        under_way: dict[str, tuple[Future[Outcome], Future[Outcome]]] = {}
        for name in wanted:
            case = CASES[name](http)
            under_way[name] = (
                pool.submit(ours.outcome, case),
                pool.submit(extension.outcome, case),
            )

        def ended(name: str) -> tuple[Outcome, Outcome]:
            own, other = under_way[name]
            return own.result(), other.result()

        yield ended
        pool.shutdown(cancel_futures=True)
