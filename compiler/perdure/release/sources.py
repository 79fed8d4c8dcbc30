"""The sources of a version, as its migration registers them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from perdure.ir.tree import CallStep, SqlStep, Workflow
from perdure.release.interface import every_step

_REGISTER = "\ninsert into perdure.workflow_versions\n"
_PATH = re.compile(r"^-- Compiled from (.*); to change it, ", re.MULTILINE)
_OWN = re.compile(r"^  (?='[{]'|[$]source)", re.MULTILINE)
_PIECE = re.compile(r"'([{])'|[$](\w+)[$](.*?)[$]\2[$]", re.DOTALL)
_MAP = re.compile(r"(?<=^  )[$]map\w*[$]", re.MULTILINE)
_OTHER = re.compile(r"\n  \|\| (?=[$]file)")


def registered_sources(up: str) -> dict[str, str]:
    """Return the files that a migration was compiled from, the workflow's first.

    Nothing is returned for a text that is not such a migration.
    """
    start, path = up.find(_REGISTER), _PATH.search(up)
    own = _OWN.search(up, start) if start >= 0 else None
    if path is None or own is None:
        return {}
    found = {}
    found[path[1]], at = _constant(up, own.end())
    while other := _OTHER.match(up, at):
        text, at = _constant(up, other.end())
        name, _, rest = text.removeprefix("\n--- ").partition("\n")
        found[name] = rest
    return found


def _constant(text: str, at: int) -> tuple[str, int]:
    """Read a constant, which may be joined of several, and return where it ends."""
    value = ""
    while piece := _PIECE.match(text, at):
        value += piece[1] or piece[3]
        at = piece.end()
        if not text.startswith(" || ", at):
            break
        at += len(" || ")
    return value, at


def registered_map(up: str) -> list[dict[str, Any]]:
    """Return the source map that a migration registers; empty where there is none."""
    start = up.find(_REGISTER)
    found = _MAP.search(up, start) if start >= 0 else None
    return json.loads(_constant(up, found.start())[0]) if found else []


def files_of(workflow: Workflow) -> Iterator[str]:
    """Yield the files of a workflow's steps, those of calls taken in included."""
    yield workflow.path
    for step in every_step(workflow.steps):
        match step:
            case SqlStep() if step.statement.span is not None:
                yield step.statement.span.path
            case CallStep(inline=True, callee=Workflow() as callee):
                yield callee.path
