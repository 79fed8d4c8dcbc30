"""Signals that nobody hears: what is told of them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING

from perdure.cli.project import fail

if TYPE_CHECKING:
    from perdure.engine.client import Connection, Function


def known_signals(name: str, known: Iterable[str]) -> str:
    """Return the help on a signal that no step waits for, by those that steps do."""
    names = sorted(known)
    if near := get_close_matches(name, names, 1):
        return f'did you mean "{near[0]}"?'
    if names:
        return f"it has steps for: {', '.join(names)}"
    return "none of its steps waits for a signal"


def refuse_unheard(
    connection: Connection,
    workflow: str,
    function: Function,
    signals: Sequence[tuple[str, str]],
) -> None:
    """End the command on a signal that no step of a workflow waits for.

    Those of the workflows that it calls count, and of those that it only starts don't:
    their runs are others than the one that is followed.
    """
    from perdure.engine.signals import heard_by

    heard = heard_by(connection, function) if signals else None
    for name, data in signals:
        if heard is None or name in heard.signals:
            continue
        help = known_signals(name, heard.signals)
        if name in heard.started:
            help = _of_another(heard.started[name], name, data)
        message = f'no step of "{workflow}", or of what it calls, waits for "{name}"'
        fail(message, help)


def _of_another(version: str, name: str, data: str) -> str:
    """Return how to send a signal to a run that is started and not waited for."""
    command = send_command("RUN", name, data)
    workflow = version.partition("@")[0]
    return (
        f"{version} does, which is started and not waited for: leave --signal {name} "
        f"out, and once its run is there (perdure ps {workflow}): {command}"
    )


def send_command(run: str, name: str, data: str) -> str:
    """Return the command that sends a signal to a run."""
    words = ["perdure", "signal", run, name, *([data] if data != "{}" else [])]
    return shlex.join(words)
