"""The worker's log, bell and backoff."""

from __future__ import annotations

import asyncio
import io
import json
import time
from datetime import UTC, datetime

import pytest

from perdure.engine.worker_log import Fact, Format, Log
from perdure.engine.worker_wake import Backoff, Bell, Relay

NOON = datetime(2026, 1, 1, 12, 0, 0, 5000, tzinfo=UTC)


def logged(form: Format, **facts: Fact) -> str:
    stream = io.StringIO()
    Log(form, stream=stream, clock=lambda: NOON).info("http.answered", **facts)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("fact", "shown"),
    [
        (3, "3"),
        (0.5, "0.5"),
        (None, "null"),
        ("plain", "plain"),
        ("two words", '"two words"'),
        ("", '""'),
        ("a=b", '"a=b"'),
        ('say "x"', '"say \\"x\\""'),
        ("line\nbreak", '"line\\nbreak"'),
        ("\x1b[31m", '"\\u001b[31m"'),
    ],
)
def test_text_line_keeps_every_fact_in_its_place(fact: Fact, shown: str) -> None:
    line = logged("text", reason=fact)
    assert line == f"2026-01-01T12:00:00.005Z info    http.answered reason={shown}\n"


def test_json_line_is_one_object() -> None:
    line = logged("json", status=200, host="ü\n")
    assert line.count("\n") == 1
    assert json.loads(line) == {
        "at": "2026-01-01T12:00:00.005Z",
        "level": "info",
        "event": "http.answered",
        "status": 200,
        "host": "ü\n",
    }


def test_levels_below_the_least_are_not_written() -> None:
    stream = io.StringIO()
    log = Log(level="warning", stream=stream)
    log.debug("one")
    log.info("two")
    log.warning("three")
    log.error("four")
    written = [line.split()[2] for line in stream.getvalue().splitlines()]
    assert written == ["three", "four"]


def test_ring_after_the_mark_is_not_lost() -> None:
    async def main() -> bool:
        bell = Bell()
        mark = bell.mark()
        bell.ring()
        return await bell.wait(mark, 10)

    started = time.monotonic()
    assert asyncio.run(main())
    assert time.monotonic() - started < 5


def test_ring_wakes_everyone_who_waits() -> None:
    async def main() -> list[bool]:
        bell = Bell()
        waits = [asyncio.create_task(bell.wait(bell.mark(), 10)) for _ in range(3)]
        await asyncio.sleep(0)
        bell.ring()
        return await asyncio.gather(*waits)

    assert asyncio.run(main()) == [True, True, True]


def test_wait_without_a_ring_ends_in_time() -> None:
    async def main() -> bool:
        bell = Bell()
        bell.ring()
        return await bell.wait(bell.mark(), 0.01)

    assert not asyncio.run(main())


def test_who_waits_last_is_woken_first() -> None:
    async def main() -> list[int]:
        bell, woken = Bell(), list[int]()

        async def wait(number: int) -> None:
            await bell.wait(bell.mark(), 10)
            woken.append(number)

        waits = [asyncio.create_task(wait(number)) for number in range(3)]
        await asyncio.sleep(0)
        bell.ring()
        await asyncio.gather(*waits)
        return woken

    assert asyncio.run(main()) == [2, 1, 0]


def test_sessions_look_one_after_the_other() -> None:
    """One that finds much is followed by one; what that finds is the others' answer."""

    async def main() -> list[float | None]:
        relay, done = Relay(lasting=60), asyncio.Event()

        async def at_work() -> None:
            with relay.look(1):
                await done.wait()

        async def look() -> float | None:
            pause = await relay.answer(1, patience=0.001)
            if pause is None:
                assert relay.busy
                with relay.look(1) as found:
                    found.pause = 7.0
            return pause

        first = asyncio.create_task(at_work())
        await asyncio.sleep(0)
        pauses = await asyncio.gather(*(look() for _ in range(3)))
        done.set()
        await first
        return pauses

    pauses = asyncio.run(main())
    assert pauses[0] is None
    assert all(pause and 0 < pause <= 7 for pause in pauses[1:])


def test_what_a_session_found_is_good_until_its_time_or_the_next_ring() -> None:
    async def main() -> tuple[float | None, float | None, float | None]:
        relay = Relay(lasting=60)
        with relay.look(1) as found:
            found.pause = 60.0
        known = await relay.answer(1, patience=0)
        rung = await relay.answer(2, patience=0)
        with relay.look(2) as found:
            found.pause = 0.001
        await asyncio.sleep(0.01)
        return known, rung, await relay.answer(2, patience=0)

    known, rung, over = asyncio.run(main())
    assert known is not None
    assert 0 < known <= 60
    assert (rung, over) == (None, None)


def test_who_is_woken_while_work_gathers_waits_for_the_pause() -> None:
    async def main() -> tuple[float, float, float | None]:
        relay = Relay(lasting=60)
        loop = asyncio.get_running_loop()
        with relay.look(1) as found:
            found.pause, found.gathers = 0.05, True
        ended = loop.time()
        answer = await relay.answer(2, patience=0)
        return ended, loop.time(), answer

    ended, asked, answer = asyncio.run(main())
    assert asked - ended >= 0.045
    assert answer is None


def test_a_long_step_is_nobodys_concern() -> None:
    async def main() -> tuple[bool, float | None, bool]:
        relay = Relay(lasting=0.001)
        with relay.look(1):
            before = relay.busy
            await asyncio.sleep(0.01)
            return before, await relay.answer(2, patience=60), relay.busy

    assert asyncio.run(main()) == (True, None, False)


def test_backoff_grows_to_its_limit_and_starts_again() -> None:
    backoff = Backoff(first=1, most=4)
    taken = [backoff.take() for _ in range(5)]
    limits = [1, 2, 4, 4, 4]
    assert all(m / 2 <= t <= m for t, m in zip(taken, limits, strict=True))
    backoff.reset()
    assert backoff.take() <= 1
