"""The benchmark of the runtime runs, with tiny sizes; its reports say what it found."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.runtime.aims import Aim, aims
from bench.runtime.questions import QUICK
from bench.runtime.report import number, report
from bench.runtime.results import Results

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the benchmark once, without peers."""
    folder = tmp_path_factory.mktemp("bench")
    command = [sys.executable, "-m", "bench.runtime", "--quick", "--peers", "none"]
    only = "throughput,alone,signal"
    done = subprocess.run(
        [*command, "--only", only, "--output", str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return folder


@pytest.mark.slow
def test_every_question_is_answered(output: Path) -> None:
    answers = json.loads((output / "results.json").read_text())["answers"]
    errors = [
        (subject, question, answer["error"])
        for subject, questions in answers.items()
        for question, found in questions.items()
        for answer in found
        if "error" in answer
    ]
    assert errors == []
    assert {"floor", "perdure"} == set(answers)
    single = answers["perdure"]["throughput single 1"][0]
    assert single["steps"] == QUICK.runs * 10
    assert single["wal_bytes_per_step"] > 100
    assert single["xids"] >= single["steps"]


@pytest.mark.slow
def test_the_table_names_what_was_measured(output: Path) -> None:
    text = (output / "results.md").read_text()
    assert "| steps per second, batches, 1 connections, of the floor | " in text
    assert "## Not measured" not in text


def results(**figures: float) -> Results:
    found = Results()
    for subject, factor in (("perdure", 1.0), ("floor", 2.0)):
        for repetition in (1.0, 1.5, 50.0):
            answer = {name: n * factor * repetition for name, n in figures.items()}
            found.add(subject, "alone", answer)
    return found


def test_ratios_are_of_neighbours() -> None:
    """A machine that is slow for a while does not change the ratio."""
    found = results(ms_per_step=3)
    assert found.ratio("alone", "ms_per_step", "perdure", "floor") == 0.5
    assert found.value("perdure", "alone", "ms_per_step") == 4.5


def test_what_was_not_measured_is_said() -> None:
    found = results(ms_per_step=3)
    found.add("dbos", "all", {"error": "not installed: no network"})
    assert "* dbos, all: not installed: no network" in report(found, QUICK)
    reached = {aim.title: aim.reached for aim in aims(found)}
    assert reached["ms per step of one run alone, of the bare loop"] is True
    assert reached["signal to completion, p95"] is None


@pytest.mark.parametrize(
    ("value", "most", "reached"), [(1.0, True, True), (3.0, True, False)]
)
def test_aims(value: float, most: bool, reached: bool) -> None:
    assert Aim("", value, 2.0, most).reached is reached
    assert Aim("", value, 2.0, not most).reached is not reached


def test_numbers() -> None:
    assert [number(value) for value in (None, 0.12345, 12.345, 12345.6)] == [
        "",
        "0.123",
        "12.3",
        "12,346",
    ]
