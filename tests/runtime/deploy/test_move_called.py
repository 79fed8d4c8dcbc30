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
        "for; let this one end on its version, or end it with the one that waits: "
        f"perdure cancel {outer}\n"
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


def test_a_run_that_was_moved_may_return_what_its_caller_was_compiled_for(
    called: Move, perdure: Perdure, project: Path
) -> None:
    """Back, too: what counts is not the version that it was on in between."""
    _, inner, _ = called(MORE)
    (project / "workflows" / "inner.yaml").write_text(OTHER)
    outer = OUTER.replace("i.a", "i.c")
    (project / "workflows" / "outer.yaml").write_text(outer)
    perdure("compile")
    perdure("deploy", "--yes")
    refused = perdure("move", inner, "--to", "3", code=1).stderr
    assert "inner@1 returns {a: integer}, inner@3 returns {c: integer}" in refused
    moved = perdure("move", inner, "--to", "1").stdout
    assert moved == f"moved run {inner} from inner@2 to inner@1\n"


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


def test_what_is_advised_about_runs_that_others_wait_for_works(
    perdure: Perdure, project: Path, database: str
) -> None:
    execute(database, SCHEMA)
    outer = OUTER.replace("steps:", "timeout: 3d\nsteps:")
    top = (
        OUTER.replace("outer", "top").replace("inner", "outer").replace("i.a", "i.got")
    )
    for text in (INNER, MORE):
        (project / "workflows" / "inner.yaml").write_text(text)
        (project / "workflows" / "outer.yaml").write_text(outer)
        (project / "workflows" / "top.yaml").write_text(top)
        perdure("compile")
    perdure("deploy", "--yes")
    with psycopg.connect(database, autocommit=True) as connection:
        for _ in range(2):
            connection.execute("select workflows.top_v1(1)")
        connection.execute("call df.work(100, 10000)")
        rows = connection.execute(
            "select label, array_agg(id order by created_at) from df.instances"
            " group by 1"
        ).fetchall()
    runs: dict[str, list[str]] = dict(rows)
    (inner, _), (middle, _), tops = (
        runs[f"{name}@1"] for name in ("inner", "outer", "top")
    )
    words = ("retire", "top@1", "outer@1", "inner@1")
    refused = perdure(*words, code=1).stderr
    assert f"  {inner}  inner@1  running, {middle} (outer@1) waits for it\n" in refused
    cancels = f"perdure cancel {tops[0]}, perdure cancel {tops[1]}"
    assert (
        "error: 2 runs that others wait for have not ended\n"
        "  = help: wait for them, or end the runs that wait, and them with those: "
        f"{cancels}; perdure move RUN --to N takes one to another version that returns "
        "what is waited for\n"
    ) in refused
    perdure("move", inner, "--to", "2")
    perdure(*words, "--offline")
    for run in tops:
        perdure("cancel", run)
    perdure("deploy", "--yes")
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "select distinct status from df.instances"
        ).fetchall()
    assert found == [("cancelled",)]


def test_a_deployment_tells_how_a_run_ends_that_another_waits_for(
    perdure: Perdure, project: Path, database: str
) -> None:
    execute(database, SCHEMA)
    for text in (INNER, MORE):
        (project / "workflows" / "inner.yaml").write_text(text)
        perdure("compile")
    perdure("deploy", "--yes")
    with psycopg.connect(database, autocommit=True) as connection:
        graph = "df.call('select workflows.inner_v1(1)')"
        (by_hand,) = (
            connection.execute(f"select df.start({graph})".encode()).fetchone() or ()
        )
        connection.execute("call df.work(100, 10000)")
        rows = connection.execute("select id from df.instances where label = 'inner@1'")
        (run,) = rows.fetchone() or ()
    perdure("retire", "inner@1", "--offline")
    refused = perdure("deploy", "--yes", code=1).stderr
    assert (
        f"(perdure move {run} --to 2), or end it (perdure cancel {run}); one that "
        f"another run waits for is ended with that one (perdure cancel {by_hand}), and "
        "is moved only where version 2 returns the same; then perdure deploy again\n"
    ) in refused
    perdure("cancel", by_hand)
    perdure("deploy", "--yes")
