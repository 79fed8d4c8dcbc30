"""The decorator that makes a function a workflow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, ParamSpec, TypeVar, overload

from perdure.authoring.never import compiled_only

P = ParamSpec("P")
R = TypeVar("R")


class Workflow(Generic[P, R]):
    """A function whose source is a workflow; `name` is what it is started by."""

    def __init__(self, function: Callable[P, R], name: str | None = None) -> None:
        self.function = function
        self.name = name or function.__name__
        self.__doc__ = function.__doc__

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Raise RuntimeError: a workflow is compiled, never executed as Python."""
        compiled_only(f'workflow "{self.name}"')

    def __repr__(self) -> str:
        """Return the workflow's name."""
        return f"<workflow {self.name}>"


@overload
def workflow(function: Callable[P, R], /) -> Workflow[P, R]: ...


@overload
def workflow(
    *, name: str | None = None
) -> Callable[[Callable[P, R]], Workflow[P, R]]: ...


def workflow(
    function: Callable[P, R] | None = None, /, *, name: str | None = None
) -> Workflow[P, R] | Callable[[Callable[P, R]], Workflow[P, R]]:
    """Declare a workflow; its inputs are the parameters, by their annotations.

    `name` is needed only where the name is no name of a Python function.
    """
    if function is not None:
        return Workflow(function)
    return lambda given: Workflow(given, name)
