"""What a Python module computes is looked at each time, though no file has changed."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.config import Config
from perdure.pipeline import Checked, open_compiler, workflow_files

RATES = """\
import json
from pathlib import Path

from perdure import sleep, workflow

RATES = json.loads((Path(__file__).parent / "rates.json").read_text())


@workflow
def rated():
    sleep("1s")
    return {"rate": RATES["eu"]}
"""
REGION = """\
import os

REGION = os.environ["PERDURE_TEST_REGION"]
# perdure and workflow
"""
CALLER = """\
workflow: caller
steps:
  - name: result
    call: rated
  - return: "${result}"
"""


def check(project: Config, state: Path) -> Checked:
    with open_compiler(project, state_dir=state) as compiler:
        return compiler.check(workflow_files(project))


def digests(checked: Checked) -> dict[str | None, str | None]:
    assert not checked.failed
    return {unit.name: unit.digest for unit in checked.units}


def test_a_constant_that_is_read_from_a_file(project: Config, state: Path) -> None:
    rates = project.workflows / "rates.json"
    rates.write_text('{"eu": 1}')
    (project.workflows / "rated.py").write_text(RATES)
    (project.workflows / "caller.yaml").write_text(CALLER)
    before = digests(check(project, state))
    again = check(project, state)
    assert digests(again) == before
    assert all(unit.syntax is None for unit in again.units)  # they were remembered
    rates.write_text('{"eu": 2}')
    after = digests(check(project, state))
    assert {name for name in after if after[name] != before[name]} == {
        "rated",
        "caller",
    }


def test_a_constant_of_another_module(
    project: Config, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.workflows / "regions.py").write_text(REGION)
    text = RATES.replace("def rated", "def placed").replace("json", "regions")
    text = text.replace('RATES["eu"]', "regions.REGION").replace(
        "RATES =", "NONE = 1 #"
    )
    (project.workflows / "placed.py").write_text(text)
    monkeypatch.setenv("PERDURE_TEST_REGION", "eu")
    before = digests(check(project, state))
    assert digests(check(project, state)) == before
    monkeypatch.setenv("PERDURE_TEST_REGION", "us")
    assert digests(check(project, state)) != before
