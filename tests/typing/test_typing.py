"""Type checkers read workflows as Python: good ones pass, mistakes are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.typing.checkers import (
    ROOT,
    Reported,
    mypy,
    pyright,
    wrong_for_mypy,
    wrong_for_pyright,
)

HERE = Path(__file__).parent
TWINS = ROOT / "tests" / "golden" / "twins"
GOOD, BAD = sorted(HERE.glob("good/*.py")), sorted(HERE.glob("bad/*.py"))
OTHERS = sorted(TWINS.rglob("*.py"))


@pytest.fixture(scope="module")
def by_mypy(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return mypy(GOOD + BAD + OTHERS, tmp_path_factory.mktemp("mypy"))


@pytest.fixture(scope="module")
def by_pyright(tmp_path_factory: pytest.TempPathFactory) -> Reported:
    return pyright(
        [HERE / "good", HERE / "bad", TWINS], tmp_path_factory.mktemp("pyright")
    )


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_mypy_finds_nothing_in_good_workflows(path: Path, by_mypy: Reported) -> None:
    assert by_mypy[path] == {}


@pytest.mark.parametrize("path", GOOD, ids=lambda path: path.stem)
def test_pyright_finds_nothing_in_good_workflows(
    path: Path, by_pyright: Reported
) -> None:
    assert by_pyright[path] == {}


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_mypy_finds_mistakes_where_they_are(path: Path, by_mypy: Reported) -> None:
    assert wrong_for_mypy(path, by_mypy) == []


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_pyright_finds_mistakes_where_they_are(
    path: Path, by_pyright: Reported
) -> None:
    assert wrong_for_pyright(path, by_pyright) == []


def test_checkers_find_nothing_in_the_golden_cases(
    by_mypy: Reported, by_pyright: Reported
) -> None:
    assert len(OTHERS) > 20
    for path in OTHERS:
        assert by_mypy[path] == {}, path
        assert by_pyright[path] == {}, path
