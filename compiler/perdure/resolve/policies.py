"""Retry policies, with the language's defaults filled in."""

from __future__ import annotations

from perdure.ir.tree import Retry
from perdure.syntax import tree as syntax

BACKOFF = 1_000
FACTOR = 2.0


def resolve_retry(retry: syntax.Retry | None) -> Retry | None:
    """Return a policy in which nothing is left open; times in milliseconds."""
    if retry is None:
        return None
    return Retry(
        retry.max_attempts,
        retry.backoff.milliseconds if retry.backoff else BACKOFF,
        FACTOR if retry.factor is None else float(retry.factor),
        retry.max_backoff.milliseconds if retry.max_backoff else None,
        True if retry.jitter is None else retry.jitter,
        None if retry.on is None else tuple(each.text for each in retry.on),
    )
