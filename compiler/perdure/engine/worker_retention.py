"""The worker's part in retention: call `df.prune` now and then.

Every worker does; the database lets one at a time. A call is short, and between calls
that find more to remove is a pause as long, so that removing takes half a connection's
time at most.
"""

from __future__ import annotations

import asyncio
import random
import time

import psycopg

from perdure.engine.worker_log import Log
from perdure.engine.worker_session import PERMANENT, connect, reason

EVERY_SECONDS = 300.0
CALL_MS = 1000


async def prune_always(url: str, log: Log, every: float = EVERY_SECONDS) -> None:
    """Remove runs that are no longer kept, for ever; an error waits for the next time.

    Returns when this role may not, which is said once.
    """
    pause = random.uniform(0, every / 10)  # workers that start together part here
    while True:
        await asyncio.sleep(pause)
        pause = every * random.uniform(0.8, 1.2)
        try:
            await _prune(url, log)
        except PERMANENT as error:
            log.warning("retention.refused", reason=reason(error))
            return
        except psycopg.Error as error:
            log.warning("retention.failed", reason=reason(error))


async def _prune(url: str, log: Log) -> None:
    begun = time.monotonic()
    runs, more = 0, True
    async with await connect(url) as connection:
        while more:
            called = time.monotonic()
            cursor = await connection.execute("call df.prune(%s::integer)", [CALL_MS])
            row = await cursor.fetchone()
            assert row is not None
            pruned, more = row
            runs += pruned
            if more:
                await asyncio.sleep(time.monotonic() - called)
    if runs:
        ms = round((time.monotonic() - begun) * 1000)
        log.info("retention.pruned", runs=runs, ms=ms)
