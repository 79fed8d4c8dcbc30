"""A project without workflows, and what its checks remember."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.config import Config

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("state")


@pytest.fixture
def project(tmp_path: Path) -> Config:
    (tmp_path / "workflows").mkdir()
    schema = ROOT / "tests" / "golden" / "schema.sql"
    folders = (tmp_path / "workflows", tmp_path / "migrations")
    return Config(tmp_path, None, (schema,), None, *folders)
