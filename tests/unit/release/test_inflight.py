"""What a change means for runs in flight, and what changed under them."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from perdure.ir.tree import Workflow
from perdure.release import InFlight, Waiting, affected, compare, render_text
from perdure.release.late import changed_uses, differs, late_drift
from perdure.release.lock import Entry, write_lock
from perdure.release.reading import read_lock
from perdure.source import Source
from tests.unit.lower.workbench import Workbench

OLD = "- wait_for_signal: go\n- sleep: 1s"


@dataclass(frozen=True)
class Unit:
    ir: Workflow | None


def meaning(
    bench: Workbench, new: str | None, runs: int = 3, changed: tuple[str, ...] = ()
) -> list[str]:
    before = {"demo": Unit(bench.ir(OLD))}
    after = {"demo": Unit(bench.ir(new))} if new else {}
    wait = Waiting("signal", "go", "steps[0]", "demo.yaml:3", runs)
    flight = InFlight("demo", 2, runs, (wait,))
    later = {name: each.ir for name, each in after.items() if each.ir is not None}
    found = affected(
        [flight], compare(before, after), later, {("demo", 2): list(changed)}
    )
    return [line for each in found for line in each.meaning]


def test_runs_stay_on_their_version(bench: Workbench) -> None:
    assert meaning(bench, OLD.replace("1s", "2s")) == [
        "3 runs stay on demo@2 until they end"
    ]
    assert meaning(bench, None, 1) == ["1 run stays on demo@2 until it ends"]
    assert meaning(bench, OLD) == []


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        (
            OLD.replace("go", "start"),
            '3 runs wait for "go"; the new version waits for "start": '
            'go on sending "go" to them',
        ),
        (
            "- sleep: 1s",
            '3 runs wait for "go"; the new version waits for no signal: '
            'go on sending "go" to them',
        ),
    ],
)
def test_signals_that_the_new_version_names_otherwise(
    bench: Workbench, new: str, expected: str
) -> None:
    assert meaning(bench, new)[1:] == [expected]


def test_a_signal_that_the_new_version_takes_with_another_payload(
    bench: Workbench,
) -> None:
    new = "- wait_for_signal: go\n  payload: {ok: boolean}"
    assert meaning(bench, new, 1)[1:] == [
        '1 run waits for "go", which the new version takes as {ok: boolean}: '
        "go on sending what demo@2 takes"
    ]


def test_functions_that_are_about_to_change(bench: Workbench) -> None:
    use = "f(), which the project's schema changes"
    assert meaning(bench, OLD, 1, (use,)) == [f"1 run calls {use}"]
    assert meaning(bench, OLD, 2, (use,)) == [f"2 runs call {use}"]


def test_runs_stand_below_the_diff() -> None:
    from perdure.release import Affected, Diff

    wait = Waiting("timer", None, "nap", None, 1)
    flight = Affected(InFlight("demo", 1, 1, (wait,)), ("it stays",))
    assert render_text(Diff(()), runs=[flight]) == (
        "no differences\nruns in flight on demo@1: 1\n  1 at nap: timer\n  ! it stays\n"
    )


# --- late binding ---------------------------------------------------------------


def entry(**uses: str) -> Entry:
    return Entry(
        "demo", 1, "d", "perdure", "workflows", "plain", "m", (), (),
        uses=tuple(uses.items()),
    )  # fmt: skip


def test_the_lock_keeps_what_a_version_uses() -> None:
    text = write_lock([entry(f="1", v="18:2")])
    lock, found = read_lock(Source("workflows.lock", text))
    assert found == []
    assert lock is not None
    assert lock.entries[0].uses == (("f", "1"), ("v", "18:2"))
    assert write_lock(lock.entries) == text
    assert "uses" not in write_lock([entry()])


@pytest.mark.parametrize(
    ("before", "now", "expected"),
    [
        ("a", "a", False),
        ("a", "b", True),
        ("18:a", "18:b", True),
        ("17:a", "18:b", False),
        ("a", "18:b", True),
    ],
)
def test_digests_of_equal_majors_are_compared(
    before: str, now: str, expected: bool
) -> None:
    assert differs(before, now) is expected


def test_what_changed_under_a_version() -> None:
    used = entry(kept="1", changed="2", gone="3")
    found = changed_uses([used, entry()], {"kept": "1", "changed": "4", "new": "5"})
    assert [(each.name, each.change) for each in found] == [
        ("changed", "changed"),
        ("gone", "gone"),
    ]
    there = {"kept": "1", "changed": "2"}
    drift = late_drift([used], there, {"demo@1": 2}, None)
    assert [f"{each.subject} {each.message}" for each in drift] == [
        "demo@1 uses gone, which is not there; 2 runs are in flight"
    ]


@pytest.mark.parametrize(
    ("there", "repo", "severity"),
    [
        ({"f": "2"}, None, "error"),
        ({"f": "2"}, {}, "error"),
        ({"f": "2"}, {"f": "1"}, "error"),
        ({"f": "2"}, {"f": "2"}, "warning"),
        ({"f": "18:2"}, {"f": "17:3"}, "warning"),
        ({}, {"f": "1"}, "error"),
        ({}, {}, "warning"),
    ],
)
def test_what_changed_on_both_sides_is_no_drift(
    there: dict[str, str], repo: dict[str, str] | None, severity: str
) -> None:
    drift = late_drift([entry(f="1")], there, {"demo@1": 1}, repo)
    assert [each.severity for each in drift] == [severity]


@pytest.mark.parametrize(
    ("there", "repo", "severities"),
    [
        ({"f": "2"}, None, ["warning"]),
        ({"f": "2"}, {}, ["warning"]),
        ({"f": "2"}, {"f": "1"}, ["warning"]),
        ({"f": "2"}, {"f": "3"}, ["warning"]),
        ({"f": "2"}, {"f": "2"}, []),
        ({"f": "1"}, {"f": "2"}, []),
        ({}, {"f": "1"}, ["error"]),
        ({}, {}, []),
    ],
)
def test_what_only_new_runs_use_is_told_where_the_repo_has_it_not(
    there: dict[str, str], repo: dict[str, str] | None, severities: list[str]
) -> None:
    drift = late_drift([entry(f="1")], there, {}, repo)
    assert [each.severity for each in drift] == severities
