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
    from perdure.release import Lock, Standing


def once_deployed(
    config: Config, lock: Lock, sources: Compiled, state_dir: Path
) -> Compiled:
    """Return a project as it is in force once its sources and its lock are deployed.

    `sources` are what its workflows give. Those of a version that was rolled back give
    way to the version in force, compiled from its own files.
    """
    from perdure.release import version_of

    versions: dict[str, int] = {}
    instead: set[str] = set()
    for name, unit in sources.units.items():
        made = (unit.digest or "", config.target, config.sql_schema)
        own, current = version_of(lock, name, made), lock.current(name)
        if own is not None and current is not None:
            versions[name] = current.version
            if own != current:
                instead.add(current.key)
    kept = {name: lock.versions(name) for name in lock.workflows}
    found = replace(sources, versions=versions, kept=kept)
    if not instead:
        return found
    known = locked(config)
    chosen = [each for each in known if each.key in instead]
    past = compiled_versions(config, chosen, known, state_dir)
    units = {**sources.units, **past.units}
    return replace(found, units=units, digests=past.digests, own=past.own)


def standings(lock: Lock, before: Compiled, after: Compiled) -> dict[str, Standing]:
    """Return what became of versions that the project's lock has, by workflow.

    One that is in force before and that the lock does not have is of another branch,
    which is not rolled back by this one.
    """
    from perdure.release import Standing

    found: dict[str, Standing] = {}
    for name, kept in before.kept.items():
        was, now = before.versions.get(name, 0), after.versions.get(name, 0)
        again = was != now and now in kept and lock.find(name, was) is not None
        retired = tuple(each for each in sorted(lock.retired(name)) if each in kept)
        if again or retired:
            current = (was, now) if again else None
            found[name] = Standing(current, retired, lock.current(name) is None)
    return found
