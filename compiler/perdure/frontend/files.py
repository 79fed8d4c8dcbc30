"""Whether the path of a `sql_file` is one that a workflow may read.

What a workflow is made of belongs to its project, where it is versioned and reviewed.
Only the path as it is written is looked at: a link in the project is the project's.
"""

from __future__ import annotations

import posixpath
import re


def refused_path(name: str, workflow: str) -> tuple[str, str | None] | None:
    """Return why a path is refused and what to do, None where it is not.

    `workflow` is the path of the workflow's file, from the root of the project.
    """
    if name.startswith(("/", "\\", "~")) or re.match("[A-Za-z]:", name):
        return f'"{name}" is not relative to the workflow file', None
    found = posixpath.normpath(posixpath.join(posixpath.dirname(workflow), name))
    known = not posixpath.isabs(workflow) and workflow.split("/")[0] != ".."
    if known and found.split("/")[0] == "..":
        help_ = "copy it into the project, beside the workflow or into workflows/sql"
        return f'"{name}" is outside of the project', help_
    return None
