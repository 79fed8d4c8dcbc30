"""What the register lacks of the lock though more came, and what puts it there.

A row may be lost with what it stands for still there, and a migration may have been
passed over. Either way what came later stays: the row is written at a time before it.
To take the later ones back with their ways down, which was advised first, drops
versions that runs are on, and no way down helps where only a row is gone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from perdure.release.deployed import Database, Difference
from perdure.release.lock import Change, Entry, Lock
from perdure.release.objects import SQL, drop, mark, of_version, registration
from perdure.release.retirement import retired_by
from perdure.release.script import split

Key = tuple[str, str, int]
_FUNCTIONS = ("", "_schedule")
"""How the names of a version's functions end."""
_TABLES = {
    True: ("perdure.workflow_versions", "name", "version", "deployed_at"),
    False: ("perdure.workflow_changes", "workflow", "number", "changed_at"),
}


def there(database: Database) -> dict[Key, str]:
    """Return the digests of what a database registers."""
    found = {(e.name, "version", e.version): e.digest for e in database.versions}
    found |= {(e.workflow, "change", e.number): e.digest for e in database.changes}
    return found


def key_of(event: Entry | Change) -> Key:
    """Return what a version or a change is registered under."""
    if isinstance(event, Entry):
        return event.workflow, "version", event.version
    return event.workflow, "change", event.number


def is_made(event: Entry | Change, database: Database) -> bool:
    """Say whether the function of a version is there."""
    version = isinstance(event, Entry) and f"{event.workflow}_v{event.version}"
    return version in database.functions


def deployed_part(lock: Lock, database: Database) -> Lock:
    """Return the lock as it would be if it ended where the database does."""
    known = there(database)
    changes = []
    for workflow in lock.workflows:
        events = lock.events(workflow)
        end = _end(events, database)
        changes += [each for each in events[:end] if isinstance(each, Change)]
    return Lock(
        tuple(e for e in lock.entries if key_of(e) in known or is_made(e, database)),
        lock.source,
        tuple(each for each in lock.changes if each in changes),
    )


def gone_along(
    lock: Lock, scripts: Mapping[str, str], database: Database
) -> dict[Key, tuple[list[str], str]]:
    """Return the functions that went with the retirement of another workflow.

    Workflows that are retired together start each other: the first migration takes the
    functions of all. By the change that is still to retire them: their names, and the
    change that took them.
    """
    known = there(database)
    took: dict[str, str] = {}
    found: dict[Key, tuple[list[str], str]] = {}
    for change in lock.changes:
        if key_of(change) in known:
            for own in retired_by(scripts.get(change.key, "")).values():
                took |= dict.fromkeys(own.keys() - database.functions, change.key)
    for change in lock.changes:
        own = retired_by(scripts.get(change.key, "")).get(change.workflow, {})
        if key_of(change) not in known and (gone := [n for n in own if n in took]):
            found[key_of(change)] = gone, took[gone[0]]
    return found


def lost(
    lock: Lock, scripts: Mapping[str, str], database: Database
) -> list[Difference]:
    """Find what the register lacks, and what is there or has something after it.

    To deploy it would fail, because what it makes is there or what it drops is gone;
    or it would put it in force instead of what came later.
    """
    known = there(database)
    found = []
    for workflow in lock.workflows:
        events = lock.events(workflow)
        standing = _standing(events, database)
        for number, each in enumerate(events[: _end(events, database)]):
            script = scripts.get(each.key, "")
            if key_of(each) in known:
                continue
            if each in standing:
                found.append(_unregistered(lock, each, script, database))
            else:
                later = next(e for e in reversed(events) if e in standing)
                assert events.index(later) > number
                found.append(_overtaken(lock, each, later, script, database))
    return found


def _end(events: Sequence[Entry | Change], database: Database) -> int:
    """Return how many of a workflow's events came, with those that were passed over."""
    standing = _standing(events, database)
    return max((i + 1 for i, e in enumerate(events) if e in standing), default=0)


def _standing(
    events: Sequence[Entry | Change], database: Database
) -> list[Entry | Change]:
    """Return those of a workflow's events that are registered, or left a trace."""
    known = there(database)
    found: list[Entry | Change] = []
    for number, each in enumerate(events):
        follows = events[number - 1] in found
        if (
            key_of(each) in known
            or is_made(each, database)
            or (isinstance(each, Change) and follows and _is_done(each, database))
        ):
            found.append(each)
    return found


def _is_done(change: Change, database: Database) -> bool:
    """Say whether a change, whatever was before it being there, was made."""
    if change.kind == "rollback":
        called = re.compile(rf"\b{change.workflow}_v{change.to}\"?\(")
        own = database.functions.get(change.workflow, ())
        return any(called.search(each.definition.body) for each in own)
    own_versions = [e for e in database.versions if e.name == change.workflow]
    marked = {each.version for each in own_versions if each.retired}
    return marked.issuperset(change.versions) and not _left(change, database)


