"""The decorator that makes a function a workflow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Literal, ParamSpec, TypeVar, overload

from perdure.application.start import Target
from perdure.application.startable import Startable
from perdure.authoring.never import compiled_only
from perdure.authoring.options import Concurrency, Duration

P = ParamSpec("P")
R = TypeVar("R")
Overlap = Literal["skip", "queue", "allow"]


class Workflow(Startable[P, R]):
    """A function whose source is a workflow; `name` is what it is started by.

    In another workflow it is called; an application starts it with
    `start(connection, ...)`. To tools of Python, such as `inspect.signature` and
    `pickle`, it is the function: one object, known by its place in its module.
    """

    __name__: str
    __qualname__: str
    __wrapped__: Callable[P, R]

    def __init__(self, function: Callable[P, R], name: str | None = None) -> None:
        super().__init__(Target(name or function.__name__), function)
        self.function = function
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Raise RuntimeError: a workflow is compiled, never executed as Python."""
        compiled_only(f'workflow "{self.name}"')

    def __reduce__(self) -> str:
        """Return where it stands in its module: it is pickled and copied as itself."""
        return self.__qualname__


@overload
def workflow(function: Callable[P, R], /) -> Workflow[P, R]: ...


@overload
def workflow(
    *,
    name: str | None = None,
    timeout: Duration | None = None,
    idempotency_key: str | None = None,
    concurrency: Concurrency | int | None = None,
    schedule: str | None = None,
    timezone: str | None = None,
    overlap: Overlap | None = None,
    role: str | None = None,
    database: str | None = None,
    search_path: str | Sequence[str] | None = None,
) -> Callable[[Callable[P, R]], Workflow[P, R]]: ...


def workflow(
    function: Callable[P, R] | None = None,
    /,
    *,
    name: str | None = None,
    timeout: Duration | None = None,
    idempotency_key: str | None = None,
    concurrency: Concurrency | int | None = None,
    schedule: str | None = None,
    timezone: str | None = None,
    overlap: Overlap | None = None,
    role: str | None = None,
    database: str | None = None,
    search_path: str | Sequence[str] | None = None,
) -> Workflow[P, R] | Callable[[Callable[P, R]], Workflow[P, R]]:
    """Declare a workflow; its inputs are the parameters, by their annotations.

    `name` is needed only where the name is no name of a Python function. The other
    options are read by the compiler; `idempotency_key` and the key of `concurrency`
    are expressions over the inputs, as text.
    """
    if function is not None:
        if not callable(function):
            given = f"workflow({function!r})"
            raise TypeError(f"{given} takes its options by name: workflow(name=...)")
        return Workflow(function)
    return lambda given: Workflow(given, name)
