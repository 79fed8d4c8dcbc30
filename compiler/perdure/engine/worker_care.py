"""How carefully a connection works: by notes, for a while after it lost a session.

A step that ends its own session leaves no trace in the database, because its claim is
a lock. Only this side sees the loss, so this side asks for care: `df.work_carefully`
notes each step before it executes, and finds out which one does it. It costs a second
commit per step, so it is not the rule.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import LiteralString

# A step that does not end its session at once is found if it begins within this time
# of a loss; each further loss begins the time anew.
CAREFUL_SECONDS = 30.0


class Care:
    """What one connection, over all its sessions, knows of its losses."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: float | None = None
        self._lost: tuple[int, str] | None = None

    def alarm(self, pid: int, reason: str) -> None:
        """Note that the session `pid` was lost while it did work."""
        self._lost = (pid, reason)

    def call(self, steps: int, ms: int) -> tuple[LiteralString, list[object]]:
        """Return the next call of the engine's procedure, and its arguments."""
        if self._lost is not None:
            # From here, and not from the loss: the server may have been away for long.
            self._until = self._clock() + CAREFUL_SECONDS
        if self._until is None or self._clock() > self._until:
            self._until = None
            return "call df.work(%s::integer, %s::integer)", [steps, ms]
        return (
            "call df.work_carefully(%s::integer, %s::integer, %s::integer, %s::text)",
            [steps, ms, *(self._lost or (None, None))],
        )

    def heard(self) -> None:
        """Forget the loss that the last call has told the database about."""
        self._lost = None
