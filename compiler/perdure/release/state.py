"""Repo against database: what is missing on which side, and what differs.

The repo's side is the lock and the scripts that it names; the database's side is the
register of versions and changes, and the functions (see `perdure.release.objects`).
What should be there follows from what is registered, not from the end of the lock: a
database that is behind is told apart from one that was changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from perdure.release.deployed import Database, Difference, Version
from perdure.release.lock import Change, Entry, Lock
from perdure.release.objects import (
    REGISTER,
    SQL,
    Made,
    compared,
    left_over,
    of_version,
    registration,
)
from perdure.release.order import in_order

_REGISTER = {
    True: ("perdure.workflow_versions", "name", "version", "deployed_at"),
    False: ("perdure.workflow_changes", "workflow", "number", "changed_at"),
}
_STUCK = ("overtaken", "unregistered")
_NOT_RETIRED = "is marked as retired, and the migration that retires it is not deployed"


def missing(
    lock: Lock, database: Database, files: Mapping[str, str] | None = None
) -> list[Entry | Change]:
    """Return what of the lock is not deployed, in the order to deploy it.

    `files` are the texts of the migrations folder (see `perdure.release.order`).
    """
    there = _there(database)
    return [each for each in in_order(lock, files or {}) if _key(each) not in there]


def conflicts(lock: Lock, database: Database) -> list[Difference]:
    """Return what stands in the way of deploying: the database has something else."""
    known = {_key(each): each for each in lock.everything}
    workflows = {each.workflow for each in lock.entries}
    found = []
    for (workflow, what, number), digest in _there(database).items():
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
                    "bring the repo up to date; another branch deployed it",
                )
            )
        elif event is not None and event.digest != digest:
            found.append(
                Difference(
                    "different",
                    subject,
                    "was deployed from other sources than the lock's",
                    "neither",
                    "two branches made the same version: give yours the next number",
                )
            )
    return found + _overtaken(lock, database)


def drift(
    lock: Lock, scripts: Mapping[str, str], database: Database, made: Made
) -> list[Difference]:
    """Return every difference.

    `scripts` are the installing ones, by key; `made` is what the functions are that
    they make, as far as it is known.
    """
    found = conflicts(lock, database)
    found += unregistered(lock, database, scripts)
    found += _unknown(lock, database.versions)
    stuck = {each.subject for each in found if each.kind in _STUCK}
    found += [
        Difference(
            "missing",
            each.key,
            "is in the lock, and not deployed",
            "repo",
            "perdure deploy",
        )
        for each in missing(lock, database)
        if each.key not in stuck
    ]
    deployed = deployed_part(lock, database)
    behind = _behind(lock, database)
    for workflow in deployed.workflows:
        if workflow not in behind:
            found += _objects(deployed, workflow, scripts, database, made)
    return found + _schedules(deployed, database, behind)


def _behind(lock: Lock, database: Database) -> set[str]:
    """Return the workflows of which the database has what the lock does not know.

    What is in force there, what is retired and which schedules run is the database's
    to say then: to compare it, or to mend it, would undo what another branch deployed.
    """
    known = {_key(each) for each in lock.everything}
    return {key[0] for key in _there(database) if key not in known}


def deployed_part(lock: Lock, database: Database) -> Lock:
    """Return the lock as it would be if it ended where the database does."""
    there = _there(database)
    return Lock(
        tuple(e for e in lock.entries if _key(e) in there or _is_made(e, database)),
        lock.source,
        tuple(each for each in lock.changes if _key(each) in there),
    )


def _there(database: Database) -> dict[tuple[str, str, int], str]:
    found = {(e.name, "version", e.version): e.digest for e in database.versions}
    found |= {(e.workflow, "change", e.number): e.digest for e in database.changes}
    return found


def _key(event: Entry | Change) -> tuple[str, str, int]:
    if isinstance(event, Entry):
        return event.workflow, "version", event.version
    return event.workflow, "change", event.number


def _is_made(entry: Entry | Change, database: Database) -> bool:
    """Say whether the function of a version is there."""
    version = isinstance(entry, Entry) and f"{entry.workflow}_v{entry.version}"
    return version in database.functions


def unregistered(
    lock: Lock, database: Database, scripts: Mapping[str, str]
) -> list[Difference]:
    """Find versions that are there, and that the register does not name.

    To deploy them would fail, because their functions are there.
    """
    there = _there(database)
    return [
        Difference(
            "unregistered",
            each.key,
            "is not registered, and its function is there",
            "neither",
            "perdure drift --sql prints the SQL that registers it",
            _registered_again(lock, each, scripts.get(each.key, ""), database),
        )
        for each in lock.entries
        if _key(each) not in there and _is_made(each, database)
    ]


def _registered_again(
    lock: Lock, entry: Entry, script: str, database: Database
) -> tuple[str, ...]:
    """Return what registers a version, at a time before what came after it."""
    insert = registration(script)
    events = lock.events(entry.workflow)
    there = _there(database)
    later = [e for e in events[events.index(entry) + 1 :] if _key(e) in there]
    if not later:
        return insert
    table, name, number, at = _REGISTER[isinstance(later[0], Entry)]
    return (
        *insert,
        f"update perdure.workflow_versions v\nset deployed_at = "
        f"n.{at} - interval '1 millisecond'\nfrom {table} n\n"
        f"where v.name = '{entry.workflow}' and v.version = {entry.version}\n"
        f"  and n.{name} = '{entry.workflow}' and n.{number} = {_key(later[0])[2]};",
    )


def _overtaken(lock: Lock, database: Database) -> list[Difference]:
    """Find what is not deployed although something after it is.

    To deploy it now would put it in force instead of what came later.
    """
    there = _there(database)
    found = []
    for workflow in lock.workflows:
        events = lock.events(workflow)
        last = max((i for i, e in enumerate(events) if _key(e) in there), default=-1)
        found += [
            Difference(
                "overtaken",
                each.key,
                f"is not deployed, and {events[last].key} after it is",
                "neither",
                "take what came after it back with the migrations' ways down, the "
                "last one first; then perdure deploy",
            )
            for each in events[: max(last, 0)]
            if _key(each) not in there and not _is_made(each, database)
        ]
    return found


def _unknown(lock: Lock, versions: Iterable[Version]) -> list[Difference]:
    workflows = {each.workflow for each in lock.entries}
    return [
        Difference(
            "unknown",
            f"{each.name}@{each.version}",
            "is deployed, and no workflow of this project has its name",
            "database",
            "bring the repo up to date, or leave it to the project that it belongs to",
        )
        for each in versions
        if each.name not in workflows
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
) -> list[Difference]:
    """Compare the functions of a workflow with what its migrations make."""
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
        (
            f"update perdure.workflow_versions set retired_at = {retired_at} "
            f"where name = '{entry.workflow}' and version = {entry.version};",
        ),
    )


# --- schedules ------------------------------------------------------------------------


def _schedules(lock: Lock, database: Database, behind: set[str]) -> list[Difference]:
    """Compare the supervisors that run with those of the current versions."""
    wanted = {
        f"{current.key} schedule": current
        for name in lock.workflows
        if name not in behind
        if (current := lock.current(name)) and current.scheduled
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
