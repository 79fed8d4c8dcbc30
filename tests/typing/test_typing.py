"""Type checkers read workflows as Python: good ones pass, mistakes are found."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.frontend.python.convert import convert
from perdure.source import Source
from tests.golden.test_twins import SHARED, loader
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
YAML = sorted(
    path
    for folder in ("golden/ok", "golden/stages", "golden/twins/pairs", "typing/yaml")
    for path in (ROOT / "tests" / folder).rglob("*.yaml")
    if path.stem != "shared"
) + sorted(ROOT.glob("examples/*/workflows/*.yaml"))


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Convert workflows in YAML; each file says at its head where it comes from."""
    folder, files = tmp_path_factory.mktemp("converted").resolve(), []
    for number, path in enumerate(YAML):
        source = Source(path.name, path.read_text())
        (made,), _ = convert(source, loader(path), path.parent, SHARED)
        assert made.exact, (path, made.lost)
        files.append(folder / f"from_{number}_{path.stem}.py")
        files[-1].write_text(f"# {path.relative_to(ROOT)}\n{made.text}")
    return files


@pytest.fixture(scope="module")
def by_mypy(
    converted: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Reported:
    files = [*GOOD, *BAD, *OTHERS, *converted]
    return mypy(files, tmp_path_factory.mktemp("mypy"))


@pytest.fixture(scope="module")
def by_pyright(
    converted: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Reported:
    folders = [HERE / "good", HERE / "bad", TWINS, converted[0].parent]
    return pyright(folders, tmp_path_factory.mktemp("pyright"))


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


def test_checkers_find_nothing_in_what_is_converted(
    converted: list[Path], by_mypy: Reported, by_pyright: Reported
) -> None:
    """What only strict mypy reports, a result that it knows nothing of, may be."""
    assert len(converted) > 60
    for path in converted:
        found = [m for messages in by_mypy[path].values() for m in messages]
        wrong = [each for each in found if not each.startswith("Returning Any from")]
        assert wrong == [], path.read_text()
        assert by_pyright[path] == {}, path.read_text()
