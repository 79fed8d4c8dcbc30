"""Repo against database: what is missing on which side, and what differs.

The repo's side is the lock and the scripts that it names; the database's side is the
register of versions and changes, and the functions (see `perdure.release.objects`).
What should be there follows from what is registered, not from the end of the lock: a
database that is behind is told apart from one that was changed.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence

from perdure.release.deployed import Database, Difference
from perdure.release.lock import Change, Entry, Lock
from perdure.release.objects import (
    REGISTER,
    SQL,
    Made,
    compared,
    left_over,
    mark,
    of_version,
    registration,
)
from perdure.release.order import in_order
from perdure.release.registered import (
    Key,
    deployed_part,
    gone_along,
    key_of,
    lost,
    there,
)
from perdure.release.retirement import left_after, versions_in

_STUCK = ("overtaken", "unregistered")
_NOT_RETIRED = "is marked as retired, and the migration that retires it is not deployed"


def missing(
    lock: Lock, database: Database, files: Mapping[str, str] | None = None
) -> list[Entry | Change]:
    """Return what of the lock is not deployed, in the order to deploy it.

    `files` are the texts of the migrations folder (see `perdure.release.order`).
    """
    known = there(database)
    return [each for each in in_order(lock, files or {}) if key_of(each) not in known]


def conflicts(
    lock: Lock, scripts: Mapping[str, str], database: Database
) -> list[Difference]:
    """Return what stands in the way of deploying: the database has something else."""
    known = {key_of(each): each for each in lock.everything}
    workflows = {each.workflow for each in lock.entries}
    found = []
    for (workflow, what, number), digest in there(database).items():
        event = known.get((workflow, what, number))
        at = f"{workflow}@{number}"
        subject = at if what == "version" else f"{workflow}, change {number},"
        if event is None and workflow in workflows:
            found.append(
                Difference(
                    "ahead",
                    subject,
                    "is deployed, and the lock does not know it",
                    "database",
                    "bring the repo up to date, if another branch deployed it; if it "
                    "was reverted in git, restore its migrations and the lock, and "
                    "revert the workflow's source only: perdure compile makes the next "
                    "version of it",
                )
            )
        elif event is not None and event.digest != digest:
            found.append(
                Difference(
                    "different",
                    subject,
                    "was deployed from other sources than the lock's",
                    "neither",
                    "two branches made it: take the lock and the migrations of the one "
                    f"that is deployed, and delete yours; {event.command} makes yours "
                    "again, with the next number",
                )
            )
    return [*found, *lost(lock, scripts, database)]


def drift(
    lock: Lock,
    scripts: Mapping[str, str],
    database: Database,
    made: Made,
    runs: Mapping[str, Sequence[str]] | None = None,
) -> list[Difference]:
    """Return every difference.

    `scripts` are the installing ones, by key; `made` is what the functions are that
    they make, as far as it is known. `runs` are those in flight, by version.
    """
    found = conflicts(lock, scripts, database)
    conflicting = bool(found)
    found += _unknown(lock, database)
    stuck = {each.subject for each in found if each.kind in _STUCK}
    refused = "perdure deploy, which refuses until the differences above are mended"
    along = gone_along(lock, scripts, database)
    flying = _held_up(missing(lock, database), scripts, runs or {})
    found += [
        Difference(
            "missing",
            each.key,
            _not_deployed(each, along),
            "repo",
            refused if conflicting else _to_deploy(each, lock, flying[each.key]),
        )
        for each in missing(lock, database)
        if each.key not in stuck
    ]
    deployed = deployed_part(lock, database)
    behind = _behind(lock, database)
    overtaken = {each.subject for each in found if each.kind == "overtaken"}
    late = {
        f"{each.workflow}@{number}"
        for each in lock.changes
        if each.key in overtaken
        for number in each.versions
    }
    gone = {name for names, _ in along.values() for name in names}
    for workflow in deployed.workflows:
        if workflow not in behind:
            own = _objects(deployed, workflow, scripts, database, made, gone)
            found += [each for each in own if each.subject not in late]
    return found + _schedules(deployed, database, behind, gone)


def _not_deployed(
    event: Entry | Change, along: Mapping[Key, tuple[Sequence[str], str]]
) -> str:
    """Say what is missing, and what of a retirement another one has done already."""
    said = "is in the lock, and not deployed"
    if key_of(event) not in along:
        return said
    names, by = along[key_of(event)]
    functions = "its function" if len(names) == 1 else "its functions"
    shown = ", ".join(f'"{name}"' for name in names)
    return f"{said}; {functions} {shown} went with {by} already"


def _held_up(
    events: Sequence[Entry | Change],
    scripts: Mapping[str, str],
    runs: Mapping[str, Sequence[str]],
) -> dict[str, dict[str, Sequence[str]]]:
    """Return the runs that each migration is the first to stop at, by version.

    One of several that are retired together stops at the runs of all.
    """
    waiting = dict(runs)
    return {
        event.key: {
            label: waiting.pop(label)
            for label in versions_in(scripts.get(event.key, ""))
            if waiting.get(label)
        }
        for event in events
    }


def _to_deploy(
    event: Entry | Change, lock: Lock, runs: Mapping[str, Sequence[str]]
) -> str:
    """Say what brings what is missing; a retirement waits for runs, and all with it.

    `runs` are those that it stops at, by version. A tool whose own history was
    restored, and nothing else, takes it for applied.
    """
    flying = [run for own in runs.values() for run in own]
    if not flying and event.layout != "plain":
        tool = event.layout
        return (
            f"{tool} applies it; where the history of {tool} says that it has, perdure "
            "deploy does, and leaves that history as it is"
        )
    if not flying:
        return "perdure deploy"
    count = "1 run" if len(flying) == 1 else f"{len(flying)} runs"
    move = "take those that wait to another version (perdure move RUN --to N), "
    left = [left_after(lock, each) for each in runs]
    # what pg_durable can't move
    stays = any(each is not None and each.target == "perdure" for each in left)
    return (
        f"perdure deploy, which stops at it, and at what comes after it, while {count} "
        f"on {', '.join(runs)} can go on: wait until they have ended, "
        f"{move if stays else ''}or end them (perdure cancel RUN): "
        f"{', '.join(flying[:5])}{', ...' if flying[5:] else ''}"
    )


def _behind(lock: Lock, database: Database) -> set[str]:
    """Return the workflows of which the database has what the lock does not know.

    What is in force there, what is retired and which schedules run is the database's
    to say then, and what a function does that was made from other sources: to compare
    it, or to mend it, would undo what another branch deployed.
    """
    known = {key_of(each): each.digest for each in lock.everything}
    return {
        key[0] for key, digest in there(database).items() if known.get(key) != digest
    }


def _unknown(lock: Lock, database: Database) -> list[Difference]:
    """Return the versions that are not this project's, or that its lock has lost.

    Of a workflow that is wholly retired nothing is there but its rows: nobody can tell
    whose it was, and nobody has to.
    """
    workflows = {each.workflow for each in lock.entries} | database.elsewhere
    standing = {each.name for each in database.versions if not each.retired}
    return [
        Difference(
            "unknown",
            f"{each.name}@{each.version}",
            "is deployed, and no workflow of this project has its name",
            "database",
            "bring the repo up to date, or leave it to the project that it belongs to; "
            "if it was reverted in git, restore its migrations and the lock, without "
            f"its source, and retire it: perdure retire {each.name}",
        )
        for each in database.versions
        if each.name in standing - workflows
    ]


def changed_rows(
    lock: Lock,
    scripts: Mapping[str, str],
    database: Database,
    columns: Mapping[str, Sequence[str]],
) -> list[Difference]:
    """Return the rows of the register that are not what their migrations write.

    `columns` are those that differ, by the keys of the versions. The sources and the
    map in a row are what people are shown of runs; that they are others than the
    functions were made from would show them another workflow's steps.
    """
    digests = {(e.name, e.version): e.digest for e in database.versions}
    return [
        Difference(
            "edited",
            each.key,
            "is registered with another "
            f"{' and '.join(columns[each.key])} than its migration writes",
            "database",
            SQL,
            tuple(f"{e.removesuffix(';')}\n{REGISTER};" for e in insert),
        )
        for each in lock.entries
        if columns.get(each.key)
        and digests.get((each.workflow, each.version)) == each.digest
        and (insert := registration(scripts.get(each.key, "")))
    ]


def runs_on_retired(
    lock: Lock, database: Database, runs: Mapping[str, Sequence[str]]
) -> list[Difference]:
    """Return the retired versions that have runs, which nobody looks after.

    One can only have begun while the migration that retires was applied.
    """
    retired = {f"{e.name}@{e.version}" for e in database.versions if e.retired}
    found = []
    for each in lock.entries:
        flying = runs.get(each.key, ()) if each.key in retired else ()
        if flying:
            count = "1 run" if len(flying) == 1 else f"{len(flying)} runs"
            message = f"is retired, and has {count} in flight: {', '.join(flying[:5])}"
            advice = "wait for them, or end them with perdure cancel RUN"
            found.append(
                Difference(
                    "runs",
                    each.key,
                    message,
                    "neither",
                    advice,
                    severity="warning",
                )
            )
    return found


# --- functions ------------------------------------------------------------------------


def _objects(
    lock: Lock,
    workflow: str,
    scripts: Mapping[str, str],
    database: Database,
    made: Made,
    gone: Container[str],
) -> list[Difference]:
    """Compare the functions of a workflow with what its migrations make.

    `gone` are those that a retirement took along with its own.
    """
    marked = {e.version for e in database.versions if e.name == workflow and e.retired}
    own = [each for each in lock.entries if each.workflow == workflow]
    found = []
    for entry in own:
        if entry.version in lock.retired(workflow):
            found += _retired(entry, entry.version in marked, database)
        elif entry.version in marked:
            found.append(_marks(entry, _NOT_RETIRED, "null"))
        else:
            for each in of_version(lock, entry, scripts.get(entry.key, "")):
                if each.name.removesuffix("_schedule") not in gone:
                    found += compared(each, database, made.get(each.key))
    if own and lock.current(workflow) is None:
        found += left_over(own[-1], workflow, database)
    return found


def _retired(entry: Entry, marked: bool, database: Database) -> list[Difference]:
    """Look for what a retired version should not have."""
    name = f"{entry.workflow}_v{entry.version}"
    found = left_over(entry, name, database)
    found += left_over(entry, f"{name}_schedule", database)
    if not marked:
        found.append(_marks(entry, "is retired, and not marked as such", "now()"))
    return found


def _marks(entry: Entry, message: str, retired_at: str) -> Difference:
    return Difference(
        "different",
        entry.key,
        message,
        "neither",
        SQL,
        (mark(entry.workflow, entry.version, retired_at),),
    )


# --- schedules ------------------------------------------------------------------------


def _schedules(
    lock: Lock, database: Database, behind: set[str], gone: Container[str]
) -> list[Difference]:
    """Compare the supervisors that run with those of the current versions."""
    wanted = {
        f"{current.key} schedule": current
        for name in lock.workflows
        if name not in behind
        if (current := lock.current(name)) and current.scheduled
        if f"{name}_v{current.version}" not in gone
    }
    running: dict[str, list[str]] = {}
    for label, run in database.schedules:
        running.setdefault(label, []).append(run)
    found = []
    for label, entry in wanted.items():
        if label not in running:
            name = f"{entry.schema}.{entry.workflow}_v{entry.version}_schedule"
            message = "has a schedule, and no run that starts it"
            begin = (f"select {name}();",)
            found.append(
                Difference("schedule", entry.key, message, "neither", SQL, begin)
            )
    own = set(lock.workflows) - behind
    for label, runs in running.items():
        if label.partition("@")[0] not in own:
            continue
        surplus = runs[1:] if label in wanted else runs
        for run in surplus:
            what = "once more" if label in wanted else "and is not current"
            found.append(
                Difference(
                    "schedule",
                    label.removesuffix(" schedule"),
                    f"is started by schedule, {what}, by run {run}",
                    "neither",
                    f"perdure cancel {run}",
                )
            )
    return found
