"""The source of a version, as its migration registers it."""

from __future__ import annotations

import re

_SOURCE = re.compile(
    r"^  [$](source(?:_\d+)?)[$](.*?)[$]\1[$],$", re.MULTILINE | re.DOTALL
)


def registered_source(up: str) -> str | None:
    """Return the workflow file that a migration was compiled from."""
    start = up.find("\ninsert into perdure.workflow_versions\n")
    found = _SOURCE.search(up, start) if start >= 0 else None
    return found[2] if found else None
