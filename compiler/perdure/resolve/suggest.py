"""Did you mean: the nearest of the names that would have been right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from perdure.diagnostics import Edit, Fix
from perdure.source import Span


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate that was probably meant, None when none is close."""
    by_lower = {candidate.lower(): candidate for candidate in candidates}
    close = get_close_matches(name.lower(), by_lower, n=1, cutoff=0.6)
    return by_lower[close[0]] if close else None


def did_you_mean(meant: str | None, shown: str | None = None) -> str | None:
    """Return the help text for a suggestion, None without one."""
    return None if meant is None else f'did you mean "{shown or meant}"?'


def replacement(meant: str | None, span: Span) -> Fix | None:
    """Return the fix that writes the suggestion, None without one."""
    if meant is None:
        return None
    return Fix(f'replace by "{meant}"', (Edit(span, meant),))
