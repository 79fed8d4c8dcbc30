"""The SQL that puts another version in force, and that takes versions out of use.

Both are made of the lock and the migrations that are there: nothing is compiled again.
A rollback makes the current function call another version, as the way back of a
migration does, and leaves the version that it replaces in place: its runs go on, and
the next change may go back to it. A way back begins with the register, which refuses
what is not taken back in order. Retiring drops the functions of versions; their rows
in the register stay, marked, because runs in the history point at them. Its way back
makes the functions from the very statements that made them first.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from perdure.emit.current import LIMITS, described, dropped, refuse_runs, replaced
from perdure.emit.functions import comment_on, function_name
from perdure.emit.literals import quote_text
from perdure.emit.options import stop_schedule, supervisor_name
from perdure.plan.version import Previous, Retirement, Script

Scripts = tuple[Script, Script]


@dataclass(frozen=True, slots=True)
class Switch:
    """What a change is about: the workflow, and the change's row in the register."""

    workflow: str
    schema: str
    number: int
    kind: str
    to: int
    digest: str
    note: str

    @property
    def current(self) -> str:
        """The qualified name of the function that starts the current version."""
        return function_name(self.schema, self.workflow, None)

    def versioned(self, version: int) -> str:
        """Return the qualified name of a version's function."""
        return function_name(self.schema, self.workflow, version)


def roll_back(switch: Switch, before: Previous, after: Previous) -> Scripts:
    """Return the scripts that put `after` in force, and `before` again."""
    install = [
        *LIMITS,
        _refuse_other_state(switch, (before.version, after.version)),
        *_in_force(switch, before, after),
        _register(switch),
    ]
    remove = [*LIMITS, _unregister(switch), *_in_force(switch, after, before)]
    return _scripts(switch, install, remove)


def retire(
    switch: Switch,
    retirements: Sequence[Retirement],
    back: Sequence[Retirement],
    made: Mapping[str, Sequence[str]],
) -> Scripts:
    """Return the scripts that retire versions, and that bring them back.

    `retirements` are all that one command retires, those of the change first. They may
    start each other: the functions of all go with the first migration that is applied,
    and only what stays is asked whether it calls them. The way back makes those of
    `back`: all for the first migration, none for the others, as these find them gone.
    `made` are the statements that made the functions, by `name@number`.
    """
    own = retirements[0]
    numbers = [each.version for each in own.versions]
    install = [*LIMITS]
    install += [
        stop_schedule(each.workflow)
        for each in retirements
        if each.current and each.current.scheduled
    ]
    install += [
        refuse_runs(each.workflow, [version.version for version in each.versions])
        for each in retirements
    ]
    for each in retirements:
        install += _dropped(each, there=len(retirements) == 1)
    install += map(_refuse_callers, retirements)
    install += [_mark(switch.workflow, numbers, "clock_timestamp()"), _register(switch)]
    remove = [*LIMITS, _unregister(switch)]
    for each in back:
        remove += _made_again(switch, each, made)
    remove.append(_mark(switch.workflow, numbers, "null"))
    return _scripts(switch, install, remove)


def statements_of(
    script: Sequence[str], schema: str, workflow: str, version: int
) -> list[str]:
    """Return the statements of an installing script that make a version's functions."""
    functions = (
        function_name(schema, workflow, version),
        supervisor_name(schema, workflow, version),
    )
    names = "|".join(re.escape(each) for each in functions)
    about = re.compile(
        r"(create|comment on|revoke all on|alter) function "
        rf"({names})\(",
        re.IGNORECASE,
    )
    return [each for each in script if about.match(each)]


def _in_force(switch: Switch, before: Previous, after: Previous) -> list[str]:
    """Return what puts one version in the place of another, with its schedule."""
    found = _current(switch, before, after)
    if before.scheduled:
        found.append(stop_schedule(switch.workflow))
    if after.scheduled:
        found.append(_begin(switch, after))
    return found


def _current(switch: Switch, before: Previous | None, after: Previous) -> list[str]:
    text = described(switch.workflow, after.version, after.description, whole=False)
    return [
        *replaced(
            switch.current,
            before.parameters if before else None,
            after.parameters,
            switch.versioned(after.version),
            after.role,
            before.role if before else None,
        ),
        comment_on(switch.current, after.parameters, text),
    ]


def _begin(switch: Switch, version: Previous) -> str:
    name = supervisor_name(switch.schema, switch.workflow, version.version)
    return f"select {name}();"


def _refuse_other_state(switch: Switch, versions: Sequence[int]) -> str:
    shown = ", ".join(map(str, versions))
    return (
        f"select perdure.require_versions({quote_text(switch.workflow)}, "
        f"array[{shown}]);"
    )


def _dropped(what: Retirement, *, there: bool) -> Iterator[str]:
    """Yield what drops functions; `there` says that none can be gone already."""
    schema, workflow = what.schema, what.workflow
    if what.current:
        name = function_name(schema, workflow, None)
        yield dropped(name, what.current.parameters, there=there)
    for each in what.versions:
        name = function_name(schema, workflow, each.version)
        yield dropped(name, each.parameters, there=there)
        if each.scheduled:
            name = supervisor_name(schema, workflow, each.version)
            yield dropped(name, (), there=there)


def _made_again(
    switch: Switch, what: Retirement, made: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """Yield what makes the functions that were dropped, and starts the schedule."""
    for each in what.versions:
        yield from made[f"{what.workflow}@{each.version}"]
    if what.current:
        own = replace(switch, workflow=what.workflow, schema=what.schema)
        yield from _current(own, None, what.current)
        if what.current.scheduled:
            yield _begin(own, what.current)


def _refuse_callers(what: Retirement) -> str:
    numbers: list[int | None] = [each.version for each in what.versions]
    numbers += [None] if what.current else []
    names = [function_name(what.schema, what.workflow, number) for number in numbers]
    shown = ", ".join(map(quote_text, names))
    workflow = quote_text(what.workflow)
    return f"select perdure.refuse_callers({workflow}, array[{shown}]);"


def _mark(workflow: str, versions: Sequence[int], at: str) -> str:
    shown = ", ".join(map(str, versions))
    return (
        f"update perdure.workflow_versions set retired_at = {at}\n"
        f"where name = {quote_text(workflow)} and version in ({shown});"
    )


def _register(switch: Switch) -> str:
    values = (
        quote_text(switch.workflow),
        str(switch.number),
        quote_text(switch.kind),
        str(switch.to),
        quote_text(switch.digest),
    )
    return (
        "insert into perdure.workflow_changes (workflow, number, kind, version, digest)"
        f"\nvalues ({', '.join(values)});"
    )


def _unregister(switch: Switch) -> str:
    return (
        "delete from perdure.workflow_changes\n"
        f"where workflow = {quote_text(switch.workflow)} and number = {switch.number};"
    )


def _scripts(switch: Switch, install: Sequence[str], remove: Sequence[str]) -> Scripts:
    head = f"-- written by perdure: {switch.workflow}, change {switch.number}"
    digest = f"-- Digest of the change: {switch.digest}"
    return (
        Script(f"{head}: {switch.note}\n{digest}", tuple(install)),
        Script(f"{head}, taken back: {switch.note}\n{digest}", tuple(remove)),
    )
