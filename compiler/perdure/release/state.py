"""Repo against database: what is missing on which side, and what differs.

The repo's side is the lock and the scripts that it names; the database's side is the
register of versions and changes, and the functions. A body is compared as text with
the one that the script creates, so that an edit in place is found. What should be
there follows from what is registered, not from the end of the lock: a database that
is behind is told apart from one that was changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perdure.release.lock import Change, Entry, Lock, place
from perdure.release.script import split

Newer = Literal["repo", "database", "neither"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version that a database registers."""

    name: str
    version: int
    digest: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that a database registers."""

    workflow: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the schema of workflows: its text, whose it is, who may call it."""

    body: str
    owner: str
    public: bool


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which repo and database do not agree.

    `sql` are the statements that mend it in the database, where some do.
    """

    kind: str
    subject: str
    message: str
    newer: Newer
    advice: str
    sql: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Database:
    """What a database has: versions, changes, functions by name, and schedules.

    `schedules` are the labels of the supervisors that have not ended, each with its
    run; a name may have several functions.
    """

    versions: tuple[Version, ...]
    functions: Mapping[str, Sequence[Function]]
    changes: tuple[Applied, ...] = ()
    schedules: tuple[tuple[str, str], ...] = ()


_NOT_RETIRED = "is marked as retired, and the migration that retires it is not deployed"
_SQL = "perdure drift --sql prints the SQL that mends it"
_FUNCTION = re.compile(
    r"^create (?:or replace )?function (?P<name>\S+?)\((?s:.*?)"
    r"^as [$](?P<tag>\w+)[$](?P<body>(?s:.*?))[$](?P=tag)[$];$",
    re.MULTILINE,
)


def created_bodies(script: str) -> dict[str, str]:
    """Return the bodies of the functions that a script creates, by their plain name."""
    return {
        found["name"].rpartition(".")[2].strip('"'): found["body"]
        for found in _FUNCTION.finditer(script)
    }


def missing(lock: Lock, database: Database) -> list[Entry | Change]:
    """Return what of the lock is not deployed, in the order to deploy it."""
    there = _there(database)
    absent = [each for each in lock.everything if _key(each) not in there]
    return sorted(absent, key=place)


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
    lock: Lock, scripts: Mapping[str, str], database: Database
) -> list[Difference]:
    """Return every difference; `scripts` are the installing ones, by key."""
    found = conflicts(lock, database)
    found += _unknown(lock, database.versions)
    stuck = {each.subject for each in found if each.kind == "overtaken"}
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
            found += _objects(deployed, workflow, scripts, database)
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
        tuple(each for each in lock.entries if _key(each) in there),
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
            if _key(each) not in there
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


# --- functions ------------------------------------------------------------------------


def _objects(
    lock: Lock, workflow: str, scripts: Mapping[str, str], database: Database
) -> list[Difference]:
    """Compare the functions of a workflow with what its migrations make."""
    current = lock.current(workflow)
    retired = lock.retired(workflow)
    marked = {e.version for e in database.versions if e.name == workflow and e.retired}
    found = []
    for entry in (each for each in lock.entries if each.workflow == workflow):
        versioned = f"{workflow}_v{entry.version}"
        if entry.version in retired:
            found += _left_over(entry, versioned, database)
            if entry.version not in marked:
                message = "is retired, and not marked as such"
                found.append(_marks(entry, message, "now()"))
            continue
        if entry.version in marked:
            found.append(_marks(entry, _NOT_RETIRED, "null"))
            continue
        script = scripts.get(entry.key, "")
        bodies = created_bodies(script)
        if current is None or entry.version != current.version:
            bodies.pop(workflow, None)  # the current function is another version's
        for name, body in bodies.items():
            remedy = _made_again(script, name)
            found += _compared(entry, name, body, database, remedy)
    if current is None and workflow in database.functions:
        last = lock.latest(workflow)
        assert last is not None  # the workflow has versions
        found += _left_over(last, workflow, database)
    return found


def _compared(
    entry: Entry, name: str, body: str, database: Database, remedy: tuple[str, ...]
) -> list[Difference]:
    function = f'function "{name}"'
    advice = "perdure drift --sql prints the SQL that makes it as the migration did"
    there = database.functions.get(name, ())
    if not there:
        message = f"is registered, and its {function} is gone"
        return [Difference("no-objects", entry.key, message, "neither", advice, remedy)]
    same = [each for each in there if each.body == body]
    if not same:
        message = f"has a {function} that was edited in place"
        return [Difference("edited", entry.key, message, "neither", advice, remedy)]
    return _grants(entry, name, same[0])


def _made_again(script: str, name: str) -> tuple[str, ...]:
    """Return the statements of a script that make a function, whether it is there."""
    about = re.compile(
        r"(?:create(?: or replace)?|comment on|revoke all on|alter) function "
        rf"(?:\S+\.)?\"?{re.escape(name)}\"?\("
    )
    found = [each for each in split(script) if about.match(each)]
    return tuple(
        re.sub(r"^create function", "create or replace function", each)
        for each in found
    )


def _grants(entry: Entry, name: str, function: Function) -> list[Difference]:
    """Compare whose a function is that runs as a role, and who may call it."""
    if entry.role is None:
        return []
    what = f'function "{name}"'
    found = []
    if function.owner != entry.role:
        found.append(
            Difference(
                "grants",
                entry.key,
                f'has a {what} that belongs to "{function.owner}", not to '
                f'"{entry.role}"',
                "neither",
                _SQL,
                (f'alter function {entry.schema}.{name} owner to "{entry.role}";',),
            )
        )
    if function.public:
        found.append(
            Difference(
                "grants",
                entry.key,
                f'has a {what} that runs as "{entry.role}", and everybody may call it',
                "neither",
                _SQL,
                (f"revoke execute on function {entry.schema}.{name} from public;",),
            )
        )
    return found


def _left_over(entry: Entry, name: str, database: Database) -> list[Difference]:
    if name not in database.functions:
        return []
    return [
        Difference(
            "left-over",
            entry.key,
            f'is retired, and a function "{name}" is there',
            "neither",
            _SQL,
            (f"drop function {entry.schema}.{name};",),
        )
    ]


def _marks(entry: Entry, message: str, retired_at: str) -> Difference:
    return Difference(
        "different",
        entry.key,
        message,
        "neither",
        _SQL,
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
                Difference("schedule", entry.key, message, "neither", _SQL, begin)
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
