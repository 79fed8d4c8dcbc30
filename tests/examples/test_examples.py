"""Every project in `examples/` does what its `expected.yaml` says.

Each of its runs has `call`, the SQL that starts it (`{http}` is the server of the
services), or `after`, a time to let pass; `signals`, sent `at` a time after the start;
what comes of it, a `status` with `result` or `error`; `asked`, the requests that were
made; and `queries` with rows afterwards. Time is a test clock: days pass in no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.examples.services import Services, serving
from tests.examples.stage import Signal, Stage, as_json, stage

EXAMPLES = Path(__file__).parents[2] / "examples"
PROJECTS = sorted(path.parent for path in EXAMPLES.glob("*/perdure.toml"))
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def cases() -> Iterator[Any]:
    for project in PROJECTS:
        marks = [pytest.mark.slow] if project.name == "fan_out" else []
        yield pytest.param(project, id=project.name, marks=marks)


@pytest.mark.parametrize("project", list(cases()))
def test_example(project: Path, database: str, tmp_path: Path) -> None:
    expected = yaml.safe_load((project / "expected.yaml").read_text("utf-8"))
    start = datetime.fromisoformat(expected.get("start", "2030-01-01T00:00:00Z"))
    with (
        serving(database) as services,
        stage(project, database, tmp_path, services.place, start) as staged,
    ):
        for each in expected["runs"]:
            play(staged, services, each)


def play(staged: Stage, services: Services, expected: dict[str, Any]) -> None:
    """Do one run and compare it with what is expected."""
    services.asked.clear()
    services.counts.clear()
    if "after" in expected:
        staged.wait(length(expected["after"]))
    else:
        ended(staged, services, expected)
    if "asked" in expected:
        assert services.asked == expected["asked"]
    for query, rows in expected.get("queries", {}).items():
        assert staged.rows(query) == rows, query


def ended(staged: Stage, services: Services, expected: dict[str, Any]) -> None:
    """Start the run, and compare how it ends."""
    call = expected["call"].replace("{http}", f"http://{services.place}")
    signals = [
        Signal(length(each.get("at", "0s")), each["name"], as_json(each["data"]))
        for each in expected.get("signals", ())
    ]
    status, told = staged.run(call, signals)
    assert (status, told) == (
        expected.get("status", "completed"),
        expected.get("error", expected.get("result")),
    )


def length(text: str) -> timedelta:
    """Return a length of time written as `90s`, `5m`, `2h` or `3d`."""
    return timedelta(**{UNITS[text[-1]]: float(text[:-1])})
