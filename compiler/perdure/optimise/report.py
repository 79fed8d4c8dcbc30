"""What was rewritten, where and why."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One rewrite: `path` is the step's, `what` the kind, `why` a sentence to print."""

    path: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Report:
    """The rewrites of a workflow, and the nodes of its graph without and with them."""

    workflow: str
    before: int
    after: int
    rewrites: tuple[Rewrite, ...]
