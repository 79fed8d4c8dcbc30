"""The example project: it checks, is compiled as committed, and the demo runs."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT

EXAMPLE = ROOT / "examples" / "orders"
PERDURE = Path(sys.executable).with_name("perdure")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    ignored = shutil.ignore_patterns(".perdure", "__pycache__")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "orders", ignore=ignored))


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        command, cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_was_compiled_is_committed(project: Path) -> None:
    assert run(PERDURE, "check", cwd=project) == ""
    run(PERDURE, "compile", "--check", cwd=project)


def test_the_same_sources_give_the_same_bytes(project: Path) -> None:
    shutil.rmtree(project / "migrations")
    (project / "workflows.lock").unlink()
    run(PERDURE, "compile", cwd=project)
    for path in [*EXAMPLE.glob("migrations/*"), EXAMPLE / "workflows.lock"]:
        again = project / path.relative_to(EXAMPLE)
        assert again.read_bytes() == path.read_bytes(), path.name


@pytest.mark.slow
def test_the_demo_ends_with_run_migration_and_row() -> None:
    output = run(sys.executable, EXAMPLE / "demo.py", cwd=ROOT)
    assert '└── result {"status": "approved"}' in output
    assert 'POST /orders {"text": "Order 2 for grace@example.com"}' in output
    assert "0001_order_approval_v1.up.sql" in output
    assert "id 2, total 4800.00, email grace@example.com, status approved" in output
