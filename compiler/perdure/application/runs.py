"""What an application does with a run: look at it, wait for it, write to it, stop it.

The runtime notifies nobody of the end of a run, which would cost each run something:
so `wait` asks again and again, after a quarter of the time that it has waited so far.
Two other ways were rejected. `df.await_instance` asks as often, only inside of the
server: while it waits its statement keeps the connection busy, past any other task of
the program and past Ctrl-C, and its snapshot keeps vacuum from removing rows. LISTEN
needs a connection of its own, behind no pooler.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Literal, TypeVar, cast

from perdure.application.errors import (
    NotCommitted,
    NotFinished,
    RunCancelled,
    RunEnded,
    RunFailed,
    RunNotFound,
    WaitTimeout,
    WrongInput,
    WrongRun,
)
from perdure.application.query import Operation, Pause, ask, query
from perdure.application.results import decode, returned
from perdure.application.signals import check_signal
from perdure.application.values import as_json, check_text, shown

T = TypeVar("T")
Status = Literal["pending", "running", "paused", "completed", "failed", "cancelled"]
Seconds = float | timedelta

FINAL = ("completed", "failed", "cancelled")
_FIRST_PAUSE = 0.02
_LONGEST_PAUSE = 2.0


def check_workflow(run: str, workflow: str) -> Operation[None]:
    """Raise WrongRun when the run, if there is one, is one of another workflow."""
    asked = "(select i.label from df.instances i where i.id = ?::text)"
    label = yield from ask(_json(asked, run))
    found = re.fullmatch(r"(\w+)@\d+", label or "")
    if found and found[1] != workflow:
        raise WrongRun(
            f'run {run} is one of workflow "{found[1]}", not of "{workflow}"'
        )


def status(run: str) -> Operation[Status]:
    """Return where a run stands. Raises RunNotFound."""
    found = yield from ask(_json("df.status(?::text)", run))
    return _known(run, found)


def result(run: str, wanted: Callable[[], Any]) -> Operation[Any]:
    """Return the result of a run, as `wanted` says.

    Raises RunFailed, RunCancelled, NotFinished, WrongResult, RunNotFound.
    """
    row = yield from ask(
        query(
            "select pg_catalog.to_jsonb(i)::text"
            " from (select * from df.instances r where r.id = ?::text) i",
            run,
        )
    )
    found = _known(run, row and row["status"])
    match found:
        case "failed":
            raise RunFailed(run, row.get("error") or "", row.get("sqlstate"))
        case "cancelled":
            raise RunCancelled(run, row.get("error"))
        case "completed":
            envelope = yield from ask(query("select df.result(?::text)", run))
            return decode(returned(envelope), wanted())
    raise NotFinished(f"run {run} has not ended, it is {found}; wait() waits for it")


def wait(
    run: str, wanted: Callable[[], Any], timeout: Seconds | None, began: str | None
) -> Operation[Any]:
    """Wait until a run has ended and return its result, as `result` does.

    `began` is the transaction that started the run. Raises WaitTimeout, NotCommitted.
    """
    start, before = time.monotonic(), None
    deadline = None if timeout is None else start + _seconds(timeout)
    while True:
        found, transaction, snapshot = yield from ask(_json(_LOOK, run))
        if _known(run, found) in FINAL:
            ended = yield from result(run, wanted)
            return ended
        _check_visible(run, began, transaction, snapshot, before)
        before = snapshot
        pause = pause_after(time.monotonic() - start)
        left = pause if deadline is None else deadline - time.monotonic()
        if left <= 0:
            raise WaitTimeout(
                f"run {run} has not ended in time, it is {found}"
                + ("; is a worker running?" if found == "pending" else "")
            )
        yield Pause(min(pause, left))


def pause_after(waited: float) -> float:
    """Return when to ask again, in seconds, after waiting for some."""
    return min(max(waited / 4, _FIRST_PAUSE), _LONGEST_PAUSE)


# The snapshot is null where each statement has its own.
_LOOK = """pg_catalog.json_build_array(df.status(?::text),
  pg_catalog.pg_current_xact_id_if_assigned()::text,
  case when pg_catalog.current_setting('transaction_isolation')
      in ('repeatable read', 'serializable')
    then pg_catalog.transaction_timestamp() end)"""


def _check_visible(
    run: str,
    began: str | None,
    transaction: str | None,
    snapshot: str | None,
    before: str | None,
) -> None:
    if began is not None and began == transaction:
        raise NotCommitted(
            f"run {run} begins when the transaction that started it is committed; "
            "commit it before you wait"
        )
    if snapshot is not None and snapshot == before:
        raise NotCommitted(
            "this transaction is repeatable read or serializable: it never sees that "
            f"run {run} ends; wait outside of it"
        )


def signal(run: str, workflow: str, name: str, data: object) -> Operation[None]:
    """Send a signal. Raises RunEnded, RunNotFound, WrongInput."""
    check_text(name, "the name of the signal")
    text = as_json(data, name)
    yield from _check_active(run)
    yield from check_signal(run, workflow, name, data, text)
    yield from ask(_json("df.signal(?::text, ?::text, ?::text)", run, name, text))


def cancel(run: str, reason: str) -> Operation[None]:
    """Cancel a run; one that has ended stays as it is. Raises RunNotFound."""
    found = yield from status(run)
    if found not in FINAL:
        yield from ask(_json("df.cancel(?::text, ?::text)", run, reason))


def pause(run: str, reason: str | None) -> Operation[None]:
    """Pause a run; once more changes nothing. Raises RunEnded, RunNotFound."""
    yield from _check_active(run)
    yield from ask(_json("df.pause(?::text, ?::text)", run, reason))


def resume(run: str) -> Operation[None]:
    """Let a paused run go on; one that runs, does. Raises RunEnded, RunNotFound."""
    found = yield from _check_active(run)
    if found == "paused":
        yield from ask(_json("df.resume(?::text)", run))


def _check_active(run: str) -> Operation[Status]:
    found = yield from status(run)
    if found in FINAL:
        raise RunEnded(f"run {run} has ended, it is {found}")
    return found


def _json(expr: str, *values: str | None) -> Any:
    return query(f"select pg_catalog.to_json({expr})::text", *values)


def _known(run: str, found: str | None) -> Status:
    if found is None:
        raise RunNotFound(
            f'this role sees no run "{run}"; was the transaction that started it '
            "committed, and in this database?"
        )
    return cast(Status, found.lower())


def _seconds(timeout: object) -> float:
    if isinstance(timeout, timedelta):
        return timeout.total_seconds()
    if not isinstance(timeout, (int, float)) or math.isnan(timeout):
        raise WrongInput(f"the timeout is seconds or a timedelta, not {shown(timeout)}")
    return timeout
