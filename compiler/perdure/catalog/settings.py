"""What a catalog is opened with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SchemaSource:
    """Where the schema comes from: files and folders, in order, or a live database.

    Of a folder, the migrations that lead up are taken, in their order. A live
    database is read with `pg_dump --schema-only`; without either the schema is empty.
    """

    files: tuple[Path, ...] = ()
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """Which PostgreSQL answers: by default the embedded one.

    `bin_dir` names the programs of an installed PostgreSQL, of which a private
    cluster is made; `url` a server, on which a scratch database is made and dropped.
    """

    bin_dir: Path | None = None
    url: str | None = None


@dataclass(frozen=True, slots=True)
class CatalogSettings:
    """All that `open_catalog` needs.

    `state_dir` is the project's `.perdure`: the cache lies in its `cache/`, the
    cluster of the scratch databases in its `catalog/`. `root` is where paths in
    messages start. `progress` is told what takes long ("starting PostgreSQL").
    """

    schema: SchemaSource
    state_dir: Path
    root: Path = field(default_factory=Path.cwd)
    server: ServerOptions = ServerOptions()
    progress: Callable[[str], None] | None = None
