"""Fixtures of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.lower.workbench import Workbench, opened


@pytest.fixture(scope="session")
def bench(short_dir: Path) -> Iterator[Workbench]:
    """Return what compiles workflows on the golden schema."""
    with opened(short_dir / "bench") as workbench:
        yield workbench
