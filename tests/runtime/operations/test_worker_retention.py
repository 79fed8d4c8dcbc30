"""The worker calls retention now and then, and says what it removed."""

from __future__ import annotations

import asyncio
import io
import json
import uuid
from typing import Any

from psycopg.conninfo import make_conninfo

from perdure.engine.worker_log import Log
from perdure.engine.worker_retention import prune_always
from tests.runtime.engine.db import Db


def events(url: str, *, until: str) -> list[dict[str, Any]]:
    """Return the events up to one of that name."""
    stream = io.StringIO()

    async def work() -> None:
        task = asyncio.create_task(prune_always(url, Log("json", stream=stream), 0.05))
        async with asyncio.timeout(60):
            while until not in stream.getvalue() and not task.done():
                await asyncio.sleep(0.02)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(work())
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_runs_are_removed_and_counted(db: Db) -> None:
    old = [db.finish("'select 1'") for _ in range(3)]
    db.run("update df_engine.instances set completed_at = now() - interval '1 year'")
    kept = db.finish("'select 2'")
    (event,) = events(db.url, until="retention.pruned")
    assert event["runs"] == len(old)
    assert db.run("select id from df.instances") == [(kept,)]


def test_a_role_that_may_not_says_so_once(db: Db) -> None:
    role = f"worker_{uuid.uuid4().hex[:8]}"
    db.run(f"create role {role} login password 'secret'")
    db.run(f"grant usage on schema df to {role}")
    try:
        url = make_conninfo(db.url, user=role, password="secret")
        (event,) = events(url, until="retention.refused")
        assert event["level"] == "warning"
        assert "permission denied" in event["reason"]
    finally:
        db.run(f"drop owned by {role}")
        db.run(f"drop role {role}")


def test_an_error_waits_for_the_next_time(db: Db) -> None:
    db.run("alter table df_engine.retention rename to away")
    db.run("create view df_engine.retention as select 1 / 0 as phase")
    found = events(db.url, until="retention.failed")
    assert found[0]["event"] == "retention.failed"
    assert found[0]["level"] == "warning"
