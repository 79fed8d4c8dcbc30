"""What stands in the way of a retirement is told at once, each with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.runtime.deploy.conftest import VERSIONS, Perdure, dump, execute
from tests.runtime.deploy.test_rollback import start, write

pytestmark = pytest.mark.usefixtures("runtime")


def test_all_that_stands_in_the_way_of_a_retirement_is_told_at_once(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "caller.yaml").write_text(
        "workflow: caller\nsteps:\n  - {name: one, start: hello, with: {who: me}}\n"
    )
    for text in VERSIONS[:2]:
        write(project, text)
        perdure("compile")
    perdure("deploy", "--yes")
    run = start(database)
    supervisor = start(
        database, "df.start('df.wait_for_signal(''x'')', 'hello@1 schedule')"
    )
    execute(
        database,
        "create function public.nightly() returns text language sql"
        " as $$select workflows.hello('all') || workflows.hello_v1('all')$$",
    )
    before = sorted((project / "migrations").iterdir())
    refused = perdure("retire", "hello", code=1).stderr
    assert refused.splitlines() == [
        "error: hello@1 is started by caller@1",
        "  = help: retire them together: perdure retire caller@1 hello",
        "error: hello@2 is started by caller@2, which is in force",
        "  = help: change caller so that it does not start hello@2, compile and deploy "
        "it, then perdure retire caller@2 with the rest; or retire it as a whole, too: "
        "perdure retire caller hello",
        'error: "workflows/hello.yaml" still defines hello: the next perdure compile '
        "would bring it back",
        "  = help: delete it there first",
        f"  {run}  hello@2  pending",
        "error: 1 run has not ended",
        "  = help: wait for them, or end them with perdure cancel RUN",
        f"error: hello@1 is started by schedule, by run {supervisor}",
        f"  = help: perdure cancel {supervisor}",
        "error: the function public.nightly starts hello",
        "  = help: change it so that it does not, or drop it",
    ]
    refused = perdure("retire", "hello@1", code=1).stderr
    assert [e for e in refused.splitlines() if e.startswith("error")] == [
        "error: hello@1 is started by caller@1",
        f"error: hello@1 is started by schedule, by run {supervisor}",
        "error: the function public.nightly starts hello",
    ]
    assert sorted((project / "migrations").iterdir()) == before


def test_what_the_project_has_in_the_way_is_told_without_a_database(
    released: Perdure, tmp_path: Path
) -> None:
    url = f"postgresql:///x?host={tmp_path}"
    refused = released("retire", "hello", "--database-url", url, code=3).stderr
    assert "still defines hello" in refused
    assert "cannot connect" in refused


# --- workflows that start each other ------------------------------------------------

RING = """\
workflow: {name}
input: {{n: bigint}}
steps:
  - if: n > 0
    then:
      - {{name: other, start: {other}, with: {{n: "${{n - 1}}"}}}}
  - return: {value}
"""


@pytest.fixture
def ring(perdure: Perdure, project: Path) -> None:
    """Deploy two versions of two workflows that start each other."""
    for value in (1, 2):
        for name, other in (("ra", "rb"), ("rb", "ra")):
            text = RING.format(name=name, other=other, value=value)
            (project / "workflows" / f"{name}.yaml").write_text(text)
        perdure("compile")
    perdure("deploy", "--yes")


@pytest.mark.usefixtures("ring")
def test_versions_that_start_each_other_are_retired_together(
    perdure: Perdure, project: Path, database: str
) -> None:
    before = dump(database)
    refused = perdure("retire", "ra@1", code=1).stderr
    assert refused == (
        "error: ra@1 is started by rb@1\n"
        "  = help: retire them together: perdure retire rb@1 ra@1\n"
    )
    made = json.loads(perdure("retire", "rb@1", "ra@1", "--json").stdout)
    assert [(each["workflow"], each["retired"]) for each in made] == [
        ("ra", [1]),
        ("rb", [1]),
    ]
    downs = sorted(each["files"][0] for each in made)
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout
    for each in reversed(downs):
        execute(database, (project / each).read_text())
    assert dump(database) == before
    execute(database, (project / downs[1].replace(".down.", ".up.")).read_text())
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout


@pytest.mark.usefixtures("ring")
def test_workflows_that_start_each_other_are_retired_as_a_whole(
    perdure: Perdure, project: Path, database: str
) -> None:
    for name in ("ra", "rb"):
        (project / "workflows" / f"{name}.yaml").unlink()
    assert "too: perdure retire rb ra\n" in perdure("retire", "ra", code=1).stderr
    perdure("retire", "rb", "ra")
    run = start(database, "workflows.ra(0)")
    refused = perdure("deploy", "--yes", code=1).stderr
    assert f"{run} (ra@2, " in refused
    execute(database, f"select df.cancel('{run}')")
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout


@pytest.mark.usefixtures("ring")
def test_what_stays_and_starts_one_of_several_is_told(
    perdure: Perdure, database: str
) -> None:
    perdure("retire", "ra@1", "rb@1")
    execute(
        database,
        "create function public.nightly() returns text language sql"
        " as $$select workflows.rb_v1(1)$$",
    )
    refused = perdure("deploy", "--yes", code=1).stderr
    assert "rb cannot be taken out of use while functions start it: public." in refused
