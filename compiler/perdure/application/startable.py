"""A workflow as an application calls it: by the function in Python, or by its name."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from importlib import import_module
from operator import attrgetter
from typing import Any, Generic, ParamSpec, TypeVar, overload

from perdure.application.connections import (
    AsyncConnection,
    SyncConnection,
    carry_out,
    carry_out_async,
    is_async,
)
from perdure.application.errors import WrongInput
from perdure.application.forms import check_input
from perdure.application.handles import AsyncHandle, Handle
from perdure.application.start import Target, start
from perdure.application.values import check_text, shown

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Startable(Generic[P, R]):
    """A workflow that is deployed, to be started, and found again by its runs' ids."""

    def __init__(
        self, target: Target, function: Callable[P, R] | None, returns: Any = Any
    ) -> None:
        self._target = target
        self._function = function
        self._returns = returns

    def __repr__(self) -> str:
        """Return the workflow's name, and its version where one was asked for."""
        version = self._target.version
        return f"<workflow {self.name}{f'@{version}' if version else ''}>"

    def __reduce__(self) -> str | tuple[Any, ...]:
        """Return how it is pickled: with the workflow of a module, by its place."""
        if self._function is None:
            return Startable, (self._target, None, self._returns)
        place = self._function.__module__, self._function.__qualname__
        return _restored, (*place, self._target)

    @property
    def name(self) -> str:
        """The name of the workflow."""
        return self._target.name

    @overload
    def start(
        self, connection: SyncConnection, /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R]: ...
    @overload
    def start(
        self, connection: AsyncConnection, /, *args: P.args, **kwargs: P.kwargs
    ) -> Coroutine[Any, Any, AsyncHandle[R]]: ...

    def start(
        self, connection: object, /, *args: P.args, **kwargs: P.kwargs
    ) -> Handle[R] | Coroutine[Any, Any, AsyncHandle[R]]:
        """Start a run in the transaction of a connection, and return its handle.

        Nothing is committed; without a commit of the caller's there is no run. Over
        a connection that is awaited the call is awaited, too. Raises NotDeployed,
        NotPermitted, WrongInput.
        """
        inputs = self._inputs(*args, **kwargs)
        if is_async(connection):
            return self._start_async(connection, inputs)
        started = carry_out(connection, start(self._target, inputs))
        return Handle(
            connection,
            self.name,
            started.run_id,
            self._wanted,
            started=True,
            created=started.created,
            began=started.transaction if started.created else None,
        )

    async def _start_async(
        self, connection: object, inputs: Mapping[str, object]
    ) -> AsyncHandle[R]:
        started = await carry_out_async(connection, start(self._target, inputs))
        return AsyncHandle(
            connection,
            self.name,
            started.run_id,
            self._wanted,
            started=True,
            created=started.created,
            began=started.transaction if started.created else None,
        )

    @overload
    def attach(self, connection: SyncConnection, run_id: str, /) -> Handle[R]: ...
    @overload
    def attach(self, connection: AsyncConnection, run_id: str, /) -> AsyncHandle[R]: ...

    def attach(self, connection: object, run_id: str, /) -> Handle[R] | AsyncHandle[R]:
        """Return the handle of a run that was started before; nothing is asked yet.

        What is asked first raises WrongRun when the run is one of another workflow.
        Raises WrongInput for what is no text.
        """
        check_text(run_id, "the id of the run")
        kind = AsyncHandle[R] if is_async(connection) else Handle[R]
        return kind(connection, self.name, run_id, self._wanted)

    def with_options(
        self,
        *,
        key: str | None = None,
        schema: str | None = None,
        version: int | None = None,
    ) -> Startable[P, R]:
        """Return the workflow with options for its start.

        Of the starts by one role with one `key`, only the first makes a run; the
        others return it. `schema` is where it is deployed, if not in "workflows", and
        `version` starts that one instead of the current one. Raises WrongInput.
        """
        if version is not None and (type(version) is not int or version < 1):
            raise WrongInput(f"a version is a number from 1, not {shown(version)}")
        target = replace(
            self._target,
            key=self._target.key if key is None else key,
            schema=schema or self._target.schema,
            version=version or self._target.version,
        )
        return Startable(target, self._function, self._returns)

    def _inputs(self, *args: P.args, **kwargs: P.kwargs) -> Mapping[str, object]:
        """Return the arguments by name. Raises WrongInput."""
        if self._function is None:
            if args:
                message = f"the inputs of {self.name} are given by name"
                raise WrongInput(message)
            return kwargs
        try:
            inputs = inspect.signature(self._function).bind(*args, **kwargs).arguments
        except TypeError as error:
            raise WrongInput(f"{self.name}(): {error}") from None
        hints = self._hints() if self._target.version is None else {}
        for name, value in inputs.items():
            check_input(value, hints.get(name, Any), f'input "{name}"')
        return inputs

    def _wanted(self) -> Any:
        """Return the type of the result, which is read when it is needed."""
        if self._function is None:
            return self._returns
        return self._hints().get("return", Any)

    def _hints(self) -> Mapping[str, Any]:
        """Return the types that the function declares, by the names of its inputs."""
        try:
            return typing.get_type_hints(self._function, include_extras=True)
        except NameError:  # of a type that is imported for type checkers only
            return {}


def _restored(module: str, name: str, target: Target) -> Startable[..., Any]:
    """Return the workflow of a module with the options that it was pickled with."""
    found: Any = attrgetter(name)(import_module(module))
    return Startable(target, found.function)


@overload
def deployed_workflow(
    name: str, *, returns: type[T], schema: str = "workflows"
) -> Startable[..., T]: ...
@overload
def deployed_workflow(
    name: str, *, returns: Any = Any, schema: str = "workflows"
) -> Startable[..., Any]: ...


def deployed_workflow(
    name: str, *, returns: Any = Any, schema: str = "workflows"
) -> Startable[..., Any]:
    """Return a workflow by its name, as one in YAML is called from an application.

    `returns` is the type that its results are read as: a dataclass, a TypedDict, any
    type of an annotation. Without it they are what JSON says, numbers with a point
    as Decimal.
    """
    return Startable(Target(name, schema), None, returns)
