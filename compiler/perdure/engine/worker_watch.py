"""The worker's watch over steps that take long.

A timeout cannot end a statement from within the session that executes it. So while a
call of `df.work` lasts longer than such a call should, another session looks after it,
see runtime_sql/59_watch.sql. As long as all steps are short this does nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from perdure.engine.worker_log import Log
from perdure.engine.worker_session import Session, connect, reason
from perdure.engine.worker_wake import Bell

# A call that lasts so long is in a step: the loop over short ones has ended by then.
LONG_SECONDS = 0.6
IDLE_SECONDS = 3600.0
# The limit of steps whose role and database have none: in a session without the
# worker's own settings.
SERVER_LIMIT = (
    "select case when source in ('database', 'user', 'database user') then 0"
    " else setting::bigint end from pg_settings where name = 'statement_timeout'"
)


class Watch:
    """Looks after the calls that are announced to it, when they last."""

    def __init__(self, url: str, session: Session, log: Log) -> None:
        self._url = url
        self._session = session
        self._log = log
        self._long = 0
        self._bell = Bell()

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch over what is done inside, when it lasts."""
        lasts = False

        def begin() -> None:
            nonlocal lasts
            lasts = True
            self._long += 1
            self._bell.ring()

        timer = asyncio.get_running_loop().call_later(LONG_SECONDS, begin)
        try:
            yield
        finally:
            timer.cancel()
            self._long -= lasts

    async def run(self) -> None:
        """Watch until cancelled."""
        limit: int | None = None
        while True:
            mark = self._bell.mark()
            if not self._long:
                await self._bell.wait(mark, IDLE_SECONDS)
                continue
            try:
                if limit is None:
                    limit = await self._server_limit()
                rows = await self._session.fetch("call df_engine.watch(%s)", limit)
                pause = rows[0][0] / 1000
            except psycopg.Error as error:
                self._log.warning("watch.failed", reason=reason(error))
                pause = LONG_SECONDS
            await asyncio.sleep(pause)

    async def close(self) -> None:
        """Close its session."""
        await self._session.close()

    async def _server_limit(self) -> int:
        async with await connect(self._url, {}) as connection:
            cursor = await connection.execute(SERVER_LIMIT)
            return int((await cursor.fetchone() or (0,))[0])
