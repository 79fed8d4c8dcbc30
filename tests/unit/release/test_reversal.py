"""Rollbacks and retirements in every layout, run up and down."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.diagnostics import Diagnostic
from perdure.emit.switch import Switch, retire, roll_back, statements_of
from perdure.plan.version import Previous, Retirement, Script, VersionSql
from perdure.release import Candidate, Change, Lock, Release, read_lock
from perdure.release.interface import Call
from perdure.release.layouts import Folder
from perdure.release.reversal import (
    Refused,
    plan_retire,
    plan_rollback,
)
from perdure.release.script import split
from perdure.source import Source, Span
from tests.unit.emit.deployed import Connection, prepared
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_layouts import NAMES
from tests.unit.release.test_plan import (
    NOW,
    ONE,
    TWO,
    Project,
    candidate,
    codes,
    named,
)


def switch(change: Change) -> Switch:
    return Switch(
        change.workflow,
        change.schema,
        change.number,
        change.kind,
        change.to,
        change.digest,
        change.note,
    )


def script(project: Project, key: str) -> str:
    """Return the SQL of a version or a change, out of the layout's file."""
    (event,) = [each for each in project.lock.everything if each.key == key]
    text = project.files[project.layout.up_file(event.migration)]
    return project.layout.up_sql(text)


def folder(project: Project) -> Folder:
    return Folder(dict(project.files), NOW, "shop")


def take(project: Project, release: Release) -> None:
    assert [each.severity for each in release.findings] == []
    project.files |= release.files
    lock, found = read_lock(Source("workflows.lock", release.lock))
    assert lock is not None, found
    project.lock = lock


def rolled_back(project: Project, to: int | None = None) -> None:
    def build(
        change: Change, before: Previous, after: Previous
    ) -> tuple[Script, Script]:
        return roll_back(switch(change), before, after)

    take(
        project,
        plan_rollback(project.lock, folder(project), project.layout, "demo", to, build),
    )


def retired(project: Project, version: int | None = None) -> None:
    def build(
        change: Change,
        retirements: Sequence[Retirement],
        back: Sequence[Retirement],
    ) -> tuple[Script, Script]:
        made = {
            (key := f"demo@{number}"): statements_of(
                split(script(project, key)), "workflows", "demo", number
            )
            for number in change.versions
        }
        return retire(switch(change), retirements, back, made)

    take(
        project,
        plan_retire(
            project.lock,
            folder(project),
            project.layout,
            {"demo": [version] if version else []},
            build,
        ),
    )


def laid_out(bench: Workbench, layout: str) -> Project:
    project = Project(layout)
    given = NAMES[layout][0]
    name, _, text = given.partition("\n")
    project.files[name] = text
    project.write(candidate(bench, ONE))
    project.write(candidate(bench, TWO, inputs="id: bigint\nn: text = 'x'"))
    return project


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with prepared(database) as connection:
        yield connection


TITLES = {
    "plain": "011_demo_retire_2_v2",
    "flyway": "V7__demo_retire_2_v2",
    "dbmate": "20260102030408_demo_retire_2_v2",
    "golang-migrate": "000016_demo_retire_2_v2",
    "goose": "00008_demo_retire_2_v2",
    "sqitch": "deploy/demo_retire_2_v2",
    "alembic": "_demo_retire_2_v2",
    "django": "0006_demo_retire_2_v2",
    "supabase": "20990101000004_demo_retire_2_v2",
    "atlas": "20260102030408_demo_retire_2_v2",
}


