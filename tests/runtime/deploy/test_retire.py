"""What stands in the way of a retirement is told at once, each with what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.runtime.deploy.conftest import VERSIONS, Perdure, execute
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
        "  = help: retire that first: perdure retire caller@1",
        "error: hello@2 is started by caller@2, which is in force",
        "  = help: change caller so that it does not start hello@2, or retire it as a "
        "whole; compile and deploy it, then perdure retire caller@2",
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
