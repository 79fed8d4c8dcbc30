"""Layouts of tools that run plain SQL files."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from perdure.plan.version import Script
from perdure.release.layouts.model import (
    REFUSES,
    RUNS,
    Base,
    Folder,
    Migration,
    Written,
    leads_down,
    next_number,
    next_stamp,
)


class TwoFiles(Base):
    """Up and down in files of their own, named by templates with `{stem}`."""

    up: ClassVar[str]
    down: ClassVar[str]

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the two files."""
        return {
            self.up_file(stem): migration.install.text,
            self.down.format(stem=stem): migration.remove.text,
        }

    def up_file(self, stem: str) -> str:
        """Return the file that leads up."""
        return self.up.format(stem=stem)


class Plain(TwoFiles):
    """`0001_name.up.sql` beside `0001_name.down.sql`."""

    name: ClassVar[str] = "plain"
    up: ClassVar[str] = "{stem}.up.sql"
    down: ClassVar[str] = "{stem}.down.sql"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(\d+)_.*\.up\.sql")
    width: ClassVar[int] = 4

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the next number, with as many digits as the others, and the title."""
        found = (re.fullmatch(r"(\d+)_.*\.sql", path) for path in folder.files)
        number = next_number((each[1] for each in found if each), self.width)
        return f"{number}_{migration.title}"


class GolangMigrate(Plain):
    """The same with six digits, as `migrate create -seq` writes them."""

    name: ClassVar[str] = "golang-migrate"
    width: ClassVar[int] = 6


class Flyway(TwoFiles):
    """`V1__name.sql`, and `U1__name.sql` for editions that undo."""

    name: ClassVar[str] = "flyway"
    up: ClassVar[str] = "V{stem}.sql"
    down: ClassVar[str] = "U{stem}.sql"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"V(\d+)(?:[._]\d+)*__.*\.sql")

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the version after the highest."""
        numbers = [self.number(path) for path in folder.files]
        highest = max((each for each in numbers if each is not None), default=0)
        return f"{highest + 1}__{migration.title}"


class OneFile(Base):
    """Up and down in one file, each after a marker."""

    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(\d+)_.*\.sql")
    taken: ClassVar[re.Pattern[str]]
    """The names of what the tool reads."""
    up: ClassVar[str]
    down: ClassVar[str]

    def up_file(self, stem: str) -> str:
        """Return the one file."""
        return f"{stem}.sql"

    def up_sql(self, text: str) -> str:
        """Return the part between the markers."""
        between = text.partition(f"{self.up}\n")[2]
        return between.partition(f"\n{self.down}\n")[0]

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the one file."""
        up, down = self.part(migration.install), self.part(migration.remove)
        return {f"{stem}.sql": f"{self.up}\n{up}\n{self.down}\n{down}"}

    def part(self, script: Script) -> str:
        """Return one direction."""
        return script.text

    def misreads(self, path: str, text: str) -> str | None:
        """Refuse what is read as a migration and has no marker."""
        taken = self.taken.fullmatch(path) and self.up not in text
        return REFUSES if taken else None


class Dbmate(OneFile):
    """`20260102030405_name.sql` with `-- migrate:up` and `-- migrate:down`."""

    name: ClassVar[str] = "dbmate"
    taken: ClassVar[re.Pattern[str]] = re.compile(r"\d+[^/]*\.sql")
    up: ClassVar[str] = "-- migrate:up"
    down: ClassVar[str] = "-- migrate:down"

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return a stamp and the title."""
        return f"{next_stamp(_numbers(self, folder), folder.now)}_{migration.title}"


class Goose(OneFile):
    """`00001_name.sql`; each statement is marked, because some hold semicolons."""

    name: ClassVar[str] = "goose"
    taken: ClassVar[re.Pattern[str]] = re.compile(r"[^/]*\.sql")
    up: ClassVar[str] = "-- +goose Up"
    down: ClassVar[str] = "-- +goose Down"

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the next number and the title."""
        found = (self.pattern.fullmatch(path) for path in folder.files)
        number = next_number((each[1] for each in found if each), 5)
        return f"{number}_{migration.title}"

    def part(self, script: Script) -> str:
        """Return one direction, statement by statement."""
        marked = (
            f"-- +goose StatementBegin\n{each}\n-- +goose StatementEnd"
            for each in script.statements
        )
        return "\n\n".join([script.head, *marked]) + "\n"


class Stamped(TwoFiles):
    """`20260102030405_name.sql` that only lead up.

    The way back is kept where the tool does not look.
    """

    up: ClassVar[str] = "{stem}.sql"
    down: ClassVar[str] = "rollback/{stem}.sql"
    globs: ClassVar[tuple[str, ...]] = ("*.sql", "rollback/*.sql")
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(\d+)_[^/]*\.sql")
    taken: ClassVar[re.Pattern[str]] = pattern
    """The names of what the tool runs, from its first line to its last."""

    def misreads(self, path: str, text: str) -> str | None:
        """Tell of what leads down, be it behind the marker of another tool."""
        return RUNS if self.taken.fullmatch(path) and leads_down(text) else None

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return a stamp and the title."""
        return f"{next_stamp(_numbers(self, folder), folder.now)}_{migration.title}"


class Supabase(Stamped):
    """The folder `supabase/migrations`."""

    name: ClassVar[str] = "supabase"


class Atlas(Stamped):
    """Versioned migrations of Atlas, with `atlas.sum` kept right."""

    name: ClassVar[str] = "atlas"
    globs: ClassVar[tuple[str, ...]] = ("*.sql", "rollback/*.sql", "atlas.sum")
    taken: ClassVar[re.Pattern[str]] = re.compile(r"[^/]*\.sql")

    def mended(self, folder: Folder, past: Sequence[Written]) -> Mapping[str, str]:
        """Return the sum, which a merge may have left with one side's migrations.

        One of files whose lines ended otherwise before git checked them out is right.
        """
        unix = {path: e.replace("\r\n", "\n") for path, e in folder.files.items()}
        committed = self.shared(replace(folder, files=unix), {})
        if not past or folder.files.get("atlas.sum") == committed["atlas.sum"]:
            return {}
        return self.shared(folder, {})

    def shared(self, folder: Folder, stems: Mapping[str, str]) -> Mapping[str, str]:
        """Return the sum of the folder as it is now."""
        own = sorted(
            (path, text)
            for path, text in folder.files.items()
            if "/" not in path and path.endswith(".sql")
        )
        return {"atlas.sum": atlas_sum(own)}


_IGNORED = re.compile(r"[ -~]*atlas:sum +ignore(?![ -~])")


def atlas_sum(files: Iterable[tuple[str, str]]) -> str:
    """Return `atlas.sum` for files in order: a running digest each, then one of all.

    A file that begins with `-- atlas:sum ignore` counts by its name only.
    """
    running, whole = hashlib.sha256(), hashlib.sha256()
    lines = []
    for name, text in files:
        running.update(name.encode())
        if _IGNORED.match(text):
            continue
        running.update(text.encode())
        digest = base64.b64encode(running.digest()).decode()
        whole.update(name.encode() + digest.encode())
        lines.append(f"{name} h1:{digest}\n")
    return f"h1:{base64.b64encode(whole.digest()).decode()}\n" + "".join(lines)


def _numbers(layout: Base, folder: Folder) -> list[int]:
    found = (layout.number(path) for path in folder.files)
    return [each for each in found if each is not None]
