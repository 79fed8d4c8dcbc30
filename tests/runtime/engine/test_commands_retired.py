"""A failed run of a version that was retired since."""

from __future__ import annotations

import psycopg
import pytest

from tests.runtime.engine.db import Db


def test_a_run_of_a_retired_version(db: Db) -> None:
    run = db.start("'select 1 / 0'", label="gone@1")
    db.work()
    db.run(
        "insert into perdure.workflow_versions (name, version, digest, signature,"
        " source, source_map, compiler_version, target, retired_at)"
        " values ('gone', 1, '', '', '', '[]', '', 'perdure', now())"
    )
    with pytest.raises(psycopg.Error, match="gone@1 is retired") as caught:
        db.run("select df.retry_failed(%s)", run)
    assert caught.value.sqlstate == "PD003"
    db.run("update perdure.workflow_versions set retired_at = null where name = 'gone'")
    db.run("select df.retry_failed(%s)", run)
    assert db.status(run) == "running"
    db.run("delete from perdure.workflow_versions where name = 'gone'")
