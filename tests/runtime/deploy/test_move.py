"""`perdure move`: from version to version, with the compiler's own graphs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from perdure.engine.version_function import arguments_of
from tests.runtime.deploy.conftest import Perdure, waiting

pytestmark = pytest.mark.usefixtures("runtime")
ORDER = """\
workflow: order
input:
  id: bigint
steps:
  - {name: price, sql: "select (:id * 2)::integer as price", expect: one}
  - if: price.price > 1
    then:
      - {name: approval, wait_for_signal: approval, payload: {ok: boolean}, timeout: 1d}
  - return: {price: "${price.price}"}
"""
BETTER = ORDER.replace(
    'return: {price: "${price.price}"}',
    'return: {price: "${price.price + 1}", id: "${id}"}',
)
OTHER = ORDER.replace(":id * 2", ":id * 3")


@pytest.fixture
def deployed(perdure: Perdure, project: Path) -> Perdure:
    """Two versions that agree up to the wait, and one that does not."""
    (project / "workflows" / "hello.yaml").unlink()
    for text in (ORDER, BETTER, OTHER):
        (project / "workflows" / "order.yaml").write_text(text)
        perdure("compile")
    perdure("deploy", "--yes")
    return perdure


def test_a_run_goes_on_in_a_version_that_agrees(
    deployed: Perdure, database: str
) -> None:
    run = waiting(database)
    done = deployed("move", run, "--to", "2")
    assert done.stdout == f"moved run {run} from order@1 to order@2\n"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select df.signal(%s, 'approval', '{\"ok\": true}')", [run])
        connection.execute("call df.work(100, 10000)")
        row = connection.execute("select df.result(%s)", [run]).fetchone()
    assert row is not None
    assert json.loads(row[0])["rows"] == [{"result": {"price": 9, "id": 4}}]
    assert json.loads(deployed("versions", "--json").stdout)[1]["runs"] == {
        "completed": 1
    }


def test_the_step_that_differs_is_named(deployed: Perdure, database: str) -> None:
    run = waiting(database)
    refused = deployed("move", run, "--to", "3", code=1).stderr
    assert "the versions do not agree on what the run has done" in refused
    assert 'it has been at steps[0] "price" (workflows/order.yaml:5)' in refused
    assert "in version 3, at that point, the same step is there, and does" in refused
    assert ":id * 2" in refused
    assert ":id * 3" in refused
    assert "order@1 already" in deployed("move", run, "--to", "1", code=1).stderr
    assert (
        "order@9 is not deployed" in deployed("move", run, "--to", "9", code=2).stderr
    )
    assert "no run" in deployed("move", "nothing", "--to", "2", code=2).stderr


MANY = """\
workflow: order
input:
  id: bigint
steps:
  - name: price
    sql: |
      select (:id * 2)::integer as price,  -- a comment
        'x,  y' as what, '{"a": 1}'::jsonb as j
    expect: one
  - {name: many, sql: "select n, :price.price as p from generate_series(1, 3) n"}
  - {name: some, sql: "with a as (select 1 as n) select n, n + 1 as m from a"}
  - name: written
    sql: update things set n = n + 1 where id = :id returning n, m
    expect: one
  - {name: approval, wait_for_signal: approval, timeout: 1d}
  - return: {WHAT}
