"""Workflows in `cases/`, run from start to end, compared with what is written there.

Beside `name.yaml` stands `name.expected.yaml`, with these keys, or a list of such
mappings under `runs`:

* `before`: SQL that is executed first; `inputs`: an SQL expression for each;
  `each_input`: several such expressions, one run each; `signals`: name, data, and
  milliseconds after the start;
* `refused`: inputs with which no run starts, and the `error`;
* `status`, `result` (JSON, compared with the scale of its numbers), `error`,
  `sqlstate`; `audit`: what was written to shop.audit, in order; `queries`: the rows, as
  text, that a query gives afterwards; `end`: the time at which the run ended,
  or nothing was left to do.

The clock is a test clock: no case waits.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from psycopg import sql

from tests.property.runs import Bench, Seen, Signal
from tests.property.test_runs import exact

CASES = sorted(
    path
    for path in (Path(__file__).parent / "cases").glob("*.yaml")
    if not path.name.endswith(".expected.yaml")
)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(workbench: Bench, path: Path) -> None:
    for each in path.parent.glob(f"{path.stem}.sql"):
        workbench.write(each.name, each.read_text(encoding="utf-8"))
    up = workbench.deploy(path.read_text(encoding="utf-8"), path.stem)
    assert "\r" not in up  # reading a migration as text would change it
    for expected in runs_of(expected_of(path)):
        if "before" in expected:
            workbench.connection.execute(expected["before"])
        signals = [Signal(s["at"], s["name"], s["data"]) for s in expected["signals"]]
        seen = workbench.run(path.stem, expected["inputs"], signals)
        compare(workbench, seen, expected)
    for refused in yaml.safe_load(expected_of(path)).get("refused", ()):
        with pytest.raises(psycopg.Error, match=refused["error"]):
            workbench.start(path.stem, expressions(refused["inputs"]))


def expected_of(path: Path) -> str:
    return path.with_suffix(".expected.yaml").read_text(encoding="utf-8")


def runs_of(text: str) -> Iterator[dict[str, Any]]:
    """Yield the runs of a case, each with all that it inherits."""
    whole = yaml.safe_load(text)
    whole.pop("refused", None)
    for each in whole.pop("runs", [{}]):
        run = {"inputs": {}, "signals": [], **whole, **each}
        spread = run.pop("each_input", {})
        for name, values in spread.items():
            for value in values:
                yield {**run, "inputs": expressions({name: value})}
        if not spread:
            yield {**run, "inputs": expressions(run["inputs"])}


def expressions(inputs: dict[str, str]) -> dict[str, sql.Composable]:
    return {name: sql.SQL(text) for name, text in inputs.items()}


def compare(workbench: Bench, seen: Seen, expected: dict[str, Any]) -> None:
    assert (seen.status, seen.error) == (expected["status"], expected.get("error"))
    assert seen.sqlstate == expected.get("sqlstate")
    if "result" in expected:
        result = json.loads(expected["result"], parse_float=Decimal)
        assert exact(seen.result["rows"]) == exact([{"result": result}])
    if "audit" in expected:
        assert [what for what, _ in seen.rows] == expected["audit"]
    for query, rows in expected.get("queries", {}).items():
        found = workbench.connection.execute(query).fetchall()
        assert [list(row) for row in found] == rows, query
    if "end" in expected:
        assert seen.end == expected["end"]
