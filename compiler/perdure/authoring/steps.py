"""The steps of a workflow.

Every step takes `when`, which skips it unless it is true, and `description`; most take
`timeout`, how long it may take with all its attempts, and `undo`, a function or a
lambda that takes it back when a later step beside it fails. Those that are statements
take `effects="once"`: what they do happens once, also where the runtime may run a step
again after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

from perdure.authoring.never import compiled_only
from perdure.authoring.options import Duration, Effects, Expect, Retries, Step
from perdure.authoring.results import Response, Row, Signal

T = TypeVar("T")


def sql(
    statement: str,
    /,
    *,
    expect: Expect | None = None,
    effects: Effects | None = None,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
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
    effects: Effects | None = None,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Row:
    """Run the SQL statement of a file, whose path is relative to the module."""
    compiled_only("sql_file(...)")


def sleep(
    duration: Duration | Any,
    /,
    *,
    timeout: Duration | None = None,
    when: object = True,
    description: str | None = None,
) -> None:
    """Wait for a time: a duration, or an expression of type interval."""
    compiled_only("sleep(...)")


def sleep_until(
    time: Any,
    /,
    *,
    timeout: Duration | None = None,
    when: object = True,
    description: str | None = None,
) -> None:
    """Wait until a time, of type timestamptz; one that is over is no wait."""
    compiled_only("sleep_until(...)")


def wait_for_schedule(
    cron: str,
    /,
    *,
    timezone: str | None = None,
    timeout: Duration | None = None,
    when: object = True,
    description: str | None = None,
) -> None:
    """Wait for the next time that fits a cron expression of five fields."""
    compiled_only("wait_for_schedule(...)")


@overload
def wait_for_signal(
    name: str,
    /,
    *,
    payload: type[T],
    timeout: Duration | None = None,
    when: object = True,
    description: str | None = None,
) -> Signal[T]: ...


@overload
def wait_for_signal(
    name: str,
    /,
    *,
    payload: Mapping[str, object] | Sequence[object] | object = None,
    timeout: Duration | None = None,
    when: object = True,
    description: str | None = None,
) -> Signal[Any]: ...


def wait_for_signal(
    name: str,
    /,
    *,
    payload: object = None,
    timeout: Duration | None = None,
    when: object = True,
    description: str | None = None,
) -> Signal[Any]:
    """Wait until a signal is sent to the run; one sent before is not lost.

    `payload` is the type of what comes with it: a dataclass, a TypedDict, or a
    mapping of names to types.
    """
    compiled_only("wait_for_signal(...)")


class Part:
    """A part of a request: text, or the body of an earlier response as a file."""

    def __init__(
        self,
        *,
        body: str | Any = None,
        source: Response[Any] | None = None,
        filename: str | Any = None,
        content_type: str | None = None,
    ) -> None:
        compiled_only("Part(...)")


class Http:
    """Requests, one method for each of HTTP's."""

    @overload
    def _request(
        self,
        url: str,
        /,
        *,
        headers: Mapping[str, str | Any] | None = None,
        json: object = None,
        body: str | Any = None,
        form: Mapping[str, str | Any] | None = None,
        multipart: Mapping[str, str | Part | Any] | None = None,
        returns: type[T],
        expect_status: int | str | Sequence[int | str] | None = None,
        timeout: Duration | None = None,
        retry: Retries | None = None,
        undo: Step[object] | None = None,
        when: object = True,
        description: str | None = None,
    ) -> Response[T]: ...

    @overload
    def _request(
        self,
        url: str,
        /,
        *,
        headers: Mapping[str, str | Any] | None = None,
        json: object = None,
        body: str | Any = None,
        form: Mapping[str, str | Any] | None = None,
        multipart: Mapping[str, str | Part | Any] | None = None,
        returns: object = None,
        expect_status: int | str | Sequence[int | str] | None = None,
        timeout: Duration | None = None,
        retry: Retries | None = None,
        undo: Step[object] | None = None,
        when: object = True,
        description: str | None = None,
    ) -> Response[Any]: ...

    def _request(
        self,
        url: str,
        /,
        *,
        headers: Mapping[str, str | Any] | None = None,
        json: object = None,
        body: str | Any = None,
        form: Mapping[str, str | Any] | None = None,
        multipart: Mapping[str, str | Part | Any] | None = None,
        returns: object = None,
        expect_status: int | str | Sequence[int | str] | None = None,
        timeout: Duration | None = None,
        retry: Retries | None = None,
        undo: Step[object] | None = None,
        when: object = True,
        description: str | None = None,
    ) -> Response[Any]:
        """Send a request; 4xx is a result, 5xx and transport errors are failures.

        `returns` is the form of the JSON of a response that is ok; `expect_status`
        are the statuses that are no failure, such as `[200, "3xx"]`.
        """
        compiled_only("http")

    get = _request
    head = _request
    post = _request
    put = _request
    patch = _request
    delete = _request
    options = _request


http = Http()
