"""What options of steps are made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Literal, TypeVar

T = TypeVar("T")
Duration = str | timedelta
"""A length of time: `"1m30s"`, or a timedelta."""

Expect = Literal["one", "maybe", "many"]
Effects = Literal["once"]
Step = Callable[[], T]
"""A branch: a function or a lambda without parameters."""


class Failure(Exception):
    """Fails the workflow where it is raised, with its text as the message.

    `except Failure as err:` handles the failure of any step; `step` is the name of
    the one that failed.
    """

    step: str
    message: str
    sqlstate: str
    detail: str


class Retry:
    """When and how often to try a step again; what is not given is the default.

    `on` holds SQLSTATEs (`"40001"`) or their classes (`"08"`), HTTP statuses (`503`)
    and `"transport"`.
    """

    def __init__(
        self,
        max_attempts: int | None = None,
        *,
        backoff: Duration | None = None,
        factor: float | None = None,
        max_backoff: Duration | None = None,
        jitter: bool | None = None,
        on: Sequence[str | int] | None = None,
    ) -> None:
        self.max_attempts = max_attempts
        self.backoff = backoff
        self.factor = factor
        self.max_backoff = max_backoff
        self.jitter = jitter
        self.on = on


Retries = Retry | int | str
"""A policy, a number of attempts, or the name of a shared policy."""


class Concurrency:
    """How many runs go on at a time; `key` is an expression over the inputs.

    With a key, the limit counts for each of its values.
    """

    def __init__(self, limit: int, *, key: str | None = None) -> None:
        self.limit = limit
        self.key = key
