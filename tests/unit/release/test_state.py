"""What drift advises, by what the repo and the database have."""

from __future__ import annotations

from dataclasses import replace

import pytest

from perdure.release.deployed import Database, Version
from perdure.release.lock import Lock
from perdure.release.state import drift
from tests.unit.lower.workbench import PG_DURABLE, Workbench
from tests.unit.release.test_reversal import laid_out, retired, rolled_back, script


@pytest.mark.parametrize(("target", "moves"), [("perdure", True), (PG_DURABLE, False)])
def test_runs_are_moved_where_the_runtime_can(
    bench: Workbench, target: str, moves: bool
) -> None:
    project = laid_out(bench, "plain")
    retired(project, 1)
    entries = tuple(replace(each, target=target) for each in project.lock.entries)
    there = tuple(Version(e.workflow, e.version, e.digest) for e in entries)
    change = project.lock.changes[-1].key
    found = drift(
        replace(project.lock, entries=entries),
        {change: script(project, change)},
        Database(there, {}),
        {},
        {"demo@1": ["0a1b2c3d"]},
    )
    (advice,) = [each.advice for each in found if each.kind == "missing"]
    assert ("perdure move RUN --to N" in advice) == moves
    assert "or end them (perdure cancel RUN): 0a1b2c3d" in advice


def test_what_a_tool_takes_for_applied_is_deployed_without_it(bench: Workbench) -> None:
    project = laid_out(bench, "flyway")
    found = drift(project.lock, {}, Database((), {}), {})
    assert {each.kind for each in found} == {"missing"}
    (advice,) = {each.advice for each in found}
    assert "flyway applies it; where the history of flyway says that it has" in advice
    assert "perdure deploy does" in advice


def test_what_can_not_be_deployed_yet_says_what_comes_first(bench: Workbench) -> None:
    project = laid_out(bench, "plain")
    there = [Version(e.workflow, e.version, e.digest) for e in project.lock.entries]
    rolled_back(project)
    for ahead in ((), (Version("demo", 3, ""),)):
        found = drift(project.lock, {}, Database((*there, *ahead), {}), {})
        (advice,) = [each.advice for each in found if each.kind == "missing"]
        assert advice.startswith("perdure deploy")
        assert ("refuses until the differences above are mended" in advice) == bool(
            ahead
        )


@pytest.mark.parametrize(
    ("marks", "expected"),
    [((True, True), []), ((True, False), ["other@1", "other@2"])],
)
def test_what_another_project_has_wholly_retired_is_nothing_to_look_at(
    marks: tuple[bool, ...], expected: list[str]
) -> None:
    there = [Version("other", n, "", mark) for n, mark in enumerate(marks, start=1)]
    found = drift(Lock(), {}, Database(tuple(there), {}), {})
    assert [each.subject for each in found if each.kind == "unknown"] == expected
