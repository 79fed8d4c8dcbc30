"""What the project's lock says was released, with the scripts; needs no schema."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perdure.cli.project import fail, show

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.diagnostics import Diagnostic
    from perdure.release import Change, Entry, Lock
    from perdure.source import Source


@dataclass(frozen=True, slots=True)
class Released:
    """What the lock has for the project's target.

    `files` and `scripts` are the installing file and the SQL in it, by the keys of
    the versions and changes. `whole` is the lock with those for other targets, `texts`
    the migrations folder.
    """

    lock: Lock
    whole: Lock
    files: dict[str, str]
    scripts: dict[str, str]
    texts: dict[str, str]

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The versions."""
        return self.lock.entries

    @property
    def events(self) -> list[Entry | Change]:
        """Versions and changes in the order in which they are applied."""
        from perdure.release.order import in_order

        return in_order(self.lock, self.texts)

    @property
    def retiring(self) -> dict[str, str]:
        """The files that retire versions, by version."""
        return {
            f"{change.workflow}@{number}": self.files[change.key]
            for change in self.lock.changes
            for number in change.versions
        }


def read_released(config: Config) -> Released:
    """Read the lock and its migrations; end the command on what is wrong with them."""
    lock, texts, found, source = _looked_at(config)
    if lock is None or found:
        show(found, {source.path: source} if source else {})
        raise typer.Exit(1)
    return _for_target(config, lock, texts)


def usable_lock(config: Config, revision: str) -> Lock:
    """Return the lock of a revision of git; none, and a note, if it is unusable."""
    from perdure.release import Lock

    lock, _, found, _ = _looked_at(config)
    if lock is not None and not found:
        return lock
    typer.echo(
        f"note: what was in force at {revision} is taken from its sources, for its "
        f"lock can't be used: {found[0].message}",
        err=True,
    )
    return Lock()


_Looked = tuple["Lock | None", dict[str, str], list["Diagnostic"], "Source | None"]


def _looked_at(config: Config) -> _Looked:
    """Return the lock, the texts of its migrations, and what is wrong with them."""
    from perdure.frontend.decode import decode
    from perdure.release import Lock, read_lock, unsound
    from perdure.source import Source

    if not config.lock.exists():
        texts = _texts(config, Lock())
        return Lock(), texts, unsound(Lock(), texts), None
    data = config.lock.read_bytes()
    source = decode(config.lock.name, data, limited=False)
    if not isinstance(source, Source):
        return None, {}, [source], None
    lock, found = read_lock(source)
    if lock is None:
        return None, {}, found, source
    texts = _texts(config, lock)
    return lock, texts, unsound(lock, texts), source


def _for_target(config: Config, lock: Lock, texts: dict[str, str]) -> Released:
    from perdure.release import Lock

    entries = tuple(each for each in lock.entries if each.target == config.target)
    changes = tuple(each for each in lock.changes if each.target == config.target)
    if lock.entries and not entries:
        fail(f'the lock has no version for the target "{config.target}"')
    released = Released(Lock(entries, lock.source, changes), lock, {}, {}, texts)
    for event in released.lock.everything:
        path, released.scripts[event.key] = install_script(config, event, texts)
        inside = path.is_relative_to(config.root)
        shown = path.relative_to(config.root) if inside else path
        released.files[event.key] = shown.as_posix()
    return released


def install_script(
    config: Config, event: Entry | Change, files: Container[str]
) -> tuple[Path, str]:
    """Return the file that installs a version or a change, and the SQL in it.

    `files` are the paths of the migrations folder.
    """
    from perdure.release import place_of
    from perdure.release.layouts import LAYOUTS

    layout = LAYOUTS[event.layout]
    name = place_of(event, layout.up_file(event.migration), files)
    path = config.migrations / name
    try:
        return path, layout.up_sql(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        fail(f'the migration "{path.name}" is gone', "restore it from git")


def _texts(config: Config, lock: Lock) -> dict[str, str]:
    """Read the migrations that are there."""
    from perdure.release.layouts import LAYOUTS
    from perdure.units import read_folder

    layout = LAYOUTS.get(config.layout)
    globs = layout.globs if layout else ()
    return dict(read_folder(config.migrations, globs, lock).files)
