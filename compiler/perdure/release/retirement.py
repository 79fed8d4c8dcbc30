"""What a migration that retires versions takes, and what stands in its way in the lock.

Workflows that start each other are retired together, by a migration for each of them:
the first that is applied takes the functions of all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from perdure.diagnostics import Diagnostic, error
from perdure.release.lock import Change, Entry, Lock
from perdure.release.order import in_order
from perdure.release.script import split

_TAKEN = re.compile(
    r"^select perdure\.refuse_callers\('(\w+)', array\[(.+)\]\);$", re.MULTILINE
)


def retired_by(script: str) -> dict[str, dict[str, str]]:
    """Return the functions that a retirement takes, those of others with it.

    By workflow and name, as they are written. That of the workflow's name is the
    current one.
    """
    return {
        workflow: {_name(each): each for each in re.findall("'([^']+)'", written)}
        for workflow, written in _TAKEN.findall(script)
    }


def versions_in(script: str) -> list[str]:
    """Return the versions that a retirement takes, `name@number`, those of others too.

    It refuses while any of them has runs.
    """
    return [
        f"{workflow}@{name.removeprefix(f'{workflow}_v')}"
        for workflow, own in retired_by(script).items()
        for name in own
        if name != workflow
    ]


def left_after(lock: Lock, key: str) -> Entry | None:
    """Return what was in force when a version was retired, None for nothing."""
    for each in lock.changes:
        if key in {f"{each.workflow}@{number}" for number in each.versions}:
            return lock.find(each.workflow, each.to)
    return None


def _name(written: str) -> str:
    return written.rpartition(".")[2].strip('"')


def refused(
    lock: Lock, scripts: Mapping[str, str], files: Mapping[str, str]
) -> Iterator[Diagnostic]:
    """Find retirements that a version before them stands in the way of, for ever.

    It starts what they retire, and is not retired before them or with them: a database
    that has it refuses them. `files` are the texts of the migrations folder.
    """
    before: list[Entry] = []
    taken: set[str] = set()
    for event in in_order(lock, files):
        if isinstance(event, Entry):
            before.append(event)
        elif event.kind == "retire":
            going = retired_by(scripts[event.key])
            taken |= {name for own in going.values() for name in own}
            starting = [
                each
                for each in before
                if f"{each.workflow}_v{each.version}" not in taken
                and each.target == event.target
                and any(
                    _calls(scripts[each.key], list(own.values()))
                    for workflow, own in going.items()
                    if workflow != each.workflow
                )
            ]
            if starting:
                yield _refused(lock, event, starting)


def _calls(script: str, functions: Sequence[str]) -> bool:
    """Say whether the functions that a script makes call some of others."""
    called = [f"{each}(" for each in functions if f"{each}(" in script]
    return any(
        each in statement
        for statement in (split(script) if called else ())
        if statement.startswith("create function ")
        for each in called
    )


def _refused(lock: Lock, change: Change, starting: Sequence[Entry]) -> Diagnostic:
    labels = [each.key for each in starting]
    stand, start = ("stands", "starts") if len(labels) == 1 else ("stand", "start")
    return error(
        "WF708",
        lock.span(f'"{change.migration}"'),
        f"{change.key} ({change.note}), is refused by a database that has "
        f"{', '.join(labels)}, which {stand} before it and {start} what it retires",
        help="two branches made them: delete the migration of the retirement, and its "
        "table in the lock, compile, and make it again: "
        f"{change.command} {' '.join(labels)}",
    )
