"""The server of a run: a private cluster in a temporary folder, default durability."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from perdure.engine.postgres import start_embedded

# Durability is PostgreSQL's default: fsync, synchronous_commit and full_page_writes
# are on. What is set keeps a checkpoint, and the full pages after it, from falling into
# one subject's measurement rather than another's.
SETTINGS = {
    "max_connections": "200",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "1h",
    "shared_buffers": "256MB",
}


@contextmanager
def cluster(bin_dir: Path | None = None) -> Iterator[str]:
    """Yield the URL of a server that exists for the duration only."""
    with (
        tempfile.TemporaryDirectory(prefix="perdure-bench-") as folder,
        start_embedded(Path(folder) / "pg", bin_dir, settings=SETTINGS) as server,
    ):
        yield server.url()


@contextmanager
def database(admin_url: str, name: str) -> Iterator[str]:
    """Yield the URL of an empty database, dropped afterwards."""
    full = f"bench_{name}"
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute(f"drop database if exists {full} with (force)".encode())
        admin.execute(f"create database {full}".encode())
    info = psycopg.conninfo.conninfo_to_dict(admin_url)
    info["dbname"] = full
    try:
        yield _as_url(admin_url, full)
    finally:
        with psycopg.connect(admin_url, autocommit=True) as admin:
            admin.execute(f"drop database {full} with (force)".encode())


@contextmanager
def without_autovacuum(admin_url: str) -> Iterator[None]:
    """Keep autovacuum away, whose visits are transactions of a database, too."""
    with psycopg.connect(admin_url, autocommit=True) as admin:
        admin.execute("alter system set autovacuum = off")
        admin.execute("select pg_reload_conf()")
        try:
            yield
        finally:
            admin.execute("alter system reset autovacuum")
            admin.execute("select pg_reload_conf()")


def _as_url(admin_url: str, name: str) -> str:
    """Return the URL with another database; peers want a URL, not keywords."""
    from urllib.parse import urlsplit, urlunsplit

    return urlunsplit(urlsplit(admin_url)._replace(path=f"/{name}"))


def install_runtime(url: str, folder: Path) -> None:
    """Install the runtime from its files."""
    with psycopg.connect(url) as connection:
        for path in sorted(folder.glob("*.sql")):
            connection.execute(path.read_bytes())