def test_squawk_has_nothing_to_say_of_changes(bench: Workbench, tmp_path: Path) -> None:
    project = Project()
    for steps in (ONE, TWO):
        project.write(candidate(bench, steps))
    rolled_back(project)
    retired(project, 2)
    for name, text in project.files.items():
        (tmp_path / name).write_text(text)
    squawk = Path(sys.executable).with_name("squawk")
    done = subprocess.run(
        [squawk, "--assume-in-transaction", *sorted(tmp_path.glob("*.sql"))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(project.files) == 8


@pytest.mark.parametrize("layout", NAMES)
def test_what_the_migrations_of_another_branch_did_is_known(
    bench: Workbench, layout: str
) -> None:
    """Their lock was dropped in a merge, and their files are still there."""
    project = laid_out(bench, layout)
    lock = project.lock
    rolled_back(project)
    retired(project, 2)
    project.lock = lock
    found = [e for e in project.plan(candidate(bench, ONE)).findings if e.help]
    assert [each.code for each in found] == ["WF706"]
    assert str(found[0].help).endswith(
        "what they did: perdure rollback demo --to 1 and perdure retire demo@2"
    )


@pytest.mark.parametrize("layout", NAMES)
def test_changes_are_laid_out_and_run(
    bench: Workbench, connection: Connection, layout: str
) -> None:
    project = laid_out(bench, layout)
    rolled_back(project)
    retired(project, 2)
    assert any(TITLES[layout] in name for name in project.files), list(project.files)
    for event in project.lock.events("demo"):
        with connection.transaction():
            connection.execute(script(project, event.key).encode())
    rows = connection.execute(
        "select number, kind, version from perdure.workflow_changes order by 1"
    ).fetchall()
    assert rows == [(1, "rollback", 1), (2, "retire", 1)]
    names = connection.execute(
        "select proname from pg_proc where pronamespace = 'workflows'::regnamespace"
        " order by 1"
    ).fetchall()
    assert names == [("demo",), ("demo_v1",)]
    again = project.plan(candidate(bench, ONE))
    assert (codes(again), again.changes) == ([], False)


@pytest.mark.parametrize("layout", NAMES)
def test_an_edited_change_is_found(bench: Workbench, layout: str) -> None:
    project = laid_out(bench, layout)
    rolled_back(project)
    (name,) = [n for n in project.files if "rollback_1" in n and _leads_up(n)]
    project.files[name] += "\n-- edited\n"
    assert codes(project.plan(candidate(bench, ONE))) == ["WF701"]
    del project.files[name]
    assert "WF702" in codes(project.plan(candidate(bench, ONE)))


def _leads_up(name: str) -> bool:
    aside = ("U", "rollback/", "revert/", "verify/")
    return not name.startswith(aside) and ".down." not in name and ".py" not in name


def test_a_change_that_the_lock_does_not_know_is_found(bench: Workbench) -> None:
    project = laid_out(bench, "plain")
    before = project.lock
    rolled_back(project)
    project.lock = before
    assert codes(project.plan(candidate(bench, ONE))) == ["WF706"]


def test_a_lost_lock_is_told_once(bench: Workbench) -> None:
    project = laid_out(bench, "plain")
    rolled_back(project)
    project.lock = Lock()
    (found,) = project.plan(candidate(bench, ONE)).findings
    assert found.message == (
        '"008_demo_v1.down.sql" and "008_demo_v1.up.sql" and 4 more are of version 1 '
        "of demo, version 2 of demo, change 1 of demo, which the lock does not know"
    )
    assert "git checkout HEAD -- workflows.lock" in (found.help or "")


def test_what_a_version_made_is_all_that_comes_back(bench: Workbench) -> None:
    project = laid_out(bench, "goose")
    made = statements_of(split(script(project, "demo@2")), "workflows", "demo", 2)
    assert [each.split("(")[0] for each in made] == [
        "create function workflows.demo_v2",
        "comment on function workflows.demo_v2",
    ]


def test_the_whole_workflow_goes_and_its_number_is_not_given_again(
    bench: Workbench,
) -> None:
    project = laid_out(bench, "plain")
    retired(project)
    assert project.lock.current("demo") is None
    assert codes(project.plan()) == []
    with pytest.raises(Refused, match='workflow "demo" is retired'):
        rolled_back(project)
    files = project.write(candidate(bench, TWO, inputs="id: bigint\nn: text = 'x'"))
    assert any("demo_v3" in name for name in files)
    entry = project.lock.latest("demo")
    assert entry is not None
    assert (entry.version, entry.before) == (3, 0)
    with pytest.raises(Refused, match="those of lower numbers are retired"):
        rolled_back(project)


# --- callers of what was rolled back ------------------------------------------------

PLACE = Span("workflows/caller.yaml", 30, 34)


def caller(bench: Workbench, steps: str, *calls: Call) -> Candidate:
    """Return a workflow that calls `demo`; its SQL tells which version that is."""
    own = named("caller", candidate(bench, steps), "demo")

    def build(
        version: int, previous: Previous | None, numbers: Mapping[str, int]
    ) -> VersionSql:
        made = own.build(version, previous, numbers)
        head = f"{made.install.head}\n-- calls demo_v{numbers['demo']}"
        return replace(made, install=replace(made.install, head=head))

    return replace(own, build=build, against=lambda: calls)


def errors(release: Release) -> list[Diagnostic]:
    return [each for each in release.findings if each.severity == "error"]


def test_what_calls_sources_that_were_rolled_back_is_not_compiled(
    bench: Workbench,
) -> None:
    project = Project()
    call = Call("demo", PLACE)
    one, two = candidate(bench, ONE), candidate(bench, TWO)
    project.write(one, caller(bench, ONE, call))
    project.write(two, caller(bench, TWO, call))
    rolled_back(project)
    assert codes(project.plan(two, caller(bench, TWO, call))) == ["WF709"]
    changed = caller(bench, "- return: 3", call, call)
    release = project.plan(two, changed)
    assert [each.name for each in release.versions] == []
    (found,) = errors(release)
    assert (found.code, found.span) == ("WF710", PLACE)
    assert found.message == (
        '"caller" is checked against version 2 of "demo", which was rolled back: '
        "version 1 is current"
    )
    assert found.help == (
        'take the sources of "demo" back to version 1, or change them, which makes '
        "version 3; or put version 2 in force again: perdure rollback demo --to 2"
    )
    texts = project.write(one, changed)
    assert "-- calls demo_v1" in texts["0006_caller_v3.up.sql"]
    mended = project.write(candidate(bench, "- return: 4"), caller(bench, ONE, call))
    assert "-- calls demo_v3" in mended["0008_caller_v4.up.sql"]


@pytest.mark.parametrize(
    ("call", "message", "notes"),
    [
        (
            Call("demo", PLACE, True),
            '"caller" would take in the steps of version 2',
            (),
        ),
        (
            Call("demo", PLACE, within="middle"),
            '"caller" is checked against version 2',
            ('it takes in "middle", which calls "demo"',),
        ),
    ],
)
def test_it_is_told_how_what_was_rolled_back_comes_in(
    bench: Workbench, call: Call, message: str, notes: tuple[str, ...]
) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    two = candidate(bench, TWO)
    project.write(two)
    rolled_back(project)
    (found,) = errors(project.plan(two, caller(bench, ONE, call)))
    assert found.message.startswith(message)
    assert found.notes == notes


def test_callers_name_the_next_version_of_what_was_retired(bench: Workbench) -> None:
    """Its sources came back as they were, or are those of a version that is retired."""
    project = Project()
    one, two = candidate(bench, ONE), candidate(bench, TWO)
    call = Call("demo", PLACE)
    project.write(one)
    project.write(two)
    rolled_back(project)
    retired(project, 2)
    texts = project.write(two, caller(bench, ONE, call))
    assert "-- calls demo_v3" in texts["0006_caller_v1.up.sql"]
    retired(project)
    texts = project.write(two, caller(bench, TWO, call))
    assert "-- calls demo_v4" in texts["0009_caller_v2.up.sql"]
