"""What steps give, as a type checker sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Row:
    """The result of an `sql` step; its columns are those of the statement."""

    rows_affected: int

    def __getattr__(self, name: str) -> Any:
        """Make any name readable for type checkers; there is no value."""
        raise AttributeError(name)

    def __iter__(self) -> Iterator[Self]:
        """Let a `for` loop go over the rows."""
        raise TypeError("a workflow is compiled, its rows are in PostgreSQL")


class Response(Generic[T]):
    """The result of an `http` step; `json` has the type that `returns` declares."""

    status: int
    ok: bool
    headers: Any
    body: str
    json: T


class Started:
    """The result of `start`."""

    run_id: str


class Signal(Generic[T]):
    """The result of `wait_for_signal`; `data` is null when it timed out."""

    timed_out: bool
    data: T


class Race:
    """The result of `race`; also the block of its branches."""

    winner: str

    def __enter__(self) -> Race:
        """Begin the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the block."""


class Branches:
    """A block of steps: a branch, `parallel`, `transaction`, ...; it has no result."""

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the block."""


class Run:
    """The run that a step belongs to."""

    id: str
    workflow: str
    version: int
    started_at: datetime


class Secrets:
    """The secrets of the worker, by name, for requests."""

    def __getattr__(self, name: str) -> str:
        """Make any name readable for type checkers; there is no value."""
        raise AttributeError(name)


run = Run()
secrets = Secrets()
