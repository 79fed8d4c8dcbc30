"""The steps of a workflow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Literal, TypeVar, overload

from perdure.authoring.never import compiled_only
from perdure.authoring.results import Response, Row, Signal

T = TypeVar("T")
Duration = str | timedelta
"""A length of time: `"1m30s"`, or a timedelta."""

Expect = Literal["one", "maybe", "many"]


class Failure(Exception):
    """Fails the workflow where it is raised, with its text as the message."""


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


def sql(
    statement: str,
    /,
    *,
    expect: Expect | None = None,
    retry: Retry | int | None = None,
    description: str | None = None,
) -> Row:
    """Run one SQL statement; `:order_id` and `:order.total` in it are references.

    Its columns are the result's. `expect` says how many rows there are, and is
    enforced when the step runs.
    """
    compiled_only("sql(...)")


def sql_file(
    path: str,
    /,
    *,
    expect: Expect | None = None,
    retry: Retry | int | None = None,
    description: str | None = None,
) -> Row:
    """Run the SQL statement of a file, whose path is relative to the module."""
    compiled_only("sql_file(...)")


def sleep(duration: Duration | Any, /, *, description: str | None = None) -> None:
    """Wait for a time: a duration, or an expression of type interval."""
    compiled_only("sleep(...)")


@overload
def wait_for_signal(
    name: str,
    /,
    *,
    payload: type[T],
    timeout: Duration | None = None,
    description: str | None = None,
) -> Signal[T]: ...


@overload
def wait_for_signal(
    name: str,
    /,
    *,
    payload: Mapping[str, object] | Sequence[object] | object = None,
    timeout: Duration | None = None,
    description: str | None = None,
) -> Signal[Any]: ...


def wait_for_signal(
    name: str,
    /,
    *,
    payload: object = None,
    timeout: Duration | None = None,
    description: str | None = None,
) -> Signal[Any]:
    """Wait until a signal is sent to the run; one sent before is not lost.

    `payload` is the type of what comes with it: a dataclass, a TypedDict, or a
    mapping of names to types.
    """
    compiled_only("wait_for_signal(...)")


class Http:
    """Requests, one method for each of HTTP's."""

    def _request(
        self,
        url: str,
        /,
        *,
        headers: Mapping[str, str | Any] | None = None,
        json: object = None,
        body: str | Any = None,
        timeout: Duration | None = None,
        retry: Retry | int | None = None,
        description: str | None = None,
    ) -> Response:
        """Send a request; 4xx is a result, 5xx and transport errors are failures."""
        compiled_only("http")

    get = _request
    head = _request
    post = _request
    put = _request
    patch = _request
    delete = _request
    options = _request


http = Http()
Step = Callable[[], T]
"""A branch: a function or a lambda without parameters."""
