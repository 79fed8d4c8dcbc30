"""Signals that nobody hears: what is told of them."""

from __future__ import annotations

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
    connection: Connection, workflow: str, function: Function, names: Sequence[str]
) -> None:
    """End the command on a signal that no step of a workflow waits for.

    Those of the workflows that it calls count.
    """
    from perdure.engine.listening import heard_by

    known = heard_by(connection, function) if names else None
    for name in names:
        if known is not None and name not in known:
            message = f'no step of "{workflow}", or of what it calls, waits for'
            fail(f'{message} "{name}"', known_signals(name, known))
