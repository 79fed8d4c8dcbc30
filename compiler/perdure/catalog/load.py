"""Load SQL files into a database that somebody else made."""

from __future__ import annotations

from pathlib import Path

import psycopg

from perdure.catalog.loader import Loader
from perdure.catalog.schema import read_schema
from perdure.catalog.settings import SchemaSource
from perdure.diagnostics import Diagnostic
from perdure.source import Source


def load_files(
    url: str, files: tuple[Path, ...], root: Path
) -> tuple[tuple[Source, ...], list[Diagnostic]]:
    """Run files, or folders of migrations, up to the first statement that is refused.

    Returns the texts that were read, and what is wrong. Roles that the files name and
    that are missing are made, as in a scratch database: meant for the embedded server.
    """
    schema, found = read_schema(SchemaSource(files), root)
    if found:
        return schema.files, found
    with (
        psycopg.connect(url, autocommit=True) as target,
        psycopg.connect(url, autocommit=True) as maintenance,
    ):
        for file in schema.files:
            found = Loader(target, maintenance, file).load()
            if found:
                break
    return schema.files, found


def files_digest(files: tuple[Path, ...], root: Path) -> str:
    """Return the digest of what `load_files` would run."""
    return read_schema(SchemaSource(files), root)[0].digest
