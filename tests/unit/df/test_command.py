"""`perdure import` on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from perdure.cli.main import app

GOOD = "select df.start('select 1' ~> 'select 2', 'two steps');"
OTHER = "select df.start(df.wait_for_schedule('0 9 * * 2'), 'weekly');"
WRONG = "select df.start('select $x', 'wrong');"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.chdir(tmp_path)
    return CliRunner()


def test_a_file_is_printed(run: CliRunner) -> None:
    Path("two.sql").write_text(GOOD)
    done = run.invoke(app, ["import", "two.sql"])
    assert done.exit_code == 0
    assert done.stdout.startswith("workflow: two_steps\n")
    assert done.stderr == ""


def test_standard_input_is_read(run: CliRunner) -> None:
    done = run.invoke(app, ["import", "-", "--name", "Mine"], input=GOOD)
    assert done.stdout.startswith("workflow: mine\n")


def test_several_workflows_go_into_a_folder(run: CliRunner) -> None:
    Path("all.sql").write_text(GOOD + OTHER)
    done = run.invoke(app, ["import", "all.sql", "-o", "workflows"])
    assert done.exit_code == 0
    assert sorted(each.name for each in Path("workflows").iterdir()) == [
        "two_steps.yaml",
        "weekly.yaml",
    ]
    assert "wrote" in done.stderr
    assert "warning[WF806]" in done.stderr


def test_a_file_that_is_there_is_left_alone(run: CliRunner) -> None:
    Path("two.sql").write_text(GOOD)
    Path("mine.yaml").write_text("mine")
    done = run.invoke(app, ["import", "two.sql", "-o", "mine.yaml"])
    assert done.exit_code == 2
    assert "exists already" in done.stderr
    assert Path("mine.yaml").read_text() == "mine"


def test_the_good_ones_are_written_beside_the_wrong(run: CliRunner) -> None:
    Path("both.sql").write_text(WRONG + GOOD)
    done = run.invoke(app, ["import", "both.sql"])
    assert done.exit_code == 1
    assert "workflow: two_steps" in done.stdout
    assert "workflow: wrong" not in done.stdout
    assert "error[WF805]" in done.stderr


def test_the_runtime_decides_about_days(run: CliRunner) -> None:
    Path("weekly.sql").write_text(OTHER)
    assert "* * MON" in run.invoke(app, ["import", "weekly.sql"]).stdout
    ours = run.invoke(app, ["import", "weekly.sql", "--from", "perdure"])
    assert "* * TUE" in ours.stdout
    assert ours.stderr == ""


def test_a_file_that_is_not_there_is_named(run: CliRunner) -> None:
    done = run.invoke(app, ["import", "missing.sql"])
    assert done.exit_code == 2
    assert "missing.sql" in done.stderr


def test_a_very_long_chain_is_refused_and_a_call_of_the_same_is_not(
    run: CliRunner,
) -> None:
    chain = " ~> ".join(["'select 1'"] * 2000)
    done = run.invoke(app, ["import", "-"], input=f"select df.start({chain}, 'long');")
    assert done.exit_code == 1
    assert "nests too deep" in done.stderr
    call = ", ".join(["'select 1'"] * 2000)
    text = f"select df.start(df.seq({call}), 'long');"
    done = run.invoke(app, ["import", "-"], input=text)
    assert done.exit_code == 0
    assert done.stdout.count("- sql:") == 1999
