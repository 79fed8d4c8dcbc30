"""What a layout is: how a version becomes files that a migration tool runs.

Every layout lays out the same SQL. Names come from the workflow and the version, never
from the clock; where a tool's habit is a timestamp, the stamp is taken once and then
stands in the lock, as part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from perdure.plan.version import Script

STAMP = "%Y%m%d%H%M%S"


class UnusableFolder(Exception):
    """The tool's own files do not allow another migration; the message says why."""


@dataclass(frozen=True, slots=True)
class Migration:
    """A version, or a change of what is in force, that is about to get its files.

    `title` is what the files are called, beside a number; `name` is what people read.
    `registered` selects its row in the database, without the semicolon.
    """

    workflow: str
    title: str
    name: str
    install: Script
    remove: Script
    registered: str


@dataclass(frozen=True, slots=True)
class Folder:
    """The migrations folder as it is: texts by path below it; `name` is its parent's.

    `now` is the time for tools that want one; nothing else may read a clock.
    """

    files: Mapping[str, str]
    now: datetime
    name: str = "app"


class Layout(Protocol):
    """The files of one tool."""

    name: ClassVar[str]
    globs: ClassVar[tuple[str, ...]]
    """Which files of the folder have to be known."""

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the common part of the file names, which the lock keeps."""

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the new files by path; they never change afterwards."""

    def shared(self, folder: Folder, stems: Mapping[str, str]) -> Mapping[str, str]:
        """Return the tool's own files that must follow, given stems with titles."""

    def broken(self, folder: Folder) -> bool:
        """Say whether the tool's own files have to be made anew after a merge."""

    def number(self, path: str) -> int | None:
        """Return the number of a migration that leads up, None for other files."""

    def order(
        self, stems: Iterable[str], files: Mapping[str, str]
    ) -> Mapping[str, int]:
        """Return the places of migrations in the tool's order, as far as known."""

    def up_file(self, stem: str) -> str:
        """Return the file that holds the SQL that installs."""

    def up_sql(self, text: str) -> str:
        """Return the SQL that installs, out of that file."""


class Base:
    """What most layouts have in common: files of their own, and no others."""

    globs: ClassVar[tuple[str, ...]] = ("*.sql",)
    pattern: ClassVar[re.Pattern[str]]

    def shared(self, folder: Folder, stems: Mapping[str, str]) -> Mapping[str, str]:
        """Return nothing: the tool keeps no list of its migrations."""
        return {}

    def broken(self, folder: Folder) -> bool:
        """Return false: there is nothing of the tool's own to make anew."""
        return False

    def number(self, path: str) -> int | None:
        """Return the first group of the pattern, if the whole name fits it."""
        found = self.pattern.fullmatch(path)
        return int(found[1]) if found else None

    def order(
        self, stems: Iterable[str], files: Mapping[str, str]
    ) -> Mapping[str, int]:
        """Return the numbers that the names begin with."""
        found = ((stem, re.match(r"\d+(?=_)", stem)) for stem in stems)
        return {stem: int(number[0]) for stem, number in found if number}

    def up_sql(self, text: str) -> str:
        """Return the text itself."""
        return text


def next_number(numbers: Iterable[str], width: int) -> str:
    """Return the number after the highest, as wide as the widest, at least `width`."""
    known = list(numbers)
    highest = max(map(int, known), default=0)
    widest = max(map(len, known), default=width)
    return f"{highest + 1:0{widest}}"


def next_stamp(numbers: Iterable[int], now: datetime) -> str:
    """Return the time as a number, or the one after the highest, if that is later."""
    return str(max(int(now.strftime(STAMP)), max(numbers, default=0) + 1))
