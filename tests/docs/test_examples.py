"""The workflows in the docs check without a finding."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from perdure.config import read_config
from perdure.diagnostics.render import render_text
from perdure.pipeline import open_compiler, workflow_files
from tests.docs.markdown import ROOT, Block, blocks

PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
INPUT = "input:\n  order_id: bigint\n"


def workflow(block: Block, name: str) -> str:
    """Return an example as a whole file; a list of steps gets a head."""
    if block.lines[0].startswith("- "):
        head = INPUT if "order_id" in block.text.replace("order_id =", "") else ""
        steps = textwrap.indent(block.text, "  ")
        return f"workflow: {name}\n{head}steps:\n{steps}"
    first, *rest = block.lines
    assert first.startswith("workflow: "), f"no workflow and no steps: {first}"
    return "\n".join([f"workflow: {name}", *rest, ""])


def write_examples(page: Path, folder: Path) -> int:
    """Write the examples of a page into a project; return their number."""
    count = 0
    for block in blocks(page.read_text()):
        name = block.option("file")
        if name is not None:
            (folder / name).write_text(block.text)
            count += name.endswith(".yaml") and name != "shared.yaml"
        elif block.language == "yaml":
            count += 1
            line = f"line_{block.first}"
            (folder / f"{line}.yaml").write_text(workflow(block, line))
    return count


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    root = tmp_path_factory.mktemp("reference")
    shutil.copy(ROOT / "examples" / "orders" / "schema.sql", root)
    (root / "perdure.toml").write_text('schema = "schema.sql"\n')
    yield root
    shutil.rmtree(root / ".perdure", ignore_errors=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_examples_of_the_reference_check_without_a_finding(
    page: Path, project: Path
) -> None:
    folder = project / "workflows"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    count = write_examples(page, folder)
    config, found = read_config(project / "perdure.toml")
    assert config is not None, found
    with open_compiler(config) as compiler:
        checked = compiler.check(workflow_files(config))
    assert render_text(checked.findings, checked.sources, colour=False) == ""
    assert len(checked.units) == count
