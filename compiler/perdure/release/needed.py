"""What of all that waits to be deployed one workflow needs to run."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from perdure.release.lock import Change, Entry, Lock, moves


def calls(script: str, schema: str) -> dict[str, int]:
    """Return the versions of workflows that a version's script starts, by workflow.

    >>> calls("select workflows.charge_v2(1)", "workflows")
    {'charge': 2}
    """
    started = re.findall(rf'\b{re.escape(schema)}"?\."?(\w+)_v(\d+)\b', script)
    return {name: int(number) for name, number in started}


def needed(
    lock: Lock,
    scripts: Mapping[str, str],
    pending: Sequence[Entry | Change],
    wanted: Mapping[str, int | None],
) -> list[Entry | Change]:
    """Return those of the pending migrations that workflows need, in their order.

    `wanted` are the workflows with their versions, None for the one in force. What came
    before in the same workflow belongs to it: a migration that is passed over would
    stand in the way of the next deployment. What came after, as a version that is
    retired, waits, and so do workflows that are not called.
    """
    found: set[str] = set()
    left = list(wanted.items())
    while left:
        for each in _until(lock, *left.pop()):
            if each.key in found:
                continue
            found.add(each.key)
            if isinstance(each, Entry) and each in pending:
                started = calls(scripts.get(each.key, ""), each.schema)
                left += [e for e in started.items() if e[0] != each.workflow]
    return [each for each in pending if each.key in found]


def _until(lock: Lock, workflow: str, version: int | None) -> Iterable[Entry | Change]:
    """Return what a workflow had until a version, or what is in force, was there."""
    events = lock.events(workflow)
    if version is None and lock.current(workflow) is None:
        return []
    ends = [
        number
        for number, each in enumerate(events, start=1)
        if (moves(each) if version is None else _is(each, version))
    ]
    return events[: ends[-1]] if ends else []


def _is(event: Entry | Change, version: int) -> bool:
    return isinstance(event, Entry) and event.version == version
