"""Several workflows that know each other: folders in `projects/`, run to their end.

Each folder has the files of its workflows, in YAML or Python, and `expected.yaml`: the
name of the `workflow` that is started, and what the cases of `test_cases` have.
"""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.property.runs import Bench, Signal
from tests.runtime.workflows.test_cases import compare, runs_of

PROJECTS = sorted(
    path for path in (Path(__file__).parent / "projects").iterdir() if path.is_dir()
)


@pytest.mark.parametrize("folder", PROJECTS, ids=lambda path: path.name)
def test_project(workbench: Bench, folder: Path) -> None:
    deploy_all(workbench, folder)
    text = (folder / "expected.yaml").read_text(encoding="utf-8")
    for expected in runs_of(text):
        if "before" in expected:
            workbench.connection.execute(expected["before"])
        signals = [Signal(s["at"], s["name"], s["data"]) for s in expected["signals"]]
        seen = workbench.run(expected["workflow"], expected["inputs"], signals)
        compare(workbench, seen, expected)


def deploy_all(workbench: Bench, folder: Path) -> None:
    """Compile the workflows of a folder and put them into the database."""
    files = [
        workbench.write(path.name, path.read_text(encoding="utf-8"))
        for path in sorted(folder.iterdir())
        if path.name != "expected.yaml"
    ]
    sources = [path for path in files if path.suffix in (".yaml", ".py")]
    checked = workbench.compiler.check([f for f in sources if f.stem != "shared"])
    errors = [each for each in checked.findings if each.severity == "error"]
    assert not errors, errors
    for unit in checked.units:
        up = workbench.compiler.sql(unit, version=1).up
        workbench.connection.execute(up.encode())
    for path in files:
        path.unlink()


def test_the_folders_are_read() -> None:
    names = {
        yaml.safe_load((p / "expected.yaml").read_text()).keys() >= {"workflow"}
        for p in PROJECTS
    }
    assert names == {True}
