"""Sqitch: a plan, and a script each to deploy, to revert and to verify."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from perdure.release.layouts.model import (
    Base,
    Folder,
    Migration,
    UnusableFolder,
    Written,
)
from perdure.release.script import in_transaction

PLAN = "sqitch.plan"
_PLANNER = "Perdure <perdure@localhost>"

_MARK = re.compile(r"(<{7}|\|{7}|={7}|>{7})( .*)?")  # git's, where a merge stopped
_LINE = re.compile(r"([^%#@\s]\S*|@\S+)[^#\n]*?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)")


class Sqitch(Base):
    """`deploy/name.sql`, `revert/name.sql`, `verify/name.sql` and a line of the plan.

    The stamp stands in the stem, after the change's name, because the plan wants one.
    """

    name: ClassVar[str] = "sqitch"
    globs: ClassVar[tuple[str, ...]] = (
        PLAN,
        "deploy/*.sql",
        "revert/*.sql",
        "verify/*.sql",
    )

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the change's name and the time it was planned."""
        return f"{migration.title}@{folder.now:%Y-%m-%dT%H:%M:%SZ}"

    def number(self, path: str) -> int | None:
        """Return None: changes have names, and their order is the plan's."""
        return None

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the three scripts, each in a transaction as Sqitch wants it."""
        change = _change(stem)
        check = f"select 1 / count(*) from {migration.registered};"
        head = f"-- written by perdure: {migration.workflow}, does it stand?"
        return {
            f"deploy/{change}.sql": in_transaction(migration.install.text),
            f"revert/{change}.sql": in_transaction(migration.remove.text),
            f"verify/{change}.sql": f"{head}\n\nbegin;\n\n{check}\n\nrollback;\n",
        }

    def shared(self, folder: Folder, stems: Mapping[str, str]) -> Mapping[str, str]:
        """Return the plan with a line for each change that it lacks."""
        plan = _plan(folder)
        known = set(_planned(plan))
        lines = [_line(e, note) for e, note in stems.items() if _change(e) not in known]
        return {PLAN: _extended(plan, lines)}

    def mended(self, folder: Folder, past: Sequence[Written]) -> Mapping[str, str]:
        """Return the plan with the lines that it has lost, where they were.

        Raises UnusableFolder for git's marks, for lines of ours that the lock does not
        know and for those in another order than the lock's.
        """
        if not past:
            return {}
        if PLAN not in folder.files:
            raise UnusableFolder(f'"{PLAN}" is gone', "restore it from version control")
        plan = _plan(folder)
        _refuse_strangers(plan, past)
        _refuse_disorder(plan, past)
        lost = [each for each in past if _change(each.stem) not in _planned(plan)]
        for each in sorted(lost, key=lambda each: _stamp(each.stem)):
            plan = _restored(plan, each, past, folder.files)
        return {PLAN: plan}

    def order(
        self, stems: Iterable[str], files: Mapping[str, str]
    ) -> Mapping[str, int]:
        """Return the places in the plan."""
        places = {name: at for at, name in enumerate(_planned(files.get(PLAN, "")))}
        return {e: places[_change(e)] for e in stems if _change(e) in places}

    def up_file(self, stem: str) -> str:
        """Return the script that deploys."""
        return f"deploy/{_change(stem)}.sql"

    def up_sql(self, text: str) -> str:
        """Return the script without the transaction around it."""
        return text.replace("\nbegin;\n", "\n", 1).removesuffix("\ncommit;\n")


def _change(stem: str) -> str:
    return stem.partition("@")[0]


def _stamp(stem: str) -> str:
    return stem.partition("@")[2]


def _line(stem: str, note: str) -> str:
    return f"{_change(stem)} {_stamp(stem)} {_PLANNER} # {note}"


def _planned(plan: str) -> list[str]:
    """Return the changes of a plan, in its order."""
    return re.findall(r"^([^%#@\s]\S*)", plan, re.MULTILINE)


def _plan(folder: Folder) -> str:
    """Return the text of the plan."""
    plan = folder.files.get(PLAN)
    if plan is None:
        raise UnusableFolder(f'there is no "{PLAN}": sqitch init makes one')
    for number, line in enumerate(plan.split("\n"), start=1):
        if _MARK.fullmatch(line):
            raise UnusableFolder(
                f'line {number} of "{PLAN}" is a mark of an unresolved merge',
                "take git's marks out and keep your own lines of both sides; its own, "
                "where one is lost, perdure compile writes again",
            )
    return plan


def _extended(plan: str, lines: Sequence[str]) -> str:
    """Put lines at the end."""
    body = plan.rstrip("\n")
    first = body.rpartition("\n")[2].startswith("%")  # a blank line must follow
    return (
        body + ("\n\n" if first and lines else "\n") + "".join(f"{e}\n" for e in lines)
    )


# --- what a merge leaves of the plan --------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Planned:
    """A line with a change or, `@name`, a tag; lines are counted from 0."""

    at: int
    name: str
    stamp: str


def _entries(plan: str) -> Iterator[_Planned]:
    for at, line in enumerate(plan.split("\n")):
        if found := _LINE.match(line):
            yield _Planned(at, found[1], found[2])


def _refuse_strangers(plan: str, past: Sequence[Written]) -> None:
    """Raise for a change of ours that the lock does not know, or is there twice."""
    ours = {_change(each.stem) for each in past}
    seen: set[str] = set()
    lines = plan.split("\n")
    for each in _entries(plan):
        if f" {_PLANNER} " not in lines[each.at]:
            continue
        if each.name not in ours or each.name in seen:
            why = "a second time" if each.name in seen else "and the lock does not"
            raise UnusableFolder(
                f'line {each.at + 1} of "{PLAN}" has {each.name}, {why}',
                "take the line out, if it was deployed nowhere: a merge left what "
                "another branch made",
            )
        seen.add(each.name)


def _refuse_disorder(plan: str, past: Sequence[Written]) -> None:
    """Raise where a change comes before one that the lock has before it."""
    lines = {each.name: each.at + 1 for each in _entries(plan)}
    last: dict[str, str] = {}
    for each in past:
        name = _change(each.stem)
        if name not in lines:
            continue
        before = last.setdefault(each.workflow, name)
        if lines[name] < lines[before]:
            raise UnusableFolder(
                f'line {lines[name]} of "{PLAN}" has {name}, and {before}, which the '
                f"lock has before it, comes in line {lines[before]}",
                "put the two in the order of the lock, if neither was deployed; else "
                "restore the plan from version control",
            )
        last[each.workflow] = name


def _restored(
    plan: str, lost: Written, past: Sequence[Written], files: Mapping[str, str]
) -> str:
    """Put a line where it was, as its time says: so its id for Sqitch is the same.

    It stays between its neighbours in the lock, and before what names it.
    """
    own = [_change(each.stem) for each in past if each.workflow == lost.workflow]
    change = _change(lost.stem)
    before, after = own[: own.index(change)], own[own.index(change) + 1 :]
    entries = list(_entries(plan))
    start = max((e.at for e in entries if e.name in before), default=-1)

    def follows(entry: _Planned) -> bool:
        script = files.get(f"deploy/{entry.name}.sql", "")
        named = re.search(rf"\b{re.escape(change)}\b", script)
        return bool(named) or entry.name in after or entry.stamp > _stamp(lost.stem)

    end = next((e.at for e in entries if e.at > start and follows(e)), None)
    line = _line(lost.stem, lost.name)
    if end is None:
        return _extended(plan, [line])
    lines = plan.split("\n")
    while end and lines[end - 1].startswith("#"):  # a comment is about what is below it
        end -= 1
    return "\n".join([*lines[:end], line, *lines[end:]])
