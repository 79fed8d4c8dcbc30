"""What is wrong with pg_durable in a database, and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

from perdure.engine.doctor import Check, Finding, one, setting
from perdure.engine.install import Sources

Connection = psycopg.Connection[Any]

_WORKER = "pg_durable_worker"


def version_of(connection: Connection) -> tuple[int, ...] | None:
    """Return the version of the extension in a database, None where it is not."""
    row = connection.execute(
        "select extversion from pg_extension where extname = 'pg_durable'"
    ).fetchone()
    return None if row is None else _number(row[0])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:3])


def _extension(connection: Connection, sources: Sources) -> Iterator[Finding]:
    """Look at the version that is there, against the one that has to be served."""
    found = version_of(connection)
    oldest = ".".join(map(str, sources.extension))
    if found is None:
        yield _absent(connection)
        return
    version = ".".join(map(str, found))
    if found < sources.extension:
        message = f"pg_durable {version} is older than the target, {oldest}"
        help_ = "alter extension pg_durable update, once the server has a newer one"
        yield Finding(
            "extension", "error", message, f'{help_}; or target "pg_durable>={version}"'
        )
    else:
        yield Finding("extension", "ok", f"pg_durable {version}")


def _absent(connection: Connection) -> Finding:
    query = (
        "select default_version from pg_available_extensions where name = 'pg_durable'"
    )
    row = connection.execute(query.encode()).fetchone()
    if row is None:
        message = "this server does not have the extension pg_durable"
        help_ = 'install it on the server, or use target "perdure"'
        return Finding("extension", "error", message, help_)
    message = f"the server has pg_durable {row[0]}, this database does not"
    help_ = "as the owner of the database: create extension pg_durable"
    return Finding("extension", "error", message, help_)


def _loaded(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look at whether the server runs the extension's worker, for this database."""
    database = setting(connection, "pg_durable.database")
    if database is None:
        message = "pg_durable is not loaded by the server"
        help_ = "add it to shared_preload_libraries, and start the server anew"
        yield Finding("worker", "error", message, help_)
        return
    here = one(connection, "select current_database()")[0]
    if database != here and (version_of(connection) or ()) < (0, 2, 9):
        message = f'pg_durable serves database "{database}", this is "{here}"'
        help_ = f"set pg_durable.database = '{here}', and start the server anew"
        yield Finding("worker", "error", message, help_)
    query = (
        "select count(*) from pg_stat_activity"
        " where backend_type = %s or application_name = %s"
    )
    if one(connection, query, _WORKER, _WORKER)[0]:
        yield Finding("worker", "ok", "the worker of pg_durable is connected")
    else:
        message = "the worker of pg_durable cannot be seen"
        help_ = "look into the log of the server, or ask as a role with pg_monitor"
        yield Finding("worker", "warning", message, help_)


def _role(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look at whether this role can start runs."""
    role, login, superuser = one(
        connection,
        "select rolname::text, rolcanlogin, rolsuper"
        " from pg_roles where rolname = current_user",
    )
    allowed = setting(connection, "pg_durable.enable_superuser_instances") == "on"
    if superuser and not allowed:
        message = f"role {role} is a superuser, and superusers may not start runs"
        help_ = "start runs as another role; for tests only, set "
        help_ += "pg_durable.enable_superuser_instances = on"
        yield Finding("role", "warning", message, help_)
    elif not login:
        message = f"role {role} may not log in, which the steps of its runs do"
        yield Finding("role", "error", message, f"alter role {role} login")
    elif one(connection, "select to_regnamespace('df')::oid")[0] is None:
        return
    elif one(connection, "select has_schema_privilege('df', 'usage')")[0]:
        yield Finding("role", "ok", f"role {role} may start runs")
    else:
        message = f"role {role} may not start runs"
        help_ = f"select df.grant_usage('{role}'); select perdure.grant_usage('{role}')"
        yield Finding("role", "error", message, help_)


def _limits(connection: Connection, _: Sources) -> Iterator[Finding]:
    """Look at the connections that steps may take, and how long runs are kept."""
    steps = setting(connection, "pg_durable.max_user_connections")
    most = setting(connection, "max_connections")
    if steps is not None and most is not None and int(steps) * 2 > int(most):
        message = f"steps may take {steps} of {most} connections"
        help_ = "lower pg_durable.max_user_connections, or raise max_connections"
        yield Finding("limits", "warning", message, help_)
    if setting(connection, "pg_durable.retention_days") == "0":
        message = "runs that have ended are removed at once: their results are lost"
        help_ = "raise pg_durable.retention_days"
        yield Finding("limits", "warning", message, help_)


CHECKS: tuple[tuple[str, Check], ...] = (
    ("extension", _extension),
    ("worker", _loaded),
    ("role", _role),
    ("limits", _limits),
)
