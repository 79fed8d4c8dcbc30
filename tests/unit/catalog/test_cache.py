"""The cache of answers outlives the process, damage, and other processes."""

from __future__ import annotations

import multiprocessing
import sqlite3
from pathlib import Path

import pytest

from perdure.catalog.cache import Cache


def keep(path: Path, context: str, **answers: object) -> None:
    cache = Cache(path)
    cache.enter(context)
    for question, answer in answers.items():
        cache.keep(question, answer)
    cache.close()


def recall(path: Path, context: str, question: str) -> object:
    cache = Cache(path)
    cache.enter(context)
    answer: object = cache.recall(question)
    cache.close()
    return answer


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "catalog.sqlite"


def test_answers_belong_to_their_context(path: Path) -> None:
    keep(path, "a", q={"x": [1, None]})
    assert recall(path, "a", "q") == {"x": [1, None]}
    assert recall(path, "b", "q") is None
    assert recall(path, "a", "other") is None


def test_an_answer_is_there_before_it_is_written(path: Path) -> None:
    cache = Cache(path)
    cache.enter("a")
    cache.keep("q", 1)
    assert cache.recall("q") == 1
    cache.close()


def test_facts_hold_in_every_context(path: Path) -> None:
    cache = Cache(path)
    assert cache.fact("version") is None
    cache.keep_fact("version", "18.4")
    cache.close()
    assert Cache(path).fact("version") == "18.4"


@pytest.mark.parametrize("content", [b"not a database" * 100, b""])
def test_a_damaged_file_is_replaced(path: Path, content: bytes) -> None:
    keep(path, "a", q=1)
    path.write_bytes(content)
    assert recall(path, "a", "q") is None
    keep(path, "a", q=2)
    assert recall(path, "a", "q") == 2


def test_damage_in_the_middle_is_mended(path: Path) -> None:
    keep(path, "a", **{f"q{i}": "x" * 500 for i in range(500)})
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 300_000)
    recall(path, "a", "q7")
    keep(path, "a", q=2)
    assert recall(path, "a", "q") == 2


def test_a_file_of_another_form_is_replaced(path: Path) -> None:
    path.parent.mkdir()
    other = sqlite3.connect(path)
    other.executescript("create table answers (x); pragma user_version = 99")
    other.close()
    keep(path, "a", q=1)
    assert recall(path, "a", "q") == 1


def test_a_place_that_cannot_be_written_only_costs_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = Cache(tmp_path / "file" / "catalog.sqlite")
    cache.enter("a")
    cache.keep("q", 1)
    assert cache.recall("q") == 1
    cache.close()


def test_contexts_long_unused_are_forgotten(path: Path) -> None:
    for number in range(12):
        keep(path, f"c{number}", q=number)
    assert recall(path, "c0", "q") is None
    assert recall(path, "c11", "q") == 11


def test_processes_share_the_file(path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [
        context.Process(target=_keep_many, args=(path, number)) for number in range(3)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    for number in range(3):
        assert recall(path, "a", f"{number}-399") == 399


def _keep_many(path: Path, number: int) -> None:
    for start in range(0, 400, 100):
        keep(path, "a", **{f"{number}-{i}": i for i in range(start, start + 100)})
