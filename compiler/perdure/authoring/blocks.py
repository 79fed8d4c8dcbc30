"""Blocks of steps: branches, groups, and what a loop says about its rounds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar, overload

from perdure.authoring.never import compiled_only
from perdure.authoring.options import Duration, Effects, Retries, Step
from perdure.authoring.results import Branches, Race, Row

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


def parallel(
    *,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
    **branches: Step[object],
) -> Branches:
    """Run branches at the same time and wait for all.

    As a block, `with parallel():`, it holds one `with branch("name"):` for each; as a
    call it is given them by name, as functions or lambdas.
    """
    compiled_only("parallel(...)")


def race(
    *,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
    **branches: Step[object],
) -> Race:
    """Run branches at the same time; the first to finish wins, the rest are cancelled.

    As a block, `with race() as outcome:`, it holds one `with branch("name"):` for
    each; as a call it is given them by name, as functions or lambdas.
    """
    compiled_only("race(...)")


def branch(name: str, /) -> Branches:
    """Begin a branch of the `parallel` or `race` around it."""
    compiled_only("branch(...)")


@overload
def gather(first: Step[A], second: Step[B], /) -> tuple[A, B]: ...
@overload
def gather(first: Step[A], second: Step[B], third: Step[C], /) -> tuple[A, B, C]: ...
@overload
def gather(
    first: Step[A], second: Step[B], third: Step[C], fourth: Step[D], /
) -> tuple[A, B, C, D]: ...
@overload
def gather(
    first: Step[A],
    second: Step[B],
    third: Step[C],
    fourth: Step[D],
    fifth: Step[E],
    /,
) -> tuple[A, B, C, D, E]: ...
@overload
def gather(*branches: Step[object]) -> tuple[Any, ...]: ...


def gather(*branches: Step[object]) -> tuple[Any, ...]:
    """Run steps at the same time and return the result of each, in order."""
    compiled_only("gather(...)")


def every(duration: Duration, /) -> None:
    """Set the time from the start of a round of the loop to the start of the next.

    It is the first statement of the loop.
    """
    compiled_only("every(...)")


def until(condition: object, /) -> None:
    """End the loop if this is true, after each round.

    It is the last statement of the loop.
    """
    compiled_only("until(...)")


def step(
    *,
    name: str | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Branches:
    """Give options to the one step in the block, such as an `if` or a loop."""
    compiled_only("step(...)")


def group(
    *,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Branches:
    """Begin steps that are tried again, timed, skipped or undone together."""
    compiled_only("group(...)")


def transaction(
    *,
    effects: Effects | None = None,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Branches:
    """Begin SQL steps that commit together, or not at all."""
    compiled_only("transaction(...)")


T = TypeVar("T")


def foreach(
    rows: Iterable[T],
    /,
    *,
    max_parallel: int | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Iterable[T]:
    """Give options to a `for` loop over rows: `for o in foreach(orders, ...):`.

    `max_parallel` rows go on at a time; without it, one after the other.
    """
    compiled_only("foreach(...)")


@overload
def collect(columns: Mapping[str, object], /) -> Row: ...


@overload
def collect(**columns: object) -> Row: ...


def collect(*args: object, **columns: object) -> Row:
    """Give the row of this item, as the last line of a `for` loop over rows.

    In `told = collect(id=o.id)`, `told` has all these rows after the loop, in the
    order of the items.
    """
    compiled_only("collect(...)")


def on_failure(steps: Callable[..., object], /) -> Callable[..., object]:
    """Make a function inside of a workflow what runs when the workflow fails.

    Its parameter, if it has one, is `err`, the failure.
    """
    compiled_only("on_failure")
