"""What a layout is: how a version becomes files that a migration tool runs.

Every layout lays out the same SQL. Names come from the workflow and the version, never
from the clock; where a tool's habit is a timestamp, the stamp is taken once and then
stands in the lock, as part of the name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol

from perdure.plan.version import Script

STAMP = "%Y%m%d%H%M%S"

_WAY_BACK = re.compile(
    r"^-- written by perdure: \w+, "
    r"(version \d+: back to the version before|change \d+, taken back:)",
    re.MULTILINE,
)

RUNS = "would run what leads down, too"
REFUSES = "refuses the folder with that in it"
"""What a tool does with files of another layout, as messages say it."""


class UnusableFolder(Exception):
    """The tool's own files do not allow another migration; the message says why."""

    def __init__(self, message: str, help: str | None = None) -> None:
        super().__init__(message)
        self.help = help


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
class Written:
    """A migration that has its files, with the name that people read."""

    workflow: str
    stem: str
    name: str


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

    def mended(self, folder: Folder, past: Sequence[Written]) -> Mapping[str, str]:
        """Return the tool's own files as they have to be for what was written before.

        `past` has the migrations of each workflow in their order. Raises UnusableFolder
        for what only a person can put right.
        """

    def misreads(self, path: str, text: str) -> str | None:
        """Return what the tool does with a file of another layout, if that is wrong."""

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

    def mended(self, folder: Folder, past: Sequence[Written]) -> Mapping[str, str]:
        """Return nothing: there is nothing of the tool's own to put right."""
        return {}

    def misreads(self, path: str, text: str) -> str | None:
        """Return None: the tool passes over the files of all others, or shares them."""
        return None

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


def leads_down(text: str) -> bool:
    """Say whether a migration of ours holds the way back, alone or beside the other."""
    return _WAY_BACK.search(text) is not None


def next_number(numbers: Iterable[str], width: int) -> str:
    """Return the number after the highest, as wide as the widest, at least `width`."""
    known = list(numbers)
    highest = max(map(int, known), default=0)
    widest = max(map(len, known), default=width)
    return f"{highest + 1:0{widest}}"


def next_stamp(numbers: Iterable[int], now: datetime) -> str:
    """Return the time as a number, or the one after the highest, if that is later."""
    return str(max(int(now.strftime(STAMP)), max(numbers, default=0) + 1))
