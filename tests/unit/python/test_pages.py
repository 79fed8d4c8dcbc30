"""The Python in the docs is read without a finding, and a project may hold both."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest

from perdure.config import Config
from perdure.diagnostics.render import render_text
from perdure.pipeline import Checked, open_compiler, workflow_files
from perdure.release import registered_sources
from tests.docs.markdown import ROOT, Block, blocks

IMPORTS = "from perdure import *\nfrom perdure import workflow\n\n"
PAGE = ROOT / "docs" / "python.md"


def example(block: Block, name: str) -> str:
    """Return a block as a file; lines of a workflow get a head."""
    if block.lines[0].startswith("from "):
        return block.text
    lines = textwrap.indent(block.text, "    ")
    return f"{IMPORTS}\n@workflow\ndef {name}(order_id: int):\n{lines}"


def check(folder: Path, *, remember: bool = False) -> Checked:
    schema = (ROOT / "tests" / "golden" / "schema.sql",)
    config = Config(root=folder, schema=schema, workflows=folder)
    with open_compiler(config, remember=remember) as compiler:
        return compiler.check(workflow_files(config))


def test_examples_of_the_page_check_without_a_finding(tmp_path: Path) -> None:
    count = 0
    for block in blocks(PAGE.read_text()):
        if block.language == "python":
            count += 1
            name = f"line_{block.first}"
            (tmp_path / f"{name}.py").write_text(example(block, name))
    checked = check(tmp_path)
    assert render_text(checked.findings, checked.sources, colour=False) == ""
    assert len(checked.units) > count > 12


def test_a_project_holds_both_and_is_remembered(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text("LIMIT = 5\n")
    (tmp_path / "two.py").write_text(
        "from limits import LIMIT\nfrom perdure import sleep, workflow\n\n\n"
        "@workflow\ndef first(a: int):\n    sleep('1s')\n    return [LIMIT, a]\n"
        "\n\n@workflow\ndef second(a: int):\n    sleep('1s')\n    return a\n"
    )
    (tmp_path / "third.yaml").write_text("workflow: third\nsteps: [return]\n")
    first = check(tmp_path, remember=True)
    assert [unit.name for unit in first.units] == ["third", "first", "second"]
    again = check(tmp_path, remember=True)
    assert [unit.ir for unit in again.units] == [None] * 3
    assert [u.digest for u in again.units] == [u.digest for u in first.units]
    (tmp_path / "limits.py").write_text("LIMIT = 6\n")
    changed = check(tmp_path, remember=True)
    assert changed.units[0].digest == first.units[0].digest
    assert changed.units[1].digest != first.units[1].digest
    assert changed.units[2].digest == first.units[2].digest


def test_two_workflows_of_one_name_in_a_file_are_a_finding(tmp_path: Path) -> None:
    text = "@workflow\ndef same(a: int):\n    sleep('1s')\n    return a\n\n\n"
    head = "from perdure import sleep, workflow\n\n\n"
    (tmp_path / "same.py").write_text(head + text + text)
    (found,) = check(tmp_path).findings
    assert found.code == "WF183"
    assert found.span is not None
    assert found.span.start > len(head + text)


@pytest.mark.parametrize("folder", [".venv", "__pycache__", "site-packages"])
def test_foreign_python_files_are_left_alone(folder: str, tmp_path: Path) -> None:
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "a.py").write_text("perdure workflow (")
    assert workflow_files(Config(root=tmp_path, workflows=tmp_path)) == []


def test_a_migration_registers_the_modules_that_a_file_imports(tmp_path: Path) -> None:
    (tmp_path / "limits.py").write_text("LIMIT = 5\n")
    (tmp_path / "one.py").write_text(
        "from limits import LIMIT\nfrom perdure import sleep, workflow\n\n\n"
        "@workflow\ndef one(a: int):\n    sleep('1s')\n    return [LIMIT, a]\n"
    )
    schema = (ROOT / "tests" / "golden" / "schema.sql",)
    config = Config(root=tmp_path, schema=schema, workflows=tmp_path)
    with open_compiler(config, remember=False) as compiler:
        (unit,) = compiler.check(workflow_files(config)).units
        up = compiler.sql(unit, version=1).up
    assert registered_sources(up)["limits.py"] == "LIMIT = 5\n"


def test_source_maps_point_into_the_python_files(tmp_path: Path) -> None:
    """Traces are shown by them; steps of a called workflow are in its own file."""
    (tmp_path / "common.py").write_text(
        "from perdure import sql, workflow\n\n\n@workflow\n"
        "def count_stock(order_id: int) -> int:\n"
        "    found = sql(\n        'select count(*) as n from shop.stock where '\n"
        "        'order_id = :order_id', expect='one')\n    return found.n\n"
    )
    text = (
        "from common import count_stock\nfrom perdure import sql, workflow\n\n\n"
        "@workflow\ndef main(order_id: int):\n    count = count_stock(order_id)\n"
        '    sql("""\n        update shop.orders\n        set status = \'x\'\n'
        '        where id = :order_id and :count > 1\n    """)\n'
        "    if count > 2:\n        return count\n"
    )
    (tmp_path / "main.py").write_text(text)
    schema = (ROOT / "tests" / "golden" / "schema.sql",)
    config = Config(root=tmp_path, schema=schema, workflows=tmp_path)
    with open_compiler(config, remember=False) as compiler:
        units = compiler.check(workflow_files(config)).units
        (unit,) = [each for each in units if each.name == "main"]
        up = compiler.sql(unit, version=1).up
    entry = re.compile(r'"role": "(\w+)", "file": "([\w.]+)", "line": (\d+)')
    places = {(role, file, int(line)) for role, file, line in entry.findall(up)}
    expected = {("sql", "common.py", 6), ("sql", "main.py", 8)}
    assert expected | {("if", "main.py", 13), ("return", "main.py", 14)} <= places
