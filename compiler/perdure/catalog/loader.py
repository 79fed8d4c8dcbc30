"""One file of a schema, run statement by statement; a refusal becomes a finding.

Roles belong to the whole server. A private cluster gets those that a schema names in
`grant` and the like; on a server given by URL nothing outside of the database is
touched, and statements about roles are left out.
"""

from __future__ import annotations

import re

import psycopg
from psycopg import sql

from perdure.catalog.model import Rejected
from perdure.catalog.schema import without_down
from perdure.catalog.script import Statement, split_script
from perdure.catalog.settings import ServerOptions
from perdure.catalog.wire import execute
from perdure.diagnostics import Diagnostic, error
from perdure.source import Source, Span

CODE_REFUSED = "WF501"
CODE_EXTENSION = "WF502"

_EXTENSION = re.compile(
    r"\s*create\s+extension\s+(?:if\s+not\s+exists\s+)?(\"[^\"]+\"|[\w-]+)", re.I
)
_GLOBAL = re.compile(
    r"\s*(?:create|alter|drop)\s+(?:role|user|group|database|tablespace)\b(?!\s+mapping)"
    r"|\s*(?:reassign|drop)\s+owned\b|\s*alter\s+system\b",
    re.I,
)
_NEW_ROLE = re.compile(r"\s*create\s+(?:role|user|group)\b(?!\s+mapping)", re.I)
_NO_ROLE = re.compile(r'role "(.+)" does not exist')
_TOKEN = re.compile(r'"[^"]*"|\w+|\S')


class Loader:
    """Runs one file of a schema."""

    def __init__(
        self,
        target: psycopg.Connection,
        maintenance: psycopg.Connection,
        file: Source,
        options: ServerOptions = ServerOptions(),  # noqa: B008 (frozen)
    ) -> None:
        self._target = target
        self._maintenance = maintenance
        self._file = file
        self._options = options
        self._private = not options.url

    def load(self) -> list[Diagnostic]:
        """Run the statements up to the first that PostgreSQL refuses."""
        statements = split_script(without_down(self._file.text))
        for number, statement in enumerate(statements):
            if not self._private and _GLOBAL.match(statement.text):
                continue
            refused = self._run(statement)
            if refused is not None:
                return self._findings(statements[number:], refused)
        # What a file sets, or leaves open, must not reach into the next one.
        execute(self._target.pgconn, "commit")
        execute(self._target.pgconn, "discard all")
        return []

    def _run(self, statement: Statement) -> Rejected | None:
        tried: set[str] = set()
        while True:
            refused = execute(self._target.pgconn, statement.text)
            if refused is None or not self._private:
                return refused
            if refused.sqlstate == "42710" and _NEW_ROLE.match(statement.text):
                return None
            role = refused.sqlstate == "42704" and _NO_ROLE.search(refused.message)
            if not role or role[1] in tried:
                return refused
            tried.add(role[1])
            self._maintenance.execute(
                sql.SQL("create role {}").format(sql.Identifier(role[1]))
            )

    def _findings(self, rest: list[Statement], refused: Rejected) -> list[Diagnostic]:
        if _is_missing_extension(rest[0], refused):
            return [self._no_extension(each) for each in self._missing(rest)]
        return [self._refused(rest[0], refused)]

    def _missing(self, rest: list[Statement]) -> list[Statement]:
        """Return the first statement, and all later ones that will fail alike."""
        rows = self._maintenance.execute("select name from pg_available_extensions")
        available = {row[0] for row in rows}
        later = [
            each
            for each in rest[1:]
            if (match := _EXTENSION.match(each.text))
            and match[1].strip('"') not in available
        ]
        return [rest[0], *later]

    def _no_extension(self, statement: Statement) -> Diagnostic:
        match = _EXTENSION.match(statement.text)
        assert match is not None
        start, end = (statement.start + at for at in match.span(1))
        return error(
            CODE_EXTENSION,
            Span(self._file.path, start, end),
            f'the schema needs the extension "{match[1].strip(chr(34))}", '
            f"which {self._server()} does not have",
            "statements are checked in a scratch database that holds the schema",
            help='set "postgres.bin_dir" to the bin folder of an installed PostgreSQL '
            'that has it (a private cluster is made from it), or "postgres.url" to a '
            "server that has it (a scratch database is made and dropped there)",
        )

    def _server(self) -> str:
        if self._options.url:
            return "the server"
        folder = self._options.bin_dir
        return f'the PostgreSQL in "{folder}"' if folder else "the embedded PostgreSQL"

    def _refused(self, statement: Statement, refused: Rejected) -> Diagnostic:
        at = refused.position
        match = _TOKEN.match(statement.text, at) if at is not None else None
        first = match or _TOKEN.match(statement.text)
        assert first is not None
        start, end = (statement.start + place for place in first.span())
        notes = [refused.detail] if refused.detail else []
        return error(
            CODE_REFUSED,
            Span(self._file.path, start, end),
            f"PostgreSQL refuses the schema: {refused.message}",
            *notes,
            help=refused.hint,
            sqlstate=refused.sqlstate,
        )


def _is_missing_extension(statement: Statement, refused: Rejected) -> bool:
    # 0A000 says so since PostgreSQL 15; before, the control file could not be opened.
    return bool(_EXTENSION.match(statement.text)) and refused.sqlstate in (
        "0A000",
        "58P01",
    )
