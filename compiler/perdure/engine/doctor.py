"""What is wrong with a database as a place to run workflows, and what to do about it.

Each check is a function of a connection that yields what it found. A check that fails
for want of privileges says so, and the others go on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import psycopg

from perdure.engine.client import workers
from perdure.engine.errors import EngineError
from perdure.engine.install import Sources, read_status

Level = Literal["ok", "warning", "error"]
Connection = psycopg.Connection[Any]

OLDEST_POSTGRES, NEWEST_POSTGRES = 14, 18


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `help` says what to do where something is wrong."""

    check: str
    level: Level
    message: str
    help: str | None = None


Check = Callable[[Connection, Sources], Iterator[Finding]]


def examine(connection: Connection, sources: Sources) -> list[Finding]:
    """Return the findings of all checks on a database, for a runtime or the extension.

    The connection is one in autocommit, so that a check that fails leaves it usable.
    """
    found: list[Finding] = []
    for name, check in _checks(sources):
        try:
            found += check(connection, sources)
        except psycopg.OperationalError:
            raise
        except psycopg.Error as error:
            reason = error.diag.message_primary or str(error)
            message = f"could not be looked at: {reason}"
            found.append(Finding(name, "warning", message, "ask as another role"))
    return found


def _checks(sources: Sources) -> list[tuple[str, Check]]:
    common: list[tuple[str, Check]] = [("server", _server), ("settings", _settings)]
    if sources.extension:
        from perdure.engine.doctor_extension import CHECKS

        return [common[0], *CHECKS, ("runtime", _installed), common[1]]
    own: list[tuple[str, Check]] = [("runtime", _installed), ("worker", _worker)]
    return [common[0], *own, ("role", _role), common[1]]


def one(connection: Connection, query: str, *values: object) -> tuple[Any, ...]:
    """Return the first row of a query."""
    row = connection.execute(query.encode(), values or None).fetchone()
    assert row is not None
    return tuple(row)


def _server(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look at the version of PostgreSQL, and whether it can be written to."""
    number, version, standby, read_only, encoding = one(
        connection,
        "select current_setting('server_version_num')::integer / 10000,"
        " current_setting('server_version'), pg_is_in_recovery(),"
        " current_setting('default_transaction_read_only')::boolean,"
        " current_setting('server_encoding')",
    )
    name = f"PostgreSQL {version}"
    oldest, newest = OLDEST_POSTGRES, NEWEST_POSTGRES
    if number < oldest:
        help_ = f"upgrade to PostgreSQL {oldest} to {newest}"
        yield Finding("server", "error", f"{name} is not served", help_)
    elif number > newest:
        message = f"{name} is newer than what this version of Perdure was tested on"
        yield Finding("server", "warning", message, "look for a newer Perdure")
    else:
        yield Finding("server", "ok", name)
    if standby:
        message = "this server is a standby: nothing can be written"
        yield Finding("server", "error", message, "connect to the primary")
    elif read_only:
        message = "transactions are read-only by default here"
        help_ = "alter database ... reset default_transaction_read_only"
        yield Finding("server", "error", message, help_)
    if encoding != "UTF8":
        message = f"the encoding of this database is {encoding}"
        help_ = "texts outside of it fail: use a database in UTF8"
        yield Finding("server", "warning", message, help_)


def _installed(connection: Connection, sources: Sources) -> Iterator[Finding]:
    """Look at the version of what Perdure installs."""
    try:
        status = read_status(connection, sources)
    except EngineError as error:
        yield Finding("runtime", "error", str(error))
        return
    advice = status.advice(sources.title)
    if advice is None:
        message = f"the {sources.title} {status.installed} is current"
        yield Finding("runtime", "ok", message)
        return
    what, _, help_ = advice.partition("; ")
    yield Finding("runtime", "error", what, help_ or None)


def _worker(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look for workers, and for work that waits for one."""
    count = workers(connection)
    if count:
        noun = "connection" if count == 1 else "connections"
        yield Finding("worker", "ok", f"{count} {noun} of workers")
        return
    message, level = "no worker is connected", "warning"
    if one(connection, "select to_regclass('df.instances')")[0] is not None:
        query = "select count(*) from df.instances where ended_at is null"
        waiting = one(connection, query)[0]
        if waiting:
            noun = "run has" if waiting == 1 else "runs have"
            message += f", and {waiting} {noun} not ended"
            level = "error"
    help_ = "start one: perdure worker"
    yield Finding("worker", "error" if level == "error" else "warning", message, help_)


def _role(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look at whether this role can start runs."""
    role, schema = one(
        connection, "select current_user::text, to_regnamespace('df')::oid"
    )
    if schema is None:
        return
    allowed = one(connection, "select has_schema_privilege('df', 'usage')")[0]
    if allowed:
        yield Finding("role", "ok", f"role {role} may start runs")
        return
    help_ = f"as the owner of the runtime: select df.grant_usage('{role}')"
    yield Finding("role", "error", f"role {role} may not start runs", help_)


@dataclass(frozen=True, slots=True)
class _Setting:
    """A setting, values of it that hurt (a pattern), and why."""

    name: str
    bad: str
    why: str
    help: str


_SETTINGS = (
    _Setting(
        "fsync",
        "off",
        "a crash of the machine can destroy the database",
        "turn it on, except for tests",
    ),
    _Setting(
        "full_page_writes",
        "off",
        "a crash of the machine can destroy the database",
        "turn it on, except for tests",
    ),
    _Setting(
        "synchronous_commit",
        "off",
        "after a crash the last steps run again, requests included",
        "leave it on for the roles of workers",
    ),
    _Setting(
        "default_transaction_isolation",
        "serializable|repeatable read",
        "steps are not batched, and fail when others write the same rows",
        "set it for the transactions that need it only",
    ),
    _Setting(
        "standard_conforming_strings",
        "off",
        "statements are read otherwise than they were checked",
        "turn it on",
    ),
    _Setting(
        "max_connections",
        "[0-9]|[12][0-9]",
        "a worker and its steps need some of them",
        "raise it to 50 at least",
    ),
    _Setting(
        "track_activities",
        "off",
        "workers cannot be seen",
        "turn it on",
    ),
)


def _settings(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look for settings that hurt."""
    bad = 0
    for each in _SETTINGS:
        value = one(connection, "select current_setting(%s, true)", each.name)[0]
        if value is not None and re.fullmatch(each.bad, value):
            bad += 1
            message = f"{each.name} is {value}: {each.why}"
            yield Finding("settings", "warning", message, each.help)
    if not bad:
        yield Finding("settings", "ok", "no setting is in the way")


def setting(connection: Connection, name: str) -> str | None:
    """Return a setting, None where the server has none of that name."""
    value = one(connection, "select current_setting(%s, true)", name)[0]
    return None if value is None else str(value)


__all__ = ["Finding", "examine", "one", "setting"]
