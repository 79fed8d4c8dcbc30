"""What the runs of a database have ahead of them: steps, and runs that they start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perdure.cli.past import Past
    from perdure.config import Config
    from perdure.engine.inflight import Connection, Registered
    from perdure.release.reach import Reach
    from perdure.release.verify_needs import Runs


def starting_nodes(
    connection: Connection, version: Registered, runs: Sequence[str]
) -> dict[str, list[str]]:
    """Return the nodes of a version that start others, as any of its runs has them."""
    from perdure.engine.inflight import statements
    from perdure.release.needed import calls

    found: dict[str, list[str]] = {}
    for run in runs[:1]:
        for node, text in statements(connection, run):
            for name, number in calls(text, version.schema).items():
                found.setdefault(f"{name}@{number}", []).append(node)
    return found


def with_reach(
    connection: Connection,
    config: Config,
    versions: Sequence[Past],
    runs: Mapping[str, Sequence[str]],
) -> dict[str, Runs]:
    """Return the runs of versions with what they may still execute, by version."""
    known_nodes = config.target == "perdure"  # else nodes have other numbers
    found: dict[str, Runs] = {}
    for each in versions:
        ids = runs.get(each.key, ())
        known = reach_of(connection, ids) if ids and known_nodes else {}
        found[each.key] = {run: known.get(run) for run in ids}
    return found


def reach_of(connection: Connection, runs: Sequence[str]) -> dict[str, Reach]:
    """Return what runs of one version may still execute; their graphs are the same."""
    from perdure.engine.inflight import began, nodes
    from perdure.release.reach import Progress, graph_of, reach

    graph = graph_of(
        (each.node, each.type, each.parent, each.config)
        for each in nodes(connection, runs[0])
    )
    if not graph:  # removed meanwhile
        return {}
    conditions = [e.children[0] for e in graph.values() if e.type == "IF"]
    return {
        run: reach(graph, Progress(each.status, each.states, each.decided))
        for run, each in began(connection, runs, conditions).items()
    }
