"""What stands in the way of a retirement is told at once, each with what to do."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import VERSIONS, Perdure, dump, execute
from tests.runtime.deploy.test_drift import mend
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
        "  = help: retire it, too, once caller@2 is out of the way",
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
        write_ring(project, value)
        perdure("compile")
    perdure("deploy", "--yes")


def write_ring(project: Path, value: int) -> None:
    for name, other in (("ra", "rb"), ("rb", "ra")):
        text = RING.format(name=name, other=other, value=value)
        (project / "workflows" / f"{name}.yaml").write_text(text)


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
def test_the_command_that_is_told_takes_all_that_starts_what_it_takes(
    perdure: Perdure, project: Path
) -> None:
    """A version in force takes its workflow along, and that what starts its others."""
    perdure("rollback", "ra", "--to", "1")
    for path in (project / "workflows").glob("r?.yaml"):
        path.unlink()
    refused = perdure("retire", "ra@2", code=1).stderr
    _, found, command = refused.partition("as a whole, too: perdure ")
    assert found
    assert command == "retire rb ra\n"
    assert perdure(*command.split()).stderr == ""


@pytest.mark.usefixtures("ring")
def test_runs_on_any_of_what_is_retired_together_are_told(
    perdure: Perdure, database: str
) -> None:
    run = start(database, "workflows.rb_v1(0)")
    perdure("retire", "ra@1", "rb@1", "--offline")
    drift = perdure("drift", code=1).stdout
    assert drift.startswith("ra, change 1 is in the lock, and not deployed\n")
    assert "stops at it, and at what comes after it, while 1 run on rb@1 can" in drift
    assert f"(perdure cancel RUN): {run}; the repo is newer\nrb, change 1 is" in drift
    assert drift.endswith("  = help: perdure deploy; the repo is newer\n")
    refused = perdure("deploy", "--yes", code=1).stderr
    assert f"  {run}  rb@1  pending\n" in refused
    assert f"take it to version 2 while it waits (perdure move {run} --to 2)" in refused
    assert f"or end it (perdure cancel {run}); then perdure deploy again" in refused
    assert refused.endswith("; this migration waits for it: rb, change 1\n")
    execute(database, f"select df.cancel('{run}')")
    perdure("deploy", "--yes")


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("whole", [False, True])
def test_the_first_of_what_is_retired_together_is_taken_back(
    perdure: Perdure, project: Path, database: str, whole: bool
) -> None:
    if whole:
        for path in (project / "workflows").glob("r?.yaml"):
            path.unlink()
    perdure("retire", *(("rb", "ra") if whole else ("rb@1", "ra@1")))
    before = dump(database)
    first, second = ups(project, "retire")
    for each in (first, down(first), first, second, down(second)):
        execute(database, each.read_text())
    assert "went with rb, change 1 already" in perdure("drift", code=1).stdout
    execute(database, down(first).read_text())
    assert dump(database) == before


@pytest.mark.usefixtures("ring")
def test_drift_where_not_the_first_of_what_is_retired_together_is_there(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("retire", "rb@1", "ra@1")
    _, second = ups(project, "retire")
    execute(database, second.read_text())
    assert perdure("drift", code=1).stdout == (
        "rb, change 1 is in the lock, and not deployed; its function "
        '"rb_v1" went with ra, change 1 already\n'
        "  = help: perdure deploy; the repo is newer\n"
    )
    assert perdure("drift", "--sql", code=1).stdout == ""


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


@pytest.mark.usefixtures("ring")
@pytest.mark.parametrize("whole", [False, True])
def test_drift_between_the_migrations_of_what_is_retired_together(
    perdure: Perdure, project: Path, database: str, whole: bool
) -> None:
    if whole:
        for name in ("ra", "rb"):
            (project / "workflows" / f"{name}.yaml").unlink()
    versions = ("rb", "ra") if whole else ("rb@1", "ra@1")
    perdure("retire", *versions)
    first, _ = ups(project, "retire")
    execute(database, first.read_text())
    functions = '"ra_v1", "ra_v2", "ra"' if whole else '"ra_v1"'
    assert perdure("drift", code=1).stdout == (
        "ra, change 1 is in the lock, and not deployed; its "
        f"function{'s' if whole else ''} {functions} went with rb, change 1 already\n"
        "  = help: perdure deploy; the repo is newer\n"
    )
    assert perdure("drift", "--sql", code=1).stdout == ""
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout


def test_a_retirement_of_what_another_branch_starts_is_found(
    perdure: Perdure, project: Path, database: str
) -> None:
    """The one of two that are retired together came before it, the other one after."""
    folder, lock = project / "migrations", project / "workflows.lock"
    caller = project / "workflows" / "zz.yaml"
    (project / "workflows" / "hello.yaml").unlink()
    write_ring(project, 1)
    perdure("compile")
    caller.write_text("workflow: zz\nsteps:\n  - {start: ra, with: {n: 0}}\n")
    perdure("compile")  # on a branch
    branch = {each: each.read_text() for each in (caller, *folder.glob("*_zz_v1.*"))}
    text = lock.read_text()
    table = text[text.index("[workflows.zz.1]") :]
    for each in branch:
        each.unlink()
    lock.write_text(text.replace(table, ""))
    write_ring(project, 2)
    perdure("compile")
    perdure("deploy", "--yes")
    perdure("retire", "rb@1", "ra@1")
    for each in folder.glob("0006_*"):  # merged
        each.rename(each.with_name(each.name.replace("0006", "0007")))
    for path, text in branch.items():
        path.with_name(path.name.replace("0003", "0006")).write_text(text)
    text = lock.read_text().replace("0006_", "0007_")
    lock.write_text(f"{text}\n{table.replace('0003_', '0006_')}")
    for path in (*ups(project, "rb_retire"), *ups(project, "zz_v1")):
        execute(database, path.read_text())
    for words in (["compile"], ["drift"], ["deploy", "--yes"]):
        told = perdure(*words, code=1).stderr
        assert "error[WF708]: ra, change 1 (retire version 1), is refused by a " in told
        assert told.count("error") == 1
        assert "make it again: perdure retire ra@1 zz@1" in told
    for path in folder.glob("*_ra_retire_*"):
        path.unlink()
    text = lock.read_text()
    start = text.index("[changes.ra.1]")
    lock.write_text(text[:start] + text[text.index("[changes.rb.1]", start) :])
    perdure("compile")
    perdure("retire", "ra@1", "zz@1")
    perdure("deploy", "--yes")
    assert "no drift" in perdure("drift").stdout


@pytest.mark.usefixtures("ring")
def test_an_overtaken_retirement_refuses_what_calls_its_versions(
    perdure: Perdure, project: Path, database: str
) -> None:
    perdure("retire", "rb@1", "ra@1")
    write_ring(project, 3)
    perdure("compile")
    for each in ups(project, "_v3"):
        execute(database, each.read_text())
    execute(
        database,
        "create function public.nightly() returns text language sql"
        " as $$select workflows.rb_v1(1)$$",
    )
    assert "rb, change 1 is not deployed, and rb@3 after it is" in (
        perdure("drift", code=1).stdout
    )
    before = dump(database)
    with pytest.raises(psycopg.Error, match=r"functions start it: public\.nightly"):
        mend(perdure, database)
    assert dump(database) == before
    execute(database, "drop function public.nightly()")
    mend(perdure, database)
    assert "no drift" in perdure("drift").stdout
    assert "nothing to do" in perdure("deploy", "--yes").stdout


def down(up: Path) -> Path:
    """Return the way back of a migration."""
    return up.with_name(up.name.replace(".up.", ".down."))


def ups(project: Path, part: str) -> list[Path]:
    """Return the installing migrations with a part of a name, in their order."""
    return sorted((project / "migrations").glob(f"*{part}*.up.sql"))
