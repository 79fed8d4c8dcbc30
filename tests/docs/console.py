"""Run the `console` blocks of a page in one folder, like a reader who types along.

A line `$ command` is run by the shell; the lines below it are its output, of stdout
and stderr together. `file=path` in the info string of any other block writes its text
to that path first, as the reader would. `exit=1` says how the last command ends;
`quiet` leaves out what goes to stderr, which a live display replaces on a terminal.

What differs from run to run is compared by its form: ids of runs, durations, dates.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.docs.markdown import Block, blocks

TIMEOUT = 120  # seconds for one command

_VARYING = (
    (re.compile(r"\x1b\[[0-9;]*m"), ""),
    (re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8}\b|\b[a-f]{8}\b"), "<run>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ][\d:.]+(Z|[+-]\d\d(:?\d\d)?)?"), "<time>"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s|min)\b"), "<duration>"),
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"[─━-]{3,}"), "---"),
)


@dataclass(slots=True)
class Session:
    """A reader's terminal: a folder that `cd` changes."""

    folder: Path
    scratch: Path

    def run(self, command: str, quiet: bool = False) -> tuple[int, str]:
        """Run one command; return its exit code and what it printed."""
        place = self.scratch / "pwd"
        script = f"{command}\nstatus=$?\npwd >'{place}'\nexit $status\n"
        done = subprocess.run(
            ["sh", "-c", script],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if quiet else subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        self.folder = Path(place.read_text().strip())
        failure = done.stderr if quiet and done.returncode else ""
        return done.returncode, done.stdout + failure

    def write(self, name: str, text: str) -> None:
        """Write a file that the page shows."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("PERDURE_", "PYTEST_")) and name != "DATABASE_URL"
        }
        commands = str(Path(sys.executable).parent)
        return kept | {
            "PATH": commands + os.pathsep + os.environ["PATH"],
            "NO_COLOR": "1",
            "COLUMNS": "88",
        }


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A command whose output is not what the page shows."""

    command: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"$ {self.command}\n--- page\n{self.expected}\n+++ now\n{self.actual}"


def play(page: str, session: Session) -> tuple[str, list[Mismatch]]:
    """Run a page; return it with the real output in place, and what differed."""
    lines = page.split("\n")
    shift = 0
    wrong: list[Mismatch] = []
    for block in blocks(page):
        name = block.option("file")
        if name is not None:
            session.write(name, block.text)
        if block.language != "console":
            continue
        replacement = _play_block(block, session, wrong)
        start = block.first + shift
        lines[start : start + len(block.lines)] = replacement
        shift += len(replacement) - len(block.lines)
    return "\n".join(lines), wrong


def _play_block(block: Block, session: Session, wrong: list[Mismatch]) -> list[str]:
    shown: list[str] = []
    commands = _commands(block)
    quiet = "quiet" in block.words
    for index, (command, expected) in enumerate(commands):
        code, output = session.run(command, quiet)
        last = index == len(commands) - 1
        wanted = int(block.option("exit") or 0) if last else 0
        actual = [line.rstrip() for line in output.rstrip("\n").split("\n")]
        actual = [] if actual == [""] else actual
        if code != wanted:
            actual.append(f"(exit code {code}, expected {wanted})")
        shown.append(f"$ {command}")
        same = normalise(expected) == normalise(actual)
        shown.extend(expected if same else actual)
        if not same:
            wrong.append(Mismatch(command, "\n".join(expected), "\n".join(actual)))
    return shown


def _commands(block: Block) -> list[tuple[str, list[str]]]:
    """Split a block into commands and their outputs; `\\` continues a command."""
    found: list[tuple[str, list[str]]] = []
    continued = False
    for line in block.lines:
        if continued:
            command, output = found.pop()
            found.append((f"{command}\n{line}", output))
        elif line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
        continued = (line.startswith("$ ") or continued) and line.endswith("\\")
    return found


def normalise(lines: list[str]) -> list[str]:
    """Replace what differs from run to run by its form."""
    shown = []
    for line in lines:
        for pattern, form in _VARYING:
            line = pattern.sub(form, line)
        shown.append(line.strip())
    return [line for line in shown if line]
