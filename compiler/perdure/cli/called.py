"""Whether a run that others wait for may end in another version, by what it returns.

Who waits for a run was compiled for the result of one of its versions, not always of
the one that the run is on: it may have been moved before, or found by its key. The
caller reads null where another one has no such member. The types are in the sources of
the versions, which are compiled on the schema of the database.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from perdure.cli.past import Past
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
    from perdure.cli.obstacles import cancels
    from perdure.engine.move import Immovable
    from perdure.release.results import fits, is_unknown, result_text

    labels = {before, after, *(each.label or "" for each in callers)}
    known = _known(config, connection, labels)
    expecting = _by_version(callers, known, before)
    found = _compiled(config, database, known, {after, *expecting})
    refused = f"run {run} cannot be moved to {after}"
    for label in (*expecting, after):
        if label not in found:
            raise Immovable(
                f"{refused}: {_named(callers)} for its result, and what {label} "
                "returns can't be told: its source does not compile on the schema of "
                "this database"
            )
    new = found[after]
    unfit = [label for label in expecting if not fits(found[label], new)]
    if unfit:
        waiting = [caller for label in unfit for caller in expecting[label]]
        returned = (
            f"{label} returns {result_text(found[label])}" for label in (*unfit, after)
        )
        raise Immovable(
            f"{refused}: {_named(waiting)} for its result, which is another one there: "
            f"{', '.join(returned)}",
            help=f"{_READS}; let this one end on its version, or end it with the one "
            f"that waits: {cancels(connection, {run: waiting[0]})}",
        )
    unknown = [label for label in expecting if is_unknown(found[label])]
    if unknown:
        waiting = [caller for label in unknown for caller in expecting[label]]
        typer.echo(
            f"note: {_named(waiting)} for its result, which is JSON of unknown form in "
            "both versions, so that it can't be compared",
            err=True,
        )


def _named(callers: Sequence[Called]) -> str:
    first, *more = callers
    named = f"run {first.id} ({first.label or 'no label'})"
    if not more:
        return f"{named} waits"
    return f"{named} and {len(more)} more wait"


def _known(
    config: Config, connection: Connection, labels: Container[str]
) -> list[Past]:
    """Return the versions of the database; of the retired ones those with a label."""
    from perdure.cli.past import deployed, locked
    from perdure.engine.inflight import registered

    there = registered(connection)
    return deployed(there, locked(config), config.target, labels)


def _by_version(
    callers: Sequence[Called], known: Sequence[Past], label: str
) -> dict[str, list[Called]]:
    """Return who waits by the version whose result each was compiled for.

    That is the one with the label where it can't be told, as of a caller by hand.
    """
    workflow = label.partition("@")[0]
    calls = {each.key: each.calls or {} for each in known}
    found: dict[str, list[Called]] = {}
    for caller in callers:
        number = calls.get(caller.label or "", {}).get(workflow)
        found.setdefault(f"{workflow}@{number}" if number else label, []).append(caller)
    return found


def _compiled(
    config: Config, database: Database, known: list[Past], labels: Container[str]
) -> Mapping[str, Workflow]:
    """Compile versions of a workflow; one with mistakes is left out."""
    from perdure.cli.late import on_database
    from perdure.cli.past import compiled_versions
    from perdure.cli.project import usable_state

    own, state = on_database(config, database), usable_state(config)
    found: dict[str, Workflow] = {}
    for each in (each for each in known if each.key in labels):
        compiled = compiled_versions(own, [each], known, state)
        ir = compiled.units[each.workflow].ir
        if ir is not None:
            found[each.key] = ir
    return found
