"""What is in force once a state of a project is deployed: its sources, or less.

A rollback lives in the lock. While the sources are those of the version that was
rolled back, deploying puts the version in force that the lock says, not the sources.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perdure.cli.past import Compiled, compiled_versions, locked

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.release import Lock


def once_deployed(config: Config, sources: Compiled, state_dir: Path) -> Compiled:
    """Return a project as it is in force once its sources and its lock are deployed.

    `sources` are what its workflows give. Those of a version that was rolled back give
    way to the version in force, compiled from its own files.
    """
    from perdure.release import version_of

    lock = _lock(config)
    versions: dict[str, int] = {}
    instead: set[str] = set()
    for name, unit in sources.units.items():
        made = (unit.digest or "", config.target, config.sql_schema)
        own, current = version_of(lock, name, made), lock.current(name)
        if own is not None and current is not None:
            versions[name] = current.version
            if own != current:
                instead.add(current.key)
    if not instead:
        return replace(sources, versions=versions)
    known = locked(config)
    chosen = [each for each in known if each.key in instead]
    found = compiled_versions(config, chosen, known, state_dir)
    units = {**sources.units, **found.units}
    return replace(found, units=units, sources=sources.sources, versions=versions)


def rolled_back(
    config: Config, before: Compiled, after: Compiled
) -> dict[str, tuple[int, int]]:
    """Return the versions in force, before and after, where an older one is again.

    A higher number that the project's lock does not have is of another branch, which
    is not rolled back by this one.
    """
    lock = _lock(config)
    both = before.versions.keys() & after.versions.keys()
    found = {name: (before.versions[name], after.versions[name]) for name in both}
    return {
        name: (was, now)
        for name, (was, now) in found.items()
        if was > now and lock.find(name, was)
    }


def _lock(config: Config) -> Lock:
    """Read a lock; one that can't be used is as none: other commands tell."""
    from perdure.release import Lock, read_lock
    from perdure.source import Source

    if not config.lock.exists():
        return Lock()
    text = config.lock.read_text("utf-8", errors="replace")
    return read_lock(Source(config.lock.name, text))[0] or Lock()
