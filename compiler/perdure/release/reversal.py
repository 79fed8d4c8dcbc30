"""Rollback and retirement: the migration that does it, and the lock afterwards.

Both are new migrations at the end. To take the newest migration back with the tool's
own way down was rejected: the history of a deployed database only ever grows, so that
every database can be brought to the same state by applying what it lacks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from perdure.diagnostics import Diagnostic
from perdure.plan.version import Previous, Retirement, Script
from perdure.release.intact import state_of
from perdure.release.layouts import Folder, Layout, Migration, UnusableFolder
from perdure.release.lock import Change, Entry, Lock, write_lock
from perdure.release.plan import Release, Work, called, unusable

Kind = Literal["rollback", "retire"]


class Refused(Exception):
    """What was asked for cannot be done; `help` says what can."""

    def __init__(self, message: str, help: str) -> None:
        super().__init__(message)
        self.help = help


@dataclass(frozen=True, slots=True)
class _Draft:
    """A change without its files, the title of its migration, and what writes that."""

    change: Change
    title: str
    build: Callable[[Change], tuple[Script, Script]]


BuildRollback = Callable[[Change, Previous, Previous], tuple[Script, Script]]
BuildRetire = Callable[
    [Change, Sequence[Retirement], Sequence[Retirement]], tuple[Script, Script]
]


def plan_rollback(
    lock: Lock,
    folder: Folder,
    layout: Layout,
    workflow: str,
    to: int | None,
    build: BuildRollback,
) -> Release:
    """Return what puts a version in force again; the one before by default.

    Raises Refused.
    """
    current = _known(lock, workflow)
    number = current.before if to is None else to
    if number == 0:
        first = "is the first version: there is none before it"
        if current.version > 1:
            first = "has no version before it: those of lower numbers are retired"
        raise Refused(
            f"{current.key} {first}",
            f"perdure retire {workflow} takes the workflow out of use",
        )
    after = _usable(lock, workflow, number, current)
    change = replace(_change(lock, workflow, "rollback", current), to=after.version)
    title = f"{workflow}_rollback_{change.number}_to_v{after.version}"

    def scripts(change: Change) -> tuple[Script, Script]:
        return build(change, current.previous(), after.previous())

    return _release(lock, folder, layout, [_Draft(change, title, scripts)])


def plan_retire(
    lock: Lock,
    folder: Folder,
    layout: Layout,
    wanted: Mapping[str, Sequence[int]],
    build: BuildRetire,
) -> Release:
    """Return what takes versions out of use, with a change for each workflow.

    `wanted` are their numbers by workflow; none for all of it. Raises Refused.
    """
    going = {name: _retirement(lock, name, numbers) for name, numbers in wanted.items()}
    every = list(going.values())
    drafts = [
        _retiring(
            lock,
            [own, *(each for each in every if each != own)],
            every if own == every[0] else [],
            build,
        )
        for own in every
    ]
    return _release(lock, folder, layout, drafts)


def _retiring(
    lock: Lock,
    retirements: Sequence[Retirement],
    back: Sequence[Retirement],
    build: BuildRetire,
) -> _Draft:
    """Return the change for the first of what is retired together.

    `back` is what its way back makes again.
    """
    own = retirements[0]
    current = _known(lock, own.workflow)
    change = replace(
        _change(lock, own.workflow, "retire", current),
        to=0 if own.current else current.version,
        versions=tuple(each.version for each in own.versions),
    )
    what = "all" if own.current else "_".join(f"v{n}" for n in change.versions)
    title = f"{own.workflow}_retire_{change.number}_{what}"
    return _Draft(change, title, lambda change: build(change, retirements, back))


def _retirement(lock: Lock, workflow: str, numbers: Sequence[int]) -> Retirement:
    """Return versions as they are retired; without numbers, the whole workflow."""
    current = _known(lock, workflow)
    if numbers:
        entries = [_superseded(lock, workflow, n, current) for n in sorted(numbers)]
    else:
        found = (lock.find(workflow, n) for n in lock.versions(workflow))
        entries = [each for each in found if each is not None]
    _same_place(entries, current)
    return Retirement(
        workflow,
        current.schema,
        tuple(each.previous() for each in entries),
        None if numbers else current.previous(),
    )


def callers(
    lock: Lock, scripts: Mapping[str, str], workflow: str, function: str
) -> list[str]:
    """Return which versions in use start a version of a workflow.

    They name its function, and go on to call it.
    """
    return [
        each.key
        for each in lock.entries
        if each.workflow != workflow
        and each.version not in lock.retired(each.workflow)
        and f"{function}(" in scripts.get(each.key, "")
    ]


def _release(
    lock: Lock, folder: Folder, layout: Layout, drafts: Sequence[_Draft]
) -> Release:
    findings: list[Diagnostic] = state_of(lock, folder, layout)
    if any(each.severity == "error" for each in findings):
        return Release({}, write_lock(lock.entries, lock.changes), (), tuple(findings))
    try:
        work = Work(lock, folder, layout)
        for each in drafts:
            stem, files = work.write(_migration(each))
            work.changes.append(
                replace(each.change, layout=layout.name, migration=stem, files=files)
            )
        return work.release(findings)
    except UnusableFolder as failure:
        findings.append(unusable(layout, failure))
    return Release({}, write_lock(lock.entries, lock.changes), (), tuple(findings))


def _migration(draft: _Draft) -> Migration:
    change = draft.change
    install, remove = draft.build(change)
    return Migration(
        change.workflow,
        draft.title,
        called(change),
        install,
        remove,
        "perdure.workflow_changes\n"
        f"where workflow = '{change.workflow}' and number = {change.number}",
    )


def _change(lock: Lock, workflow: str, kind: Kind, current: Entry) -> Change:
    """Return the next change of a workflow, which has no files yet."""
    latest = lock.latest(workflow)
    assert latest is not None  # there is a current version
    number = 1 + sum(each.workflow == workflow for each in lock.changes)
    return Change(
        workflow,
        number,
        kind,
        latest.version,
        current.version,
        current.version,
        (),
        current.target,
        current.schema,
        "",
        "",
        (),
    )


def _known(lock: Lock, workflow: str) -> Entry:
    current = lock.current(workflow)
    if current is not None:
        return current
    if workflow in lock.workflows:
        raise Refused(
            f'workflow "{workflow}" is retired',
            "its source, compiled again, becomes its next version",
        )
    shown = ", ".join(each for each in lock.workflows if lock.versions(each))
    raise Refused(
        f'the lock has no workflow "{workflow}"',
        f"there are: {shown}" if shown else "perdure compile makes the first version",
    )


def _usable(lock: Lock, workflow: str, number: int, current: Entry) -> Entry:
    """Return the version that is to be current, or raise where it can't be."""
    entry = lock.find(workflow, number)
    shown = ", ".join(map(str, lock.versions(workflow)))
    if entry is None:
        raise Refused(f"{workflow} has no version {number}", f"it has: {shown}")
    if number in lock.retired(workflow):
        others = [n for n in lock.versions(workflow) if n != current.version]
        back = f"perdure rollback {workflow} --to N goes to another one: "
        raise Refused(
            f"{workflow}@{number} is retired: its function is gone",
            "take its source from version control and compile it"
            + (f"; or {back}{', '.join(map(str, others))}" if others else ""),
        )
    if number == current.version:
        rest = ", ".join(str(n) for n in lock.versions(workflow) if n != number)
        raise Refused(
            f"{workflow}@{number} is the current version",
            f"--to names another one: {rest}" if rest else "there is no other one",
        )
    _same_place([entry], current)
    return entry


def _superseded(lock: Lock, workflow: str, number: int, current: Entry) -> Entry:
    """Return a version that may be retired, or raise where it can't be."""
    if number == current.version:
        raise Refused(
            f"{current.key} is the current version",
            f"perdure rollback {workflow} puts another one in force; perdure retire "
            f"{workflow} retires the whole workflow",
        )
    entry = lock.find(workflow, number)
    if entry is not None and number not in lock.retired(workflow):
        return entry
    shown = ", ".join(map(str, lock.versions(workflow)))
    what = "is retired already" if entry else "does not exist"
    raise Refused(f"{workflow}@{number} {what}", f"in use are: {shown}")


def _same_place(entries: Sequence[Entry], current: Entry) -> None:
    for each in entries:
        if (each.target, each.schema) != (current.target, current.schema):
            raise Refused(
                f"{each.key} is for the target {each.target} and the schema "
                f'"{each.schema}", {current.key} for {current.target} and '
                f'"{current.schema}"',
                "take its source from version control and compile it instead",
            )
