"""The schema of a live database, as text.

It is dumped and then loaded like any file, so that the answers, and what is compiled
from them, do not depend on where the schema came from, and nothing is ever run or
locked for long in the live database. Describing statements there directly is the
rejected way: deciding on immutability needs a temporary table.
"""

from __future__ import annotations

import re
import subprocess

from perdure.catalog.schema import Schema
from perdure.catalog.settings import CatalogSettings
from perdure.diagnostics import Diagnostic, error
from perdure.engine.postgres import PostgresMissing, embedded_bin_dir
from perdure.source import Source

CODE_NOT_DUMPED = "WF503"

_OPTIONS = (
    "--schema-only",
    "--no-owner",
    "--no-privileges",
    "--no-comments",
    "--no-publications",
    "--no-subscriptions",
    "--no-security-labels",
    "--no-tablespaces",
    # The runtime's own schemas: deploying must not make the schema another one.
    "--exclude-schema=df",
    "--exclude-schema=df_engine",
    "--exclude-schema=df_exec",
    "--exclude-schema=df_graph",
    "--exclude-schema=perdure",
)
_UNSTABLE = re.compile(
    r"^(?:\\(?:un)?restrict .*"  # a new random key in each dump
    r"|SET transaction_timeout = 0;"  # older servers do not know it
    r"|CREATE EXTENSION IF NOT EXISTS pg_durable .*)\n",
    re.MULTILINE,
)
_OPERATOR = re.compile(
    r"^CREATE OPERATOR \S+ \(\n    FUNCTION = df\w*\.[^;]*;\n", re.MULTILINE
)
"""An operator of the runtime, which stands in a schema of the user."""


def dump_schema(settings: CatalogSettings) -> tuple[Schema, list[Diagnostic]]:
    """Dump the schema of the live database; a failure of that is a finding."""
    url = settings.schema.url or ""
    bin_dir = settings.server.bin_dir or embedded_bin_dir()
    if settings.progress:
        settings.progress("reading the schema of the database")
    try:
        done = subprocess.run(
            [bin_dir / "pg_dump", *_OPTIONS, f"--dbname={url}"],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
        )
    except OSError as failure:
        raise PostgresMissing(f'cannot run "{bin_dir / "pg_dump"}"') from failure
    if done.returncode != 0:
        return Schema(()), [_failed(done.stderr)]
    text = _OPERATOR.sub("", _UNSTABLE.sub("", done.stdout))
    return Schema((Source("(database)", text),)), []


def _failed(printed: str) -> Diagnostic:
    lines = [line.removeprefix("pg_dump: error: ") for line in printed.splitlines()]
    help_ = 'correct "schema" in the configuration'
    if "permission denied" in printed:
        help_ = (
            "the role of the URL needs USAGE on the schemas and SELECT on the tables "
            "and sequences in them: pg_dump locks what it reads"
        )
    return error(
        CODE_NOT_DUMPED,
        None,
        f"can't read the schema of the database: {(lines or ['pg_dump failed'])[0]}",
        *lines[1:],
        help=help_,
    )
