"""One entry of the registry of codes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Code:
    """A kind of finding, as `perdure explain` and the docs show it.

    `summary` is one line without a full stop; `what` and `why` are sentences;
    `wrong` and `right` are snippets of a workflow file.
    """

    code: str
    slug: str
    summary: str
    what: str
    why: str
    wrong: str
    right: str
