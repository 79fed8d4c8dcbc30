"""Mistakes in the configuration are placed at their keys."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.config import FILE, place_of, read_config
from perdure.source import Source, Span
from perdure.units import unreadable

TOOL = "[tool.other]\nlayout = 'x'\nurl = 1\n\n"


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        (FILE, "# layout = 3\nlayout = 3\n", "2:1"),
        (FILE, "layuot = 'plain'\n", "1:1"),
        (FILE, 'seed = []\n"layout" = 3\n', "2:2"),
        (FILE, "seed = []\nhttp = 3\n", "2:1"),
        (FILE, "seed = []\n[http]\nallow = 3\n", "3:1"),
        (FILE, "seed = []\nhttp.allow = 3\n", "2:6"),
        (FILE, "seed = []\nhttp = {allow = 3}\n", "2:9"),
        (FILE, "postgres = {bin_dir = 'x', url = 3}\n", "1:28"),
        ("pyproject.toml", f"{TOOL}[tool.perdure]\nlayout = 3\n", "6:1"),
        ("pyproject.toml", f"{TOOL}[tool.perdure]\nhttp.allow = 3\n", "6:6"),
        ("pyproject.toml", f"{TOOL}[tool.perdure.postgres]\nurl = 3\n", "6:1"),
    ],
)
def test_the_place_of_a_wrong_setting(
    tmp_path: Path, name: str, text: str, place: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    _, (finding,) = read_config(path)
    assert finding.span is not None
    line, column = Source(name, text).position(finding.span.start)
    assert f"{line}:{column}" == place


def test_a_folder_that_is_not_there_is_placed_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text("layout = 'plain'\nworkflows = 'nope'\n")
    config, _ = read_config(path)
    assert config is not None
    missing = FileNotFoundError(2, "No such file or directory")
    finding = unreadable(config, config.workflows, missing)
    assert finding.message == 'can\'t read "nope": no such file or directory'
    assert finding.span == Span(FILE, 17, 26)
    assert unreadable(config, tmp_path / "other", missing).span is None


def test_a_key_that_does_not_stand_there_has_no_place() -> None:
    assert place_of(Source(FILE, "workflows_of = 'x'\n"), "workflows") is None
    assert place_of(None, "workflows") is None
