"""Steps about other workflows.

A workflow that is called in another one, `shipped = ship_order(order_id)`, is a step.
`call(ship_order(order_id), ...)` is the same with options. One that is no function of
Python, because it is written in YAML or because two files would import each other, is
given by its name, with its inputs as a dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, overload

from perdure.authoring.never import compiled_only
from perdure.authoring.options import Duration, Effects, Retries, Step
from perdure.authoring.results import Started

T = TypeVar("T")


@overload
def call(
    workflow: str,
    inputs: Mapping[str, object],
    /,
    *,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Any: ...


@overload
def call(
    called: T,
    /,
    *,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> T: ...


def call(
    called: object,
    inputs: Mapping[str, object] | None = None,
    /,
    *,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Any:
    """Run another workflow and wait for it: what it returns is the step's result."""
    compiled_only("call(...)")


def start(
    started: object,
    inputs: Mapping[str, object] | None = None,
    /,
    *,
    key: str | Any = None,
    effects: Effects | None = None,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> Started:
    """Start a run of another workflow, as in `start(ship_order(order_id))`, and go on.

    Starts of a workflow with an equal `key` give one run: the first.
    """
    compiled_only("start(...)")


def signal(
    name: str,
    /,
    *,
    to: str | Any,
    data: object = None,
    effects: Effects | None = None,
    retry: Retries | None = None,
    timeout: Duration | None = None,
    undo: Step[object] | None = None,
    when: object = True,
    description: str | None = None,
) -> None:
    """Send a signal to the run whose id is `to`; one that has ended takes no notice."""
    compiled_only("signal(...)")
