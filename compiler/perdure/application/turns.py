"""Tasks that share a connection, and tasks that are cancelled while they ask.

asyncpg and SQLAlchemy refuse a second statement beside the first, and waiting for
several runs with `asyncio.gather` is what everyone tries; so the tasks take turns. And
a statement that is cancelled spoils the transaction, or with SQLAlchemy the connection,
where `asyncio.wait_for` was only to end the waiting; so a statement ends first.
"""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

if TYPE_CHECKING:
    from asyncio import Lock

T = TypeVar("T")

_GRACE = 1.0
"""How long a task that is cancelled waits for its statement, in seconds."""


class Turn:
    """The turn of a task at a connection.

    The locks are kept by the ids of the connections, for as long as someone has or
    wants a turn: asyncpg's connections of a pool can neither hold one nor be referred
    to weakly.
    """

    _wanted: ClassVar[dict[int, tuple[Lock, int]]] = {}

    def __init__(self, connection: object) -> None:
        self._key = id(connection)

    async def __aenter__(self) -> None:
        """Wait for the turn."""
        import asyncio

        lock, count = self._wanted.get(self._key) or (asyncio.Lock(), 0)
        self._wanted[self._key] = lock, count + 1
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        """Let the next task have its turn."""
        self._leave().release()

    def _leave(self) -> Lock:
        lock, count = self._wanted.pop(self._key)
        if count > 1:
            self._wanted[self._key] = lock, count - 1
        return lock


async def to_its_end(asking: Coroutine[Any, Any, T]) -> T:
    """Await a statement; when cancelled, let it end before, if it soon does."""
    import asyncio

    task = asyncio.ensure_future(asking)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        try:
            await asyncio.wait({task}, timeout=_GRACE)
        finally:
            task.cancel()
            await asyncio.wait({task})
            task.cancelled() or task.exception()  # is not reported a second time
        raise