"""


def reading(*what: str) -> str:
    returned = ", ".join(f'{e.replace(".", "_")}: "${{{e}}}"' for e in what)
    return MANY.replace("WHAT", returned)


def rows(step: str, column: str) -> str:
    """Return the workflow that reads all rows of a step, too."""
    count = f"select sum({column}) as n from :{step}.*"
    more = f"  - {{name: c, sql: {count!r}, expect: one}}\n  - return"
    return reading("price.price", "c.n").replace("  - return", more)


ALL = ("price.price", "price.what", "written.n", "approval.timed_out")


@pytest.mark.parametrize(
    ("old", "new", "result"),
    [
        (ALL, ("price.what",), {"price_what": "x,  y"}),
        ((*ALL, "price.j"), ("written.n",), {"written_n": 2}),
        (("written.n", "written.m"), ("written.m",), {"written_m": 7}),
        (("written.n",), (), {}),
        (ALL, ("approval.timed_out",), {"approval_timed_out": False}),
    ],
)
def test_a_version_may_read_less_of_what_a_run_has_passed(
    moved: Callable[..., str],
    old: tuple[str, ...],
    new: tuple[str, ...],
    result: dict[str, object],
) -> None:
    assert moved(reading(*old), reading(*new)) == str(result)


def test_rows_that_were_kept_may_be_left_unread(moved: Callable[..., str]) -> None:
    assert moved(rows("many", "n"), reading("price.price")) == "{'price_price': 8}"


def test_rows_that_were_kept_of_a_statement_with_a_list_of_its_own(
    moved: Callable[..., str],
) -> None:
    assert moved(rows("some", "m"), reading("price.price")) == "{'price_price': 8}"


@pytest.mark.parametrize(
    ("new", "told"),
    [
        (
            reading("price.j", "price.price", "price.what"),
            'version 2 reads "j" and "what" of steps[0] "price" (workflows/order.yaml:'
            '6)\n  the run has passed it, and kept "price"\n',
        ),
        (
            reading("written.n"),
            'version 2 reads "n" of steps[3] "written" (workflows/order.yaml:13)\n'
            "  the run has passed it, and kept nothing of it\n",
        ),
        (
            rows("many", "n"),
            'version 2 reads all rows of steps[1] "many" (workflows/order.yaml:10)'
            "\n  the run has passed it, and kept nothing of it\n",
        ),
    ],
)
def test_what_a_run_has_not_kept_is_named(
    moved: Callable[..., str], new: str, told: str
) -> None:
    assert told in moved(reading("price.price"), new, 1)


def test_what_is_shown_is_what_differs_in_the_step(moved: Callable[..., str]) -> None:
    """The input and the last step have changed as well."""
    new = reading("price.price").replace("'x,  y'", "'x, y'")
    new = new.replace("id: bigint", "id: bigint\n  more: text = ''")
    told = moved(ALL_READ, new.replace("timeout: 1d", "timeout: 2d"), 1)
    assert "the same step is there, and does another thing" in told
    assert "    -         'x,  y' as what" in told
    assert "    +         'x, y' as what" in told
    assert told.count("    - ") == told.count("    + ") == 1


ALL_READ = reading(*ALL)


def test_inputs_that_only_the_new_version_has_get_their_defaults(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "hello.yaml").unlink()
    more = (
        "id: bigint\n  share: numeric = 1.10\n  pause: interval = '90 min'\n  by: text"
    )
    returned = 'price: "${share}", pause: "${pause}", by: "${by}"}'
    for text in (
        ORDER,
        BETTER.replace("id: bigint", f"{more} = '50%'").replace(
            'price: "${price.price + 1}"', returned.removesuffix("}")
        ),
        BETTER.replace("id: bigint", more).replace(
            'price: "${price.price + 1}"', returned.removesuffix("}")
        ),
    ):
        (project / "workflows" / "order.yaml").write_text(text)
        perdure("compile")
    perdure("deploy", "--yes")
    run = waiting(database)
    refused = perdure("move", run, "--to", "3", code=1).stderr
    assert "by" in refused
    perdure("move", run, "--to", "2")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select df.signal(%s, 'approval', '{\"ok\": true}')", [run])
        connection.execute("call df.work(100, 10000)")
        row = connection.execute("select df.result(%s)", [run]).fetchone()
    assert row is not None
    assert '"price": 1.10' in row[0]
    assert json.loads(row[0])["rows"][0]["result"] == {
        "price": 1.1,
        "pause": "01:30:00",
        "by": "50%",
        "id": 4,
    }


def returning(value: str, inputs: str) -> str:
    return (
        f"workflow: order\ninput:\n  {inputs}\nsteps:\n"
        "  - {name: approval, wait_for_signal: approval, timeout: 1d}\n"
        f'  - return: {{value: "${{{value}}}"}}\n'
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "s: text = 'xyz'",
            "s: integer = 7",
            'input "s" is "xyz", and integer there: invalid input syntax for type',
        ),
        (
            "s: text? = null",
            "s: text = 'a'",
            'input "s" is null, and text there, never',
        ),
    ],
)
def test_inputs_are_checked_as_those_of_a_start_are(
    moved: Callable[..., str], old: str, new: str, told: str
) -> None:
    both = [returning("s", f"id: bigint\n  {each}") for each in (old, new)]
    refused = moved(*both, 1)
    assert "cannot be moved to version 2, which takes other inputs" in refused
    assert told in refused
    assert "it stays on its version, where it was" in refused


def test_inputs_that_came_and_went_are_told(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "hello.yaml").unlink()
    inputs = ("id: bigint", "oid: bigint = 99", "oid: bigint\n  why: text")
    for each in inputs:
        value = each.partition(":")[0]
        (project / "workflows" / "order.yaml").write_text(returning(value, each))
        perdure("compile")
    perdure("deploy", "--yes")
    run = waiting(database)
    refused = perdure("move", run, "--to", "3", code=1).stderr
    assert 'input "oid" (bigint) is missing\n  input "why" (text) is missing' in refused
    assert f"= help: perdure move {run} --to 3 oid=... why=...; until then" in refused
    for given, told in {
        "id=4": 'the version has no input "id"; did you mean "oid"?',
        "zzz=4": 'the version has no input "zzz"; its inputs: oid, why',
    }.items():
        assert told in perdure("move", run, "--to", "3", given, code=2).stderr
    wrong = perdure("move", run, "--to", "3", "oid=four", "why=", code=2).stderr
    assert 'input "oid" is "four", and bigint there' in wrong
    assert perdure("move", run, "--to", "2").stdout == (
        f"moved run {run} from order@1 to order@2\n"
        '  input "id" is none of order@2, and is left unread\n'
        '  input "oid" is new, and gets its default: "99"\n'
    )
    refused = perdure("move", run, "--to", "1", "id=5", code=2).stderr
    assert 'the run has an input "id" already, and keeps what it is: "4"' in refused
    done = perdure("move", run, "--to", "3", "why=it's 50%", "--json")
    assert json.loads(done.stdout) == {
        "run": run,
        "from": "order@2",
        "to": "order@3",
        "dropped": ["id"],
        "defaults": {},
    }
    with psycopg.connect(database) as connection:
        row = connection.execute("select input from df.instances").fetchone()
    assert row is not None
    assert row[0] == {"id": 4, "oid": 99, "why": "it's 50%"}


def test_a_workflow_in_the_place_of_a_run(deployed: Perdure, database: str) -> None:
    refused = deployed("move", "order", "--to", "2", code=2).stderr
    assert (
        '"order" is a workflow, and what is moved is a run, by its id: none of order '
        "is in flight; perdure ps order lists those that were\n"
    ) in refused
    runs = [waiting(database) for _ in range(4)]
    deployed("move", runs[0], "--to", "2")
    for given, what in (("order", "workflow"), ("order@1", "version")):
        refused = deployed("move", given, "--to", "2", code=2).stderr
        named = ", ".join(f"{run} (order@1)" for run in reversed(runs[1:]))
        said = f'"{given}" is a {what}, and what is moved is a run, by its id: {named}'
        assert f"{said}; perdure ps order lists them\n" in refused
    refused = deployed("move", "order@2", "--to", "2", code=2).stderr
    assert "all of order@2 in flight are on order@2 already; perdure ps" in refused
    refused = deployed("move", "order", "--to", "3", code=2).stderr
    assert "(order@1) and more; perdure ps order lists them\n" in refused
    assert (
        "none of order@3 is" in deployed("move", "order@3", "--to", "2", code=2).stderr
    )
    assert 'no run "other"' in deployed("move", "other", "--to", "2", code=2).stderr


def test_the_arguments_are_cut_out_of_any_body() -> None:
    graph = "f($a$ ), ' $a$, 'x)''', -- ),\n \"(\")"
    body = f"begin\n  return df.start({graph}, 'w@1', input => g(a, b));"
    assert arguments_of(body) == [graph, "'w@1'", "input => g(a, b)"]
    assert arguments_of("begin return 1; end") == []


def test_where_the_runtime_cannot_move_runs_nothing_says_that_it_can(
    deployed: Perdure, database: str
) -> None:
    """As on 0.1.0, and on the extension pg_durable."""
    run = waiting(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select perdure.refuse_runs('order', array[2])")
        with pytest.raises(psycopg.Error) as able:
            connection.execute("select perdure.refuse_runs('order', array[1])")
        connection.execute("drop function df.move")
        with pytest.raises(psycopg.Error) as unable:
            connection.execute("select perdure.refuse_runs('order', array[1])")
    assert "perdure move" in (able.value.diag.message_hint or "")
    assert "perdure move" not in (unable.value.diag.message_hint or "")
    refused = deployed("move", run, "--to", "2", code=2).stderr
    assert "runs can be moved on Perdure's own runtime, from 0.2.0 on" in refused
    refused = deployed("retire", "order@1", code=1).stderr
    assert "perdure cancel RUN" in refused
    assert "perdure move" not in refused
    deployed("retire", "order@1", "--offline")
    refused = deployed("deploy", "--yes", code=1).stderr
    assert f"perdure cancel {run}" in refused
    assert "perdure move" not in refused
