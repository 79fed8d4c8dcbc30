"""What steps give, as a type checker sees it."""

from __future__ import annotations

from datetime import datetime
from types import TracebackType
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Row:
    """The result of an `sql` step; its columns are those of the statement."""

    rows_affected: int

    def __getattr__(self, name: str) -> Any:
        """Make any name readable for type checkers; there is no value."""
        raise AttributeError(name)


class Response:
    """The result of an `http` step."""

    status: int
    ok: bool
    headers: Any
    body: str
    json: Any


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
    """The block of a branch, or of the branches of `parallel`; it has no result."""

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


run = Run()
