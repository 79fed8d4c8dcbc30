"""What is known of files that did not change since they were last checked.

One JSON file below `.perdure/cache/`, replaced as a whole; a reader sees the old one
or the new one. It holds findings and digests only, nothing that is executed when it
is read. A damaged or foreign file counts as empty.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from perdure.diagnostics import Diagnostic
from perdure.diagnostics.store import from_stored, to_stored


@dataclass(frozen=True, slots=True)
class Remembered:
    """The outcome of a workflow."""

    name: str | None
    digest: str | None
    findings: tuple[Diagnostic, ...]


@dataclass(slots=True)
class Memory:
    """Outcomes by path, of all workflows of a file.

    `context` is the digest of all that they depend on beside.
    """

    path: Path | None
    context: str
    entries: dict[str, Any] = field(default_factory=dict)
    changed: bool = False

    def find(
        self, path: str, state_of: Callable[[str], str | None]
    ) -> tuple[Remembered, ...] | None:
        """Return the outcomes of a file if neither it nor what it read has changed.

        `state_of` gives all that a file says now, None where it can't be read.
        """
        entry = self.entries.get(path)
        if not entry:
            return None
        for each, digest in entry["states"].items():
            state = state_of(each)
            if state is None or _digest(state) != digest:
                return None
        return tuple(
            Remembered(name, digest, tuple(from_stored(each) for each in findings))
            for name, digest, findings in entry["workflows"]
        )

    def keep(
        self, path: str, states: Mapping[str, str], outcomes: Sequence[Remembered]
    ) -> None:
        """Remember the outcomes of a file, and what it and those that it read say."""
        self.changed = True
        self.entries[path] = {
            "states": {each: _digest(state) for each, state in states.items()},
            "workflows": [
                (each.name, each.digest, [to_stored(one) for one in each.findings])
                for each in outcomes
            ],
        }

    def save(self) -> None:
        """Write what is new; a folder that can't be written only costs time."""
        if not self.changed or self.path is None:
            return
        text = json.dumps({"context": self.context, "files": self.entries})
        passing = self.path.with_suffix(f".{os.getpid()}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            passing.write_text(text, encoding="utf-8")
            passing.replace(self.path)
        except OSError:
            return
        self.changed = False


def open_memory(path: Path, *context: str) -> Memory:
    """Read what is remembered under this context and this compiler."""
    key = _digest("\0".join((compiler_fingerprint(), *context)))
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        entries = data["files"] if data["context"] == key else {}
    except (OSError, ValueError, TypeError, KeyError):
        entries = {}
    return Memory(path, key, entries if isinstance(entries, dict) else {})


@cache
def compiler_fingerprint() -> str:
    """Return a digest that changes when the compiler's own files change."""
    root = Path(__file__).parent
    files = sorted(root.rglob("*.py"))
    grammar = sorted((root.parent.parent / "grammar").glob("*.lark"))
    stats = [(file.name, file.stat()) for file in files + grammar]
    return _digest(
        "\n".join(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in stats)
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
