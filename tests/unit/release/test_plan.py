"""What `compile` writes, from release to release."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from perdure.ir.digest import digest
from perdure.plan.version import Previous, Script, VersionSql
from perdure.release import (
    Candidate,
    Lock,
    Release,
    plan_release,
    read_lock,
    registered_sources,
)
from perdure.release.layouts import LAYOUTS, Folder, Layout
from perdure.release.order import in_order
from perdure.source import Source
from tests.unit.lower.workbench import PG_DURABLE, Workbench

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ONE, TWO = "- return: 1", "- return: 2"


def candidate(
    bench: Workbench, steps: str, target: str = "perdure", inputs: str = "id: bigint"
) -> Candidate:
    def build(
        version: int, previous: Previous | None, _: Mapping[str, int]
    ) -> VersionSql:
        return bench.sql(
            steps, target=target, inputs=inputs, version=version, previous=previous
        )

    return Candidate("demo", digest(bench.ir(steps, inputs=inputs)), target, build)


def named(name: str, candidate: Candidate, *calls: str) -> Candidate:
    """Return a workflow under another name."""

    def build(
        version: int, previous: Previous | None, numbers: Mapping[str, int]
    ) -> VersionSql:
        made = candidate.build(version, previous, numbers)
        install, remove = (
            Script(
                each.head.replace("demo", name),
                tuple(text.replace("demo", name) for text in each.statements),
            )
            for each in (made.install, made.remove)
        )
        return replace(made, install=install, remove=remove)

    return replace(candidate, name=name, build=build, calls=lambda: calls)


class Project:
    """The migrations folder and the lock, as files."""

    def __init__(self, layout: str = "plain") -> None:
        self.files: dict[str, str] = {}
        self.lock = Lock()
        self.layout: Layout = LAYOUTS[layout]

    def plan(self, *candidates: Candidate, schema: str = "workflows") -> Release:
        folder = Folder(dict(self.files), NOW, "shop")
        return plan_release(candidates, self.lock, folder, self.layout, schema=schema)

    def write(
        self, *candidates: Candidate, schema: str = "workflows"
    ) -> Mapping[str, str]:
        release = self.plan(*candidates, schema=schema)
        assert release.findings == ()
        self.files |= release.files
        lock, _ = read_lock(Source("workflows.lock", release.lock))
        assert lock is not None
        self.lock = lock
        return release.files


def codes(release: Release) -> list[str]:
    return [each.code for each in release.findings]


def test_versions_are_counted_and_files_numbered(bench: Workbench) -> None:
    project = Project()
    project.files["0007_users.up.sql"] = "create table users ();"
    assert list(project.write(candidate(bench, ONE))) == [
        "0008_demo_v1.up.sql",
        "0008_demo_v1.down.sql",
    ]
    assert not project.write(candidate(bench, ONE))
    second = project.write(candidate(bench, TWO))
    assert (
        "create or replace function workflows.demo(id bigint)"
        in (second["0009_demo_v2.up.sql"])
    )
    assert "select workflows.demo_v1(id)" in second["0009_demo_v2.down.sql"]
    third = project.write(candidate(bench, ONE))
    assert next(iter(third)) == "0010_demo_v3.up.sql"


def test_callees_are_numbered_before_their_callers(bench: Workbench) -> None:
    own = candidate(bench, ONE)
    calls = {"a": ("z", "m"), "b": (), "m": ("z",), "z": ()}
    candidates = [named(name, own, *others) for name, others in calls.items()]
    files = Project().write(*candidates)
    assert [each for each in files if each.endswith("_v1.up.sql")] == [
        "0001_z_v1.up.sql",
        "0002_m_v1.up.sql",
        "0003_a_v1.up.sql",
        "0004_b_v1.up.sql",
    ]


@pytest.mark.parametrize("layout", ["plain", "flyway", "dbmate", "sqitch", "alembic"])
def test_migrations_are_applied_in_the_order_of_their_files(
    bench: Workbench, layout: str
) -> None:
    project = Project(layout)
    project.files["sqitch.plan"] = "%project=shop\n"
    one, two = candidate(bench, ONE), candidate(bench, TWO)
    project.write(named("b", one))
    project.write(named("b", one), named("c", one))
    project.write(named("b", two), named("c", one))
    project.write(named("a", one), named("b", two), named("c", two))
    found = [each.key for each in in_order(project.lock, project.files)]
    assert found == ["b@1", "c@1", "b@2", "a@1", "c@2"]


def test_two_heads_are_found_with_nothing_to_write(bench: Workbench) -> None:
    project = Project("alembic")
    project.write(candidate(bench, ONE))
    project.files["other.py"] = "revision = 'other'"
    assert codes(project.plan(candidate(bench, ONE))) == ["WF707"]


def test_a_changed_signature_drops_the_function(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    files = project.write(candidate(bench, ONE, inputs="id: bigint\nn: text = 'x'"))
    up, down = files["0002_demo_v2.up.sql"], files["0002_demo_v2.down.sql"]
    assert "drop function workflows.demo(bigint);" in up
    assert "create function workflows.demo(id bigint)" in down


def test_another_target_or_schema_is_another_version(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    assert project.write(candidate(bench, ONE, PG_DURABLE))
    files = project.write(candidate(bench, ONE, PG_DURABLE), schema="other")
    assert "demo_v2" not in files["0003_demo_v3.down.sql"]


def test_what_was_written_is_guarded(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    intact = dict(project.files)
    project.files["0001_demo_v1.up.sql"] += "-- edited"
    assert codes(project.plan(candidate(bench, TWO))) == ["WF701"]
    assert not project.plan(candidate(bench, TWO)).changes
    project.files = dict(intact)
    del project.files["0001_demo_v1.down.sql"]
    assert codes(project.plan(candidate(bench, TWO))) == ["WF702"]
    project.files = {**intact, "0001_other.up.sql": ""}
    assert codes(project.plan(candidate(bench, TWO))) == ["WF705"]


def test_what_a_merge_has_left_of_another_branch_is_found(bench: Workbench) -> None:
    """Also where its number is one of ours, which is not to be deleted."""
    project = Project()
    project.write(candidate(bench, ONE))
    left = project.files["0001_demo_v1.up.sql"]
    for name in ("0001_demo_one.up.sql", "0002_demo_v1.up.sql"):
        files = dict(project.files)
        project.files[name] = left
        (found,) = project.plan(candidate(bench, TWO)).findings
        assert (found.code, found.message) == (
            "WF706",
            f'"{name}" is of version 1 of demo, too, which the lock has in '
            '"0001_demo_v1.up.sql"',
        )
        project.files = files


def test_a_lock_that_was_edited_is_found(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    first = project.lock.entries[0]
    project.write(candidate(bench, TWO))
    project.lock = replace(
        project.lock,
        entries=(replace(first, digest="0" * 64), *project.lock.entries[1:]),
    )
    release = project.plan(candidate(bench, TWO))
    assert codes(release) == ["WF704"]
    assert release.findings[0].message == (
        "the lock was edited: demo, version 1, has another digest in it than in "
        '"0001_demo_v1.up.sql" and "0001_demo_v1.down.sql"'
    )
    assert "git checkout HEAD -- workflows.lock" in (release.findings[0].help or "")


def test_the_files_of_a_version_are_told_together(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    intact = dict(project.files)
    project.files = {name: text + "-- edited" for name, text in intact.items()}
    (found,) = project.plan(candidate(bench, ONE)).findings
    files = '"0001_demo_v1.up.sql" and "0001_demo_v1.down.sql" of demo, version 1,'
    assert found.message == (
        f"the migrations {files} were edited after they were written"
    )
    project.files = {}
    (found,) = project.plan(candidate(bench, ONE)).findings
    assert found.message == f"the migrations {files} are gone"


def test_a_migration_in_conflict_is_told_as_such(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    text = project.files["0001_demo_v1.up.sql"]
    project.files["0001_demo_v1.up.sql"] = f"<<<<<<< HEAD\n{text}=======\n>>>>>>> B\n"
    release = project.plan(candidate(bench, ONE))
    assert codes(release) == ["WF701"]
    assert "has an unresolved merge" in release.findings[0].message
    assert "git checkout --ours" in (release.findings[0].help or "")


def test_a_workflow_that_is_gone_stays_deployed(bench: Workbench) -> None:
    project = Project()
    project.write(candidate(bench, ONE))
    release = project.plan()
    assert codes(release) == ["WF703"]
    assert not release.changes


def test_the_sources_come_back_out_of_a_migration(bench: Workbench) -> None:
    version = bench.sql("- return: it's $source$ here")
    found = registered_sources(version.up)
    assert list(found) == ["workflows/demo.yaml"]
    assert found["workflows/demo.yaml"].endswith("- return: it's $source$ here\n")
    assert registered_sources("select 1;") == {}


def test_the_order_of_files_does_not_matter(bench: Workbench) -> None:
    one = candidate(bench, ONE)
    other = replace(one, name="also")
    empty, plain = Folder({}, NOW), LAYOUTS["plain"]
    assert plan_release([one, other], Lock(), empty, plain).lock == (
        plan_release([other, one], Lock(), empty, plain).lock
    )
