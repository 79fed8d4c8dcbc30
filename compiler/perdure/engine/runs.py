"""Runs and their nodes as the runtime shows them; data only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

FINAL = ("completed", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Run:
    """One execution, as df.instances shows it; `now` is the runtime's clock."""

    id: str
    label: str | None
    status: str
    submitted_by: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    error: str | None
    sqlstate: str | None
    now: datetime
    note: str | None = None  # why nothing of it runs: paused, or not its turn

    @property
    def ended(self) -> bool:
        """Whether the run has ended; only a retry of a failed one changes that."""
        return self.status in FINAL


@dataclass(frozen=True, slots=True)
class Called:
    """A run that another one waits for."""

    id: str
    label: str | None
    status: str


@dataclass(frozen=True, slots=True)
class Node:
    """One node of a run, as df.nodes shows it; only nodes that ran have one."""

    id: str
    type: str
    query: str | None
    status: str
    rows: int | None
    result: str | None
    error: str | None
    sqlstate: str | None
    detail: str | None
    attempts: int | None
    executions: int | None
    rendered_sql: str | None
    started_at: datetime | None
    finished_at: datetime | None
    wake_at: datetime | None
    called: tuple[Called, ...] = ()  # what it waits for, where it is a call


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node came from: a row of a version's source map."""

    node: str
    path: str
    name: str | None
    role: str
    file: str | None
    line: int | None