def _left(change: Change, database: Database) -> list[int]:
    """Return the versions that a change retires, and whose functions are there."""
    name = f"{change.workflow}_v"
    return [n for n in change.versions if f"{name}{n}" in database.functions]


def _unregistered(
    lock: Lock, event: Entry | Change, script: str, database: Database
) -> Difference:
    if isinstance(event, Entry):
        what = "its function is there"
    elif event.kind == "rollback":
        what = f"{event.workflow}@{event.to} is in force"
    else:
        what = "what it retires is gone"
    return Difference(
        "unregistered",
        event.key,
        f"is not registered, and {what}",
        "neither",
        "perdure drift --sql prints the SQL that registers it",
        _registered_again(lock, event, script, database),
    )


def _overtaken(
    lock: Lock,
    event: Entry | Change,
    later: Entry | Change,
    script: str,
    database: Database,
) -> Difference:
    return Difference(
        "overtaken",
        event.key,
        f"is not deployed, and {later.key} after it is",
        "neither",
        f"{SQL}; what came after it stays in force",
        _put_before(lock, event, script, database),
    )


# --- what mends it ----------------------------------------------------------------


def _put_before(
    lock: Lock, event: Entry | Change, script: str, database: Database
) -> tuple[str, ...]:
    """Return what brings something that was passed over, and not into force."""
    again = _registered_again(lock, event, script, database)
    if isinstance(event, Change):
        return (*_taken_out(lock, event, script, database), *again)
    deployed = deployed_part(lock, database)
    if event.version not in deployed.retired(event.workflow):
        return (*_made_aside(lock, event, script), *again)
    return (*again, mark(event.workflow, event.version, "now()"))


def _made_aside(lock: Lock, entry: Entry, script: str) -> list[str]:
    """Return the statements that make a version's own functions."""
    rest = Lock(tuple(each for each in lock.entries if each.workflow != entry.workflow))
    names = [each.written for each in of_version(rest, entry, script)]
    about = ("create function", "comment on function", "revoke all on function")
    begins = tuple(
        f"{verb} {name}(" for verb in (*about, "alter function") for name in names
    )
    return [
        each
        for each in split(script)
        if each.startswith((*begins, "create schema if not exists "))
    ]


def _taken_out(
    lock: Lock, change: Change, script: str, database: Database
) -> Iterator[str]:
    """Yield what a retirement does, as far as that is still to be done.

    As its migration does, it refuses runs, takes what is retired together with it, and
    refuses what stays and calls some of that.
    """
    deployed = deployed_part(lock, database)
    going = {
        workflow: _going(own, workflow, deployed.current(workflow))
        for workflow, own in retired_by(script).items()
    }
    for workflow, own in going.items():
        left = [n for n in own if n in database.functions and n != workflow]
        if left:
            shown = ", ".join(n.removeprefix(f"{workflow}_v") for n in left)
            yield f"select perdure.refuse_runs('{workflow}', array[{shown}]);"
    for name in (
        name + end for own in going.values() for name in own for end in _FUNCTIONS
    ):
        yield from (drop(e, there=False) for e in database.functions.get(name, ()))
    for workflow, own in going.items():
        shown = ", ".join(f"'{written}'" for written in own.values())
        yield f"select perdure.refuse_callers('{workflow}', array[{shown}]);"
    for each in database.versions:
        ours = each.name == change.workflow and each.version in change.versions
        if ours and not each.retired:
            yield mark(change.workflow, each.version, "now()")


def _going(
    own: Mapping[str, str], workflow: str, current: Entry | None
) -> dict[str, str]:
    """Return the functions of a workflow that go: the current one with its version."""
    stays = current is not None and f"{workflow}_v{current.version}" not in own
    return {n: written for n, written in own.items() if not (stays and n == workflow)}


def _registered_again(
    lock: Lock, event: Entry | Change, script: str, database: Database
) -> tuple[str, ...]:
    """Return what registers something, at a time before what came after it."""
    insert = registration(script)
    events = lock.events(event.workflow)
    known = there(database)
    later = [e for e in events[events.index(event) + 1 :] if key_of(e) in known]
    if not later:
        return insert
    table, name, number, at = _TABLES[isinstance(later[0], Entry)]
    own, own_name, own_number, own_at = _TABLES[isinstance(event, Entry)]
    return (
        *insert,
        f"update {own} v\nset {own_at} = n.{at} - interval '1 millisecond'\n"
        f"from {table} n\n"
        f"where v.{own_name} = '{event.workflow}' and v.{own_number} = "
        f"{key_of(event)[2]}\n"
        f"  and n.{name} = '{event.workflow}' and n.{number} = {key_of(later[0])[2]};",
    )
