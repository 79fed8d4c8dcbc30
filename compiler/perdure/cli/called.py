"""Whether a run that others wait for may end in another version, by what it returns.

Who waits for a run was compiled for the result of its version, and reads null where
another one has no such member. The types are in the sources of both versions, which
are compiled on the schema of the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from perdure.config import Config
    from perdure.engine.client import Connection
    from perdure.engine.database import Database
    from perdure.engine.runs import Called
    from perdure.ir.tree import Workflow

_READS = "a run that waits reads the result that its version was compiled for"


def require_fit(
    config: Config,
    database: Database,
    connection: Connection,
    run: str,
    callers: Sequence[Called],
    before: str,
    after: str,
) -> None:
    """Raise Immovable when callers of a run can't take what another version returns.

    `before` and `after` are the labels of its versions. Ends the command when the
    schema can't be loaded.
    """
    from perdure.engine.move import Immovable
    from perdure.release.results import fits, is_unknown, result_text

    found = _versions(config, database, connection, (before, after))
    waits = f"{_named(callers)} for its result"
    refused = f"run {run} cannot be moved to {after}: {waits}"
    for label in (before, after):
        if label not in found:
            raise Immovable(
                f"{refused}, and what {label} returns can't be told: its source does "
                "not compile on the schema of this database"
            )
    old, new = found[before], found[after]
    if not fits(old, new):
        raise Immovable(
            f"{refused}, which is another one there: {before} returns "
            f"{result_text(old)}, {after} returns {result_text(new)}",
            help=f"{_READS}; let this one end on its version, or cancel it",
        )
    if is_unknown(old):
        typer.echo(
            f"note: {waits}, which is JSON of unknown form in both versions, so that "
            "it can't be compared",
            err=True,
        )


def _named(callers: Sequence[Called]) -> str:
    first, *more = callers
    named = f"run {first.id} ({first.label or 'no label'})"
    if not more:
        return f"{named} waits"
    return f"{named} and {len(more)} more wait"


def _versions(
    config: Config, database: Database, connection: Connection, labels: Sequence[str]
) -> Mapping[str, Workflow]:
    """Compile versions of a workflow; one with mistakes is left out."""
    from perdure.cli.late import on_database
    from perdure.cli.past import compiled_versions, deployed, locked
    from perdure.cli.project import usable_state
    from perdure.engine.inflight import registered

    there = registered(connection)
    known = deployed(there, locked(config), config.target, labels)
    own, state = on_database(config, database), usable_state(config)
    found: dict[str, Workflow] = {}
    for each in (each for each in known if each.key in labels):
        compiled = compiled_versions(own, [each], known, state)
        ir = compiled.units[each.workflow].ir
        if ir is not None:
            found[each.key] = ir
    return found
