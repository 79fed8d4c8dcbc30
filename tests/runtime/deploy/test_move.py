"""`perdure move`: from version to version, with the compiler's own graphs."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from perdure.engine.move import arguments_of
from tests.runtime.deploy.conftest import Perdure

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


def waiting(database: str) -> str:
    with psycopg.connect(database, autocommit=True) as connection:
        row = connection.execute("select workflows.order_v1(4)").fetchone()
        connection.execute("call df.work(100, 10000)")
    assert row is not None
    return str(row[0])


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
