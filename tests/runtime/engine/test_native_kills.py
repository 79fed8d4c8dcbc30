"""All native nodes together, with sessions that die at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.runtime.engine.db import Db
from tests.runtime.engine.sessions import (
    WORKER,
    wait_until,
)

RUNS, ITEMS = 12, 6
LOG = "'insert into log (what) values ($input.n || ''/'' || $item.i || ''/{}'')'"
CHILD = (
    "$child$select df.start('insert into log (what) values ($' || 'input.what)',"
    " input => jsonb_build_object("
    "'what', $input.n || '/' || $item.i || '/child'))$child$"
)
BODY = f"""df.try(
    df.seq({LOG.format("begin")},
      df.timeout(df."join"(
        df.race({LOG.format("race")}, df.sleep(3600)),
        df.transaction({LOG.format("one")}, {LOG.format("two")})), '1 hour'),
      df.call({CHILD}),
      df."if"('select $item.i % 2 = 0', 'select perdure.fail(''odd'')')),
    {LOG.format("caught")}, finally => {LOG.format("last")})"""
GRAPH = (
    f"df.foreach('select i from generate_series(1, {ITEMS}) i', {BODY},"
    " max_parallel => 3, collect => 'select $item.i as i')"
)


def expected() -> list[str]:
    words = ["begin", "race", "one", "two", "child", "last"]
    return sorted(
        f"{n}/{i}/{word}"
        for n in range(1, RUNS + 1)
        for i in range(1, ITEMS + 1)
        for word in words + ["caught"] * (i % 2 == 0)
    )


@pytest.mark.parametrize("kills", [4])
def test_every_effect_is_there_once_and_every_run_ends(db: Db, kills: int) -> None:
    db.run(
        f"select df.start({GRAPH}, 'parent', input => jsonb_build_object('n', n::text))"
        f" from generate_series(1, {RUNS}) n"
    )
    total = len(expected())
    other = subprocess.Popen([sys.executable, "-c", WORKER, db.url])
    try:
        for kill in range(1, kills + 1):
            process = subprocess.Popen([sys.executable, "-c", WORKER, db.url])
            done = total * kill // (kills + 1)
            wait_until(
                lambda done=done: db.value("select count(*) from log") >= done,  # type: ignore[misc]
                60,
            )
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        wait_until(
            lambda: db.value("select count(*) from df_engine.tasks") == 0, seconds=60
        )
    finally:
        other.kill()
        other.wait()
    assert db.run("select distinct status from df.instances") == [("completed",)]
    assert sorted(db.log()) == expected()
    results = db.run("select result from df.instances where label = 'parent'")
    rows = ", ".join(f'{{"i":{i}}}' for i in range(1, ITEMS + 1))
    assert {row[0] for row in results} == {
        f'{{"rows": [{rows}], "row_count": {ITEMS}}}'
    }
