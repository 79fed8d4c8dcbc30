"""What a workflow knows of another one that it calls, starts or signals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from perdure.ir.tree import Input, Workflow
from perdure.ir.types import Type


@dataclass(frozen=True, slots=True)
class Payload:
    """The data that a workflow takes with a signal; None where nothing is said."""

    type: Type | None
    nullable: bool


@dataclass(frozen=True, slots=True)
class Callee:
    """A workflow as its callers see it.

    `result` is what it returns, as declared or as its `return` steps show. `digest` is
    that of its version, empty for a workflow that calls its caller in turn: their
    digests are made together. `workflow` is there when its steps may be taken into
    the caller's, and None when it runs as a run of its own. `keyed` says that the same
    inputs always give the same run. `sound` is False when it
    has errors, and then nothing else is known.
    """

    name: str
    inputs: tuple[Input, ...] = ()
    result: Type | None = None
    nullable: bool = True
    signals: tuple[tuple[str, Payload], ...] = ()
    digest: str = ""
    workflow: Workflow | None = None
    sound: bool = True
    keyed: bool = False

    def payload(self, signal: str) -> Payload | None:
        """Return what a signal carries, None when no step waits for it."""
        return dict(self.signals).get(signal)


class Library(Protocol):
    """The workflows of a project, by name."""

    def find(self, name: str, caller: str) -> Callee | None:
        """Return a workflow as `caller` sees it; None when there is none."""

    def names(self) -> tuple[str, ...]:
        """Return the names of all workflows."""


class Alone:
    """The library of a workflow that stands alone."""

    def find(self, name: str, caller: str) -> Callee | None:
        """Return nothing: there is no other workflow."""
        return None

    def names(self) -> tuple[str, ...]:
        """Return no names."""
        return ()
