"""Errors of the database that say what is wrong with a call."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perdure.application.errors import (
    NotDeployed,
    NotPermitted,
    RunNotFound,
    WorkflowError,
    WrongInput,
)

_GRANT = "its owner lets a role start and see runs with: select df.grant_usage('role')"

_INSTALL = 'the runtime may be missing: "perdure runtime install" installs it'


@contextmanager
def translated() -> Iterator[None]:
    """Raise errors of the database that are mistakes in the call as such."""
    try:
        yield
    except WorkflowError:
        raise
    except Exception as error:
        meant = _meaning(_chain(error))
        if meant is None:
            raise
        raise meant from error


def _chain(error: BaseException) -> list[BaseException]:
    """Return an error with those that it wraps, as SQLAlchemy wraps the driver's."""
    chain: list[BaseException] = []
    current: BaseException | None = error
    while current is not None and current not in chain:
        chain.append(current)
        current = getattr(current, "orig", None) or current.__cause__
    return chain


def _meaning(chain: list[BaseException]) -> WorkflowError | None:
    state = next(filter(None, map(_sqlstate, chain)), None)
    if state is None:
        return None
    message = next(filter(None, map(_message, reversed(chain))), str(chain[0]))
    match state[:2]:
        case "22" | "23":
            return WrongInput(message)
        case "PD":
            return _of_runtime(state, message)
    if state == "3F000":
        return NotDeployed(f"{message}\n{_INSTALL}")
    return NotPermitted(f"{message}\n{_GRANT}") if state == "42501" else None


def _of_runtime(state: str, message: str) -> WorkflowError:
    match state:
        case "PD002":
            return RunNotFound(message)
        case "PD005":
            return NotPermitted(f"{message}\n{_GRANT}")
        case "PD003" | "PD013":
            return WrongInput(message)
    return WorkflowError(f"{message} ({state})")


def _sqlstate(error: BaseException) -> str | None:
    for name in ("sqlstate", "pgcode"):
        state = getattr(error, name, None)
        if isinstance(state, str):
            return state
    return None


def _message(error: BaseException) -> str | None:
    """Return what PostgreSQL said, in one line, of an error of a driver's."""
    if _sqlstate(error) is None:
        return None
    diagnosis = getattr(error, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    return str(primary or error)
