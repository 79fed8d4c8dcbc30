"""mypy and pyright over files, and what these say is reported in them.

A line says at its end what mypy reports there, after `# E: `. Pyright has to report
something there, too; after ` | P: ` stands what, or that it is `nothing`. A line
without must pass.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
Reported = Mapping[Path, Mapping[int, list[str]]]
Wrong = list[tuple[int, str, list[str]]]
_ERROR = re.compile(r"^(.*?):(\d+): error: (.*)$", re.MULTILINE)


def mypy(files: Sequence[Path], folder: Path, *paths: Path) -> Reported:
    """Return what mypy reports for files, by file and line; `paths` is mypy_path.

    Functions need no annotation of their result: a workflow may leave it out.
    """
    settings = folder / "mypy.ini"
    settings.write_text(
        "[mypy]\nstrict = true\nexplicit_package_bases = true\n"
        "disallow_untyped_defs = false\ndisallow_incomplete_defs = false\n"
        f"mypy_path = {':'.join(map(str, paths))}\n"
    )
    options = ["--no-incremental", "--no-error-summary", "--hide-error-codes"]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "mypy", "--config-file", str(settings)),
            *(*options, *map(str, files)),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stderr == ""
    found: dict[Path, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file, line, message in _ERROR.findall(done.stdout):
        found[(ROOT / file).resolve()][int(line)].append(message)
    assert found or not done.returncode, done.stdout
    return found


def pyright(include: Sequence[Path], folder: Path) -> Reported:
    """Return what pyright reports for files, which comes from PyPI with its node."""
    pytest.importorskip("basedpyright", reason="pyright is not installed")
    settings = {
        "include": [str(each) for each in include],
        "typeCheckingMode": "standard",
        "pythonVersion": "3.11",
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "basedpyright", "--outputjson"]
    words = ["--project", str(folder), "--pythonpath", sys.executable]
    done = subprocess.run(
        [*command, *words], capture_output=True, text=True, check=False
    )
    assert done.stdout.lstrip().startswith("{"), done.stdout + done.stderr
    found: dict[Path, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for each in json.loads(done.stdout)["generalDiagnostics"]:
        if each["severity"] == "error":
            line = each["range"]["start"]["line"] + 1
            found[Path(each["file"]).resolve()][line].append(each["message"])
    return found


def wrong_for_mypy(path: Path, reported: Reported) -> Wrong:
    """Return the lines where mypy does not report what the file says."""
    wrong = []
    for number, (line, expected, _) in enumerate(_expectations(path), 1):
        messages = reported[path][number]
        found = any(expected in each for each in messages)
        if found != bool(expected) or (messages and not expected):
            wrong.append((number, line, messages))
    return wrong


def wrong_for_pyright(path: Path, reported: Reported) -> Wrong:
    """Return the lines where pyright does not report what the file says."""
    wrong = []
    for number, (line, of_mypy, expected) in enumerate(_expectations(path), 1):
        messages = reported[path][number]
        found = any(expected in each for each in messages)
        wanted = of_mypy and expected != "nothing"
        if found != bool(wanted) or (messages and not wanted):
            wrong.append((number, line, messages))
    return wrong


def _expectations(path: Path) -> list[tuple[str, str, str]]:
    """Return each line with what mypy and pyright report there, empty for nothing."""
    lines = []
    for line in path.read_text(encoding="utf-8").splitlines():
        code, _, marks = line.partition("  # E: ")
        of_mypy, _, of_pyright = marks.partition(" | P: ")
        lines.append((code, of_mypy, of_pyright))
    return lines
