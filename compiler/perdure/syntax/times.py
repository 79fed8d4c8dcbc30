"""Times as written: durations, retry policies, schedules."""

from __future__ import annotations

from dataclasses import dataclass, field

from perdure.source import Span
from perdure.syntax.expr import Name


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time written as `1m30s`, in milliseconds."""

    milliseconds: int
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Retry:
    """When and how often to try again; None is the language's default."""

    max_attempts: int
    backoff: Duration | None
    factor: float | None
    max_backoff: Duration | None
    jitter: bool | None
    on: tuple[Name, ...] | None
    span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class Cron:
    """A five-field cron expression, days of the week by name, months by number."""

    fields: tuple[str, ...]
    span: Span = field(compare=False)
