"""Alembic and Django: a Python file that runs the SQL beside it.

The SQL stands in files of its own, where people and linters can read it; the Python
file names its place in the chain. The rejected way was to put the SQL into Python
strings, which have to be escaped for Python, and for Alembic once more.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import ClassVar

from perdure.assets import assets
from perdure.release.layouts.model import (
    REFUSES,
    Base,
    Folder,
    Migration,
    UnusableFolder,
    Written,
    next_number,
)

_MODULE = re.compile(r"[^/]*\.py")


class _Beside(Base):
    globs: ClassVar[tuple[str, ...]] = ("*.py", "*.sql")
    template: ClassVar[str]

    def up_file(self, stem: str) -> str:
        """Return the SQL that leads up."""
        return f"{stem}.up.sql"

    def _files(
        self, stem: str, migration: Migration, facts: Mapping[str, str]
    ) -> Mapping[str, str]:
        page = _page(self.template, {"name": migration.name, "stem": stem, **facts})
        return {
            f"{stem}.py": page,
            f"{stem}.up.sql": migration.install.text,
            f"{stem}.down.sql": migration.remove.text,
        }


class Alembic(_Beside):
    """`versions/` of Alembic: the new revision follows the head that is there."""

    name: ClassVar[str] = "alembic"
    template: ClassVar[str] = "alembic.py.j2"

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the revision and the title, as `alembic revision` names files."""
        return f"{_revision(migration)}_{migration.title}"

    def number(self, path: str) -> int | None:
        """Return None: revisions form a chain, and are not counted."""
        return None

    def mended(self, folder: Folder, past: Sequence[Written]) -> Mapping[str, str]:
        """Return nothing; two heads, as a merge leaves them, raise UnusableFolder."""
        _head(folder)
        return {}

    def misreads(self, path: str, text: str) -> str | None:
        """Refuse Python without a revision; SQL is nothing to Alembic."""
        python = _MODULE.fullmatch(path)
        return REFUSES if python and not _chain({path: text}) else None

    def order(
        self, stems: Iterable[str], files: Mapping[str, str]
    ) -> Mapping[str, int]:
        """Return how many revisions come before each in the chain, at most."""
        chain = _chain(files)
        revisions = {stem: stem.partition("_")[0] for stem in stems}
        depths = _depths(chain)
        return {e: depths[own] for e, own in revisions.items() if own in depths}

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the revision and its SQL."""
        head = _head(folder)
        facts = {"revision": repr(_revision(migration)), "down_revision": repr(head)}
        return self._files(stem, migration, facts)


def _revision(migration: Migration) -> str:
    """Return an id that is the same wherever it is made."""
    return hashlib.sha256(migration.title.encode()).hexdigest()[:12]


def _head(folder: Folder) -> str | None:
    """Return the one revision that no other one follows."""
    chain = _chain(folder.files)
    followed = {each for before in chain.values() for each in before}
    heads = sorted(chain.keys() - followed)
    if len(heads) > 1:
        raise UnusableFolder(
            f"there are {len(heads)} heads, {' and '.join(heads)}: "
            "alembic merge makes one of them"
        )
    return heads[0] if heads else None


def _chain(files: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the revisions, each with those that it follows."""
    found: dict[str, list[str]] = {}
    for path, text in files.items():
        if _MODULE.fullmatch(path):
            values = dict(_assigned(path, text, ("revision", "down_revision")))
            for name in _names(values.get("revision")):
                found.setdefault(name, []).extend(_names(values.get("down_revision")))
    return found


def _depths(chain: Mapping[str, list[str]]) -> dict[str, int]:
    """Return the length of the longest way to each revision from a first one."""
    depths = dict.fromkeys(chain, 0)
    for _ in chain:
        deeper = {
            name: max((depths.get(each, -1) + 1 for each in before), default=0)
            for name, before in chain.items()
        }
        if deeper == depths:
            break
        depths = deeper
    return depths


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [each for each in value if each] if isinstance(value, tuple | list) else []


class Django(_Beside):
    """`migrations/` of a Django app: the new migration follows the last ones."""

    name: ClassVar[str] = "django"
    template: ClassVar[str] = "django.py.j2"
    pattern: ClassVar[re.Pattern[str]] = re.compile(r"(\d+)_\w+\.py")

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the next number and the title."""
        found = (self.pattern.fullmatch(path) for path in folder.files)
        number = next_number((each[1] for each in found if each), 4)
        return f"{number}_{migration.title}"

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the migration and its SQL."""
        shown = ", ".join(repr((folder.name, each)) for each in _leaves(folder))
        return self._files(stem, migration, {"dependencies": f"[{shown}]"})

    def misreads(self, path: str, text: str) -> str | None:
        """Refuse Python without a class Migration; SQL is nothing to Django."""
        python = _MODULE.fullmatch(path)
        return REFUSES if python and "\nclass Migration(" not in text else None


def _leaves(folder: Folder) -> list[str]:
    """Return the app's migrations that no other one of it depends on."""
    names: set[str] = set()
    needed: set[str] = set()
    for path, text in folder.files.items():
        stem = PurePosixPath(path).stem
        if _MODULE.fullmatch(path) and stem != "__init__":
            names.add(stem)
            for _, value in _assigned(path, text, ("dependencies", "replaces")):
                pairs = value if isinstance(value, list) else []
                needed.update(each[1] for each in pairs if each[:1] == (folder.name,))
    return sorted(names - needed)


def _assigned(
    path: str, text: str, names: tuple[str, ...]
) -> Iterator[tuple[str, object]]:
    """Yield the constants that are assigned to some names, wherever they stand."""
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        raise UnusableFolder(f'"{path}" is not Python: {error.msg}') from error
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        if name in names:
            yield name, _constant(value)


def _constant(value: ast.expr) -> object:
    """Return a literal; of a list the literals among its items."""
    if isinstance(value, ast.List | ast.Tuple):
        items = [_constant(each) for each in value.elts]
        return tuple(items) if isinstance(value, ast.Tuple) else items
    return value.value if isinstance(value, ast.Constant) else None


def _page(template: str, facts: Mapping[str, str]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(assets("templates") / "layouts"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        autoescape=False,  # the files are Python
    )
    return environment.get_template(template).render(facts)
