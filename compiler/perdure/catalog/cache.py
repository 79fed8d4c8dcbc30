"""Answers that were given before, in one SQLite file below `.perdure/cache/`.

An answer belongs to a context: the digest of the schema, the version of PostgreSQL
and the form of the answers. It is stored as JSON, so that reading a cache runs
nothing. Several processes may use the file at once. A file that is damaged, or that
cannot be written, costs time and nothing else.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import time
from pathlib import Path
from typing import Any

_FORM = 1
_KEPT_CONTEXTS = 8
_BATCH = 200
_TABLES = """
create table if not exists contexts (
  id integer primary key, name text not null unique, used real not null);
create table if not exists answers (
  context integer not null, question blob not null, answer text not null,
  primary key (context, question)) without rowid;
create table if not exists facts (name text primary key, value text not null)
  without rowid;
"""


class Cache:
    """A dictionary of answers that outlives the process.

    `recall` and `keep` work within the context last entered. Writes are collected
    and done at `close`, and now and then before.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._context: int | None = None
        self._name = ""
        self._pending: dict[bytes, str] = {}
        self._connection = self._open()

    def enter(self, context: str) -> None:
        """Answer from, and keep into, the context of this name."""
        self.flush()
        self._name, self._context = context, None
        rows = self._ask("select id from contexts where name = ?", context)
        if rows:
            self._context = rows[0][0]
            self._run(
                "update contexts set used = ? where id = ?", time.time(), *rows[0]
            )

    def recall(self, question: str) -> Any:
        """Return the answer as plain data, None when there is none."""
        if self._context is None and not self._pending:
            return None
        key = _key(question)
        text = self._pending.get(key)
        if text is None:
            rows = self._ask(
                "select answer from answers where context = ? and question = ?",
                self._context,
                key,
            )
            text = rows[0][0] if rows else None
        return None if text is None else _load(text)

    def keep(self, question: str, answer: Any) -> None:
        """Remember an answer that is plain data."""
        self._pending[_key(question)] = json.dumps(answer, separators=(",", ":"))
        if len(self._pending) % _BATCH == 0:
            self.flush()

    def fact(self, name: str) -> Any:
        """Return something that holds in every context, None when unknown."""
        rows = self._ask("select value from facts where name = ?", name)
        return _load(rows[0][0]) if rows else None

    def keep_fact(self, name: str, value: Any) -> None:
        """Remember something that holds in every context."""
        self._run("insert or replace into facts values (?, ?)", name, json.dumps(value))

    def flush(self) -> None:
        """Write what was collected."""
        if not self._pending or self._connection is None:
            return
        pending, self._pending = self._pending, {}
        self._run("insert or ignore into contexts (name, used) values (?, ?)",
                  self._name, time.time())  # fmt: skip
        rows = self._ask("select id from contexts where name = ?", self._name)
        if not rows:
            return
        self._context = rows[0][0]
        answers = [(self._context, key, text) for key, text in pending.items()]
        with self._mended(), self._connection:
            self._connection.executemany(
                "insert or replace into answers values (?, ?, ?)", answers
            )

    def close(self) -> None:
        """Write what was collected, forget what has long not been used, close."""
        self.flush()
        self._forget()
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _forget(self) -> None:
        old = self._ask(
            "select id from contexts order by used desc limit -1 offset ?",
            _KEPT_CONTEXTS,
        )
        for row in old:
            self._run("delete from answers where context = ?", *row)
            self._run("delete from contexts where id = ?", *row)

    def _open(self) -> sqlite3.Connection | None:
        """Open the file, or a new one in place of a damaged or foreign one."""
        for _ in range(2):
            try:
                return self._connect()
            except (sqlite3.Error, OSError) as failure:
                if not _is_damage(failure):
                    return None
                self._delete()
        return None

    def _connect(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self._path, timeout=10)
        try:
            connection.execute("pragma journal_mode = wal")
            connection.execute("pragma synchronous = off")
            form = connection.execute("pragma user_version").fetchone()[0]
            if form == 0:
                connection.executescript(f"{_TABLES} pragma user_version = {_FORM}")
            elif form != _FORM:
                raise sqlite3.DatabaseError("a file of another form")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):
                self._path.with_name(self._path.name + suffix).unlink()

    @contextlib.contextmanager
    def _mended(self) -> Any:
        """Start a new file when this one turns out to be damaged."""
        try:
            yield
        except sqlite3.Error as failure:
            if not _is_damage(failure) or self._connection is None:
                return
            self._connection.close()
            self._delete()
            self._context = None
            self._connection = self._open()

    def _ask(self, sql: str, *values: object) -> list[Any]:
        with self._mended():
            if self._connection is not None:
                return self._connection.execute(sql, values).fetchall()
        return []

    def _run(self, sql: str, *values: object) -> None:
        with self._mended():
            if self._connection is not None:
                with self._connection:
                    self._connection.execute(sql, values)


def _is_damage(failure: Exception) -> bool:
    """Tell a file that is damaged or foreign from one that is busy or locked."""
    if isinstance(failure, sqlite3.OperationalError):
        return "no such" in str(failure) or "has no column" in str(failure)
    return isinstance(failure, sqlite3.DatabaseError)


def _key(question: str) -> bytes:
    return hashlib.blake2b(question.encode(), digest_size=16).digest()


def _load(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
