"""The schema as text: which files it is made of, in which order, and its digest.

Folders follow the habits of the migration tools: `0001_x.up.sql` beside
`0001_x.down.sql`, Flyway's `V2__x.sql`, one file with `-- +goose Down` or
`-- migrate:down`, or files in the order of their names, numbers compared as numbers.
Whatever leads down is left out, as are the migrations that Perdure itself wrote:
they need the runtime, and nothing that a workflow refers to is defined in them.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from perdure.catalog.settings import SchemaSource
from perdure.diagnostics import Diagnostic, error
from perdure.source import Source

CODE_UNREADABLE = "WF503"

_DOWN = re.compile(r"(?:^|[._-])(?:down|rollback|undo)\.sql$|^U[\d._]+__", re.I)
_FLYWAY = re.compile(r"^(?:V([\d._]+)|R)__")
_UP_SECTION = re.compile(r"^--\s*(?:\+goose\s+up|migrate:up)\b", re.I | re.M)
_DOWN_SECTION = re.compile(r"^--\s*(?:\+goose\s+down|migrate:down)\b", re.I | re.M)
OWN_MARK = re.compile(r"\A(?:\s*--[^\n]*\n)*?\s*-- *(?:written|generated) by perdure")
"""How a migration begins that Perdure wrote."""


@dataclass(frozen=True, slots=True)
class Schema:
    """The texts of a schema in order, and what identifies them."""

    files: tuple[Source, ...]

    @property
    def digest(self) -> str:
        """A digest of the contents; the names of the files do not matter."""
        state = hashlib.sha256()
        for file in self.files:
            text = file.text.encode()
            state.update(b"%d:" % len(text) + text)
        return state.hexdigest()


def read_schema(source: SchemaSource, root: Path) -> tuple[Schema, list[Diagnostic]]:
    """Read the files of a schema; those that cannot be read are findings."""
    files: list[Source] = []
    found: list[Diagnostic] = []
    for path in source.files:
        members = migrations_of(path) if path.is_dir() else [path]
        if not members:
            found.append(_unreadable(path, root, "the folder has no .sql file"))
        for member in members:
            read = _read(member, root)
            if isinstance(read, Diagnostic):
                found.append(read)
            elif not (path.is_dir() and OWN_MARK.match(read.text)):
                files.append(read)
    return Schema(tuple(files)), found


def migrations_of(folder: Path) -> list[Path]:
    """Return the files below a folder that lead up, in the order to run them."""
    files = [path for path in folder.rglob("*.sql") if not _DOWN.search(path.name)]
    return sorted(files, key=lambda path: _order(path.relative_to(folder)))


def without_down(text: str) -> str:
    """Blank out the down sections of a migration; places stay what they were."""
    pieces, at = [], 0
    while down := _DOWN_SECTION.search(text, at):
        up = _UP_SECTION.search(text, down.end())
        end = up.start() if up else len(text)
        pieces.append(text[at : down.start()])
        pieces.append(re.sub(r"[^\n]", " ", text[down.start() : end]))
        at = end
    return "".join([*pieces, text[at:]])


def _order(path: Path) -> tuple[object, ...]:
    """Sort by name with numbers as numbers; Flyway's repeatable ones come last."""
    flyway = _FLYWAY.match(path.name)
    if flyway:
        version = tuple(int(part) for part in re.findall(r"\d+", flyway[1] or ""))
        return (0 if flyway[1] else 1, version, path.name)
    return (0, (), *_natural(path.as_posix()))


def _natural(name: str) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", name)
    return [(0, int(p), p) if p.isdigit() else (1, 0, p) for p in parts]


def _read(path: Path, root: Path) -> Source | Diagnostic:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as failure:
        return _unreadable(path, root, (failure.strerror or str(failure)).lower())
    except UnicodeDecodeError as failure:
        return _unreadable(path, root, f"byte {failure.start} is not UTF-8")
    return Source(shown(path, root), text)


def shown(path: Path, root: Path) -> str:
    """Return a path as messages show it: relative to the root where it can be."""
    absolute = path.absolute()
    base = root.absolute()
    if absolute.is_relative_to(base):
        return absolute.relative_to(base).as_posix()
    return path.as_posix()


def _unreadable(path: Path, root: Path, reason: str) -> Diagnostic:
    message = f'can\'t read the schema from "{shown(path, root)}": {reason}'
    return error(
        CODE_UNREADABLE, None, message, help='correct "schema" in the configuration'
    )
