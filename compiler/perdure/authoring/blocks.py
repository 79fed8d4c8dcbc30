"""Branches that run side by side, and what a loop says about its rounds."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from perdure.authoring.never import compiled_only
from perdure.authoring.results import Branches, Race
from perdure.authoring.steps import Duration, Step

A = TypeVar("A")
B = TypeVar("B")
C = TypeVar("C")
D = TypeVar("D")
E = TypeVar("E")


def parallel(*, description: str | None = None, **branches: Step[object]) -> Branches:
    """Run branches at the same time and wait for all.

    As a block, `with parallel():`, it holds one `with branch("name"):` for each; as a
    call it is given them by name, as functions or lambdas.
    """
    compiled_only("parallel(...)")


def race(*, description: str | None = None, **branches: Step[object]) -> Race:
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
