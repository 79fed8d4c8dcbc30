"""The sources of a version, as its migration registers them."""

from __future__ import annotations

import re

_REGISTER = "\ninsert into perdure.workflow_versions\n"
_PATH = re.compile(r"^-- Compiled from (.*); to change it, ", re.MULTILINE)
_OWN = re.compile(r"^  [$](source\w*)[$](.*?)[$]\1[$]", re.MULTILINE | re.DOTALL)
_OTHER = re.compile(r"\n  \|\| [$](file\w*)[$]\n--- (.*?)\n(.*?)[$]\1[$]", re.DOTALL)


def registered_sources(up: str) -> dict[str, str]:
    """Return the files that a migration was compiled from, the workflow's first.

    Nothing is returned for a text that is not such a migration.
    """
    start, path = up.find(_REGISTER), _PATH.search(up)
    own = _OWN.search(up, start) if start >= 0 else None
    if path is None or own is None:
        return {}
    found = {path[1]: own[2]}
    at = own.end()
    while other := _OTHER.match(up, at):
        found[other[2]] = other[3]
        at = other.end()
    return found
