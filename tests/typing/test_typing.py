"""Type checkers read workflows as Python: good ones pass, mistakes are found.

`bad/*.py` say at the end of a line what mypy reports there, after `# E: `; a line
without that must pass.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest
from mypy import api

HERE = Path(__file__).parent
_ERROR = re.compile(r"^(.*?):(\d+): error: (.*)$", re.MULTILINE)


@pytest.fixture(scope="module")
def reported() -> dict[Path, dict[int, list[str]]]:
    """Return what mypy reports for all examples, by file and line."""
    options = ["--strict", "--no-incremental", "--config-file=", "--no-error-summary"]
    files = [str(path) for path in sorted(HERE.glob("*/*.py"))]
    out, err, _ = api.run([*options, "--hide-error-codes", *files])
    assert err == ""
    found: dict[Path, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file, line, message in _ERROR.findall(out):
        found[Path(file).resolve()][int(line)].append(message)
    return found


@pytest.mark.parametrize("path", sorted(HERE.glob("good/*.py")), ids=lambda p: p.stem)
def test_good_workflows_have_no_errors(
    path: Path, reported: dict[Path, dict[int, list[str]]]
) -> None:
    assert reported[path] == {}


@pytest.mark.parametrize("path", sorted(HERE.glob("bad/*.py")), ids=lambda p: p.stem)
def test_mistakes_are_found_where_they_are(
    path: Path, reported: dict[Path, dict[int, list[str]]]
) -> None:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        _, _, expected = line.partition("  # E: ")
        messages = reported[path][number]
        if expected:
            assert any(expected in each for each in messages), (line, messages)
        else:
            assert messages == [], line
