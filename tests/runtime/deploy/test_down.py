"""Ways down: from the last migration to the first, and never another way."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from perdure.release.script import split
from tests.runtime.deploy.conftest import VERSIONS, WORKFLOW, Perdure, dump, execute
from tests.runtime.deploy.test_rollback import migration, write

pytestmark = pytest.mark.usefixtures("runtime")


def test_ways_down_are_taken_from_the_last_to_the_first(
    released: Perdure, project: Path, database: str
) -> None:
    released("rollback", "hello")
    write(project, WORKFLOW.replace("Hello", "Good evening"))
    released("compile")
    released("retire", "hello@1")
    states = []
    titles = ["hello_v1", "hello_v2", "hello_v3", "rollback", "hello_v4", "retire"]
    keys = ["@1", "@2", "@3", ", change 1", "@4", ", change 2"]
    for title in titles[3:]:
        states.append(dump(database))
        execute(database, migration(project, title, "up"))
    while len(titles) > 1:
        last = f"hello{keys[len(titles) - 1]}"
        before = dump(database)
        for title, key in zip(titles[:-1], keys, strict=False):
            with pytest.raises(psycopg.Error) as refused:
                execute(database, migration(project, title, "down"))
            assert refused.value.sqlstate == "PD034", (title, last)
            assert f"hello{key} cannot be taken back before {last}, which came" in str(
                refused.value
            )
            assert f"take back {last} first" in str(refused.value)
        assert dump(database) == before
        execute(database, migration(project, titles.pop(), "down"))
        if states:
            assert dump(database) == states.pop()
    execute(database, migration(project, "hello_v1", "down"))
    assert json.loads(released("versions", "--json").stdout) == []


def test_a_refusal_comes_before_anything_is_done(
    released: Perdure, project: Path, database: str
) -> None:
    """Also where each statement is a transaction of its own, as with plain psql."""
    before = dump(database)
    *limits, unregister = split(migration(project, "hello_v1", "down"))[:3]
    for each in limits:
        execute(database, each)
    with pytest.raises(psycopg.Error, match="cannot be taken back before hello@3"):
        execute(database, unregister)
    assert dump(database) == before


def test_a_version_is_not_taken_back_before_those_that_start_it(
    released: Perdure, project: Path, database: str
) -> None:
    """Two that start each other are taken back as they came."""
    for name, other in (("ping", "pong"), ("pong", "ping")):
        (project / "workflows" / f"{name}.yaml").write_text(
            f"workflow: {name}\ninput: {{n: bigint}}\nsteps:\n  - if: n > 0\n"
            f"    then: [{{start: {other}, with: {{n: '${{n - 1}}'}}}}]\n"
            "  - {start: hello, with: {who: me}}\n"
        )
    released("compile")
    before = dump(database)
    released("deploy", "--yes")
    for title, callers in (("hello_v3", "p.ng"), ("pong_v1", "ping")):
        own = title.replace("_v", "@")
        with pytest.raises(
            psycopg.Error, match=f"{own} cannot be taken back before {callers}@1, which"
        ) as refused:
            execute(database, migration(project, title, "down"))
        assert refused.value.sqlstate == "PD034"
    for title in ("ping_v1", "pong_v1"):
        execute(database, migration(project, title, "down"))
    assert dump(database) == before
    execute(database, migration(project, "hello_v3", "down"))


def test_all_rows_of_a_workflow_may_go_at_once(
    released: Perdure, database: str
) -> None:
    execute(database, "delete from perdure.workflow_versions")
    assert json.loads(released("versions", "--json").stdout) == []


def test_a_rollback_keeps_what_was_granted_and_so_does_its_way_back(
    perdure: Perdure, project: Path, database: str
) -> None:
    clerk, app = (f"{n}_{project.name[-20:].replace('-', '_')}" for n in "ca")
    execute(database, f"create role {clerk}; create role {app}")
    try:
        execute(database, f"select df.grant_usage('{clerk}')")
        for text in (VERSIONS[0], VERSIONS[2]):
            write(project, text.replace("input:", f"role: {clerk}\ninput:"))
            perdure("compile")
        perdure("deploy", "--yes")
        execute(
            database, f"grant execute on function workflows.hello(text, text) to {app}"
        )
        perdure("rollback", "hello")
        perdure("deploy", "--yes")
        assert may_call(database, app) == ["workflows.hello(text)"]
        execute(database, migration(project, "rollback", "down"))
        assert may_call(database, app) == ["workflows.hello(text,text)"]
        execute(database, migration(project, "hello_v2", "down"))
        assert may_call(database, app) == ["workflows.hello(text)"]
    finally:
        for role in (clerk, app):
            execute(database, f"drop owned by {role} cascade; drop role {role}")


def may_call(database: str, role: str) -> list[str]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "select oid::regprocedure::text from pg_proc"
            " where pronamespace = 'workflows'::regnamespace"
            " and has_function_privilege(%s, oid, 'execute') order by 1",
            [role],
        ).fetchall()
    return [row[0] for row in rows]
