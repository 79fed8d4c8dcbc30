"""`perdure move` of a run that another run waits for: its result is the caller's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import Perdure, execute, make_project

pytestmark = pytest.mark.usefixtures("runtime")
SCHEMA = "create table things (id bigint primary key, a int not null, b int not null);"
INNER = """\
workflow: inner
input: {id: bigint}
timeout: 2d
steps:
  - {name: go, wait_for_signal: go, timeout: 1d}
  - {name: o, sql: "select a from things where id = :id", expect: one}
  - return: {a: "${o.a}"}
"""
OUTER = """\
workflow: outer
input: {id: bigint}
steps:
  - {name: i, call: inner, with: {id: "${id}"}}
  - return: {got: "${i.a}"}
"""
OTHER = INNER.replace("select a", "select b as c").replace('a: "${o.a}"', 'c: "${o.c}"')
MORE = INNER.replace("select a", "select a, b").replace(
    '{a: "${o.a}"}', '{a: "${o.a + o.b}", b: "${o.b}"}'
)
TEXT = INNER.replace("select a", "select a::text as a")
UNKNOWN = INNER.replace("select a", "select to_jsonb(a) as a").replace(
    '{a: "${o.a}"}', '"${o.a}"'
)
Move = Callable[..., tuple[str, str, str]]


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    return make_project(tmp_path, postgres, INNER, SCHEMA)


@pytest.fixture
def called(perdure: Perdure, project: Path, database: str) -> Move:
    """Deploy two versions of inner; move a run of the first, started by `start`."""
    execute(database, f"{SCHEMA} insert into things values (1, 1, 7)")

    def move(
        new: str,
        old: str = INNER,
        outer: str = OUTER,
        *,
        code: int = 0,
        start: str = "outer_v1",
        before: str = "",
    ) -> tuple[str, str, str]:
        later = outer.replace("i.a", "i.c") if "c:" in new else outer
        for inner, caller in ((old, outer), (new, later)):
            (project / "workflows" / "inner.yaml").write_text(inner)
            (project / "workflows" / "outer.yaml").write_text(caller)
            perdure("compile")
        perdure("deploy", "--yes")
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute(f"select workflows.{start}(1)".encode())
            connection.execute("call df.work(100, 10000)")
            rows = connection.execute(
                "select i.label, i.id from df.instances i"
            ).fetchall()
        if before:
            execute(database, before)
        runs: dict[str, str] = dict(rows)
        done = perdure("move", runs["inner@1"], "--to", "2", code=code)
        return str(done.output), runs["inner@1"], runs.get("outer@1", "")

    return move


def test_the_result_that_a_caller_reads_stays(called: Move) -> None:
    told, inner, outer = called(OTHER, code=1)
    assert told == (
        f"error: run {inner} cannot be moved to inner@2: run {outer} (outer@1) waits "
        "for its result, which is another one there: inner@1 returns {a: integer}, "
        "inner@2 returns {c: integer}\n"
        "  = help: a run that waits reads the result that its version was compiled "
        "for; let this one end on its version, or cancel it\n"
    )


def test_a_type_that_a_caller_reads_stays(called: Move) -> None:
    told, _, _ = called(TEXT, code=1)
    assert "inner@1 returns {a: integer}, inner@2 returns {a: text}" in told


def test_a_result_with_more_in_it_serves_a_caller(called: Move, database: str) -> None:
    told, inner, outer = called(MORE)
    assert told == f"moved run {inner} from inner@1 to inner@2\n"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select df.signal(%s, 'go')", [inner])
        connection.execute("call df.work(100, 10000)")
        row = connection.execute("select df.result(%s)", [outer]).fetchone()
    assert row is not None
    assert '"got": 8' in str(row[0]) or '"got":8' in str(row[0])


def test_a_run_that_nobody_waits_for_may_return_another_thing(called: Move) -> None:
    told, inner, _ = called(OTHER, start="inner_v1")
    assert told == f"moved run {inner} from inner@1 to inner@2\n"


def test_json_of_unknown_form_is_said_to_be_uncompared(called: Move) -> None:
    outer = OUTER.replace("i.a", "i")
    told, _, caller = called(UNKNOWN.replace("(a)", "(b)"), UNKNOWN, outer)
    assert f"note: run {caller} (outer@1) waits for its result, which is JSON" in told


def test_a_result_that_cannot_be_told_is_no_other(called: Move) -> None:
    told, _, _ = called(
        MORE, code=1, before="alter table things rename column b to old_b"
    )
    assert "what inner@2 returns can't be told: its source does not compile" in told
