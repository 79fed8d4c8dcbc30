"""What a page shows is what happens: commands, workflows, links."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.console import Session, normalise, play
from tests.docs.markdown import ROOT, anchors, blocks, links, pages


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def played() -> list[Path]:
    """Return the pages with `console` blocks."""
    return [
        path
        for path in pages()
        if any(block.language == "console" for block in blocks(path.read_text()))
    ]


@pytest.mark.parametrize("path", played(), ids=shown)
def test_commands_print_what_the_page_shows(
    path: Path, tmp_path: Path, accept: bool
) -> None:
    folder = tmp_path / "reader"
    folder.mkdir()
    text, wrong = play(path.read_text(), Session(folder, tmp_path))
    if accept:
        path.write_text(text)
        return
    assert not wrong, "\n\n".join(map(str, wrong))


def test_a_page_that_lies_is_noticed(tmp_path: Path) -> None:
    page = "```console\n$ cd /\n$ echo 1\n2\n```\n"
    text, wrong = play(page, Session(tmp_path, tmp_path))
    assert [each.actual for each in wrong] == ["1"]
    assert text == "```console\n$ cd /\n$ echo 1\n1\n```\n"


def test_an_exit_code_that_is_not_announced_is_noticed(tmp_path: Path) -> None:
    page = "```console\n$ false\n```\n```console exit=1\n$ false\n```\n"
    _, wrong = play(page, Session(tmp_path, tmp_path))
    assert [each.actual for each in wrong] == ["(exit code 1, expected 0)"]


def test_files_of_a_page_are_written(tmp_path: Path) -> None:
    page = "```yaml file=a/b.txt\nx\n```\n```console\n$ cat a/b.txt\nx\n```\n"
    assert play(page, Session(tmp_path, tmp_path)) == (page, [])


def test_ids_and_durations_may_differ() -> None:
    assert normalise(["run 0a1b2c3d ended after 1.2 s"]) == normalise(
        ["run ffffffff  ended after 350ms"]
    )
    assert normalise(["3 rows"]) != normalise(["4 rows"])


@pytest.mark.parametrize("path", pages(), ids=shown)
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in links(path.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (path.parent / name) if name else path
        if not target.exists() or (
            anchor and anchor not in anchors(target.read_text())
        ):
            broken.append(link)
    assert broken == []
