"""The functions of a schema as the catalog has them, and those that statements make.

What a statement makes is found out by making it among the session's own functions, in
a transaction that is rolled back. Names are shown qualified unless they are built in,
so that what is read does not hang on the search_path.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg

from perdure.engine.deploy import Connection

_KINDS = {"f": "function", "w": "function", "p": "procedure", "a": "aggregate"}
_VOLATILITY = {"v": "volatile", "s": "stable", "i": "immutable"}
_PARALLEL = {"u": "unsafe", "r": "restricted", "s": "safe"}
_COLUMNS = """
    p.prokind::text, pg_catalog.oidvectortypes(p.proargtypes),
    pg_catalog.pg_get_function_arguments(p.oid),
    coalesce(pg_catalog.pg_get_function_result(p.oid), ''), l.lanname::text,
    p.provolatile::text,
    case when p.prosecdef then 'its owner' else 'its caller' end,
    case when p.proisstrict then 'give null' else 'are passed' end,
    p.proleakproof, p.proparallel::text,
    array(select s from unnest(p.proconfig) s order by s),
    case when p.prosqlbody is null then p.prosrc
      else pg_catalog.pg_get_function_sqlbody(p.oid) end
"""
_FROM = """
  from pg_catalog.pg_proc p
  join pg_catalog.pg_language l on l.oid = p.prolang
  join pg_catalog.pg_namespace n on n.oid = p.pronamespace
"""
_OWN = f"select {_COLUMNS} {_FROM} where n.oid = pg_catalog.pg_my_temp_schema()"


D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class There(Generic[D]):
    """A function of a schema: whose it is, and who may call it beside the owner."""

    name: str
    definition: D
    identity: str
    owner: str
    public: bool
    grants: tuple[str, ...]


def has_schema(connection: Connection, schema: str) -> bool:
    """Say whether a schema is there."""
    query = "select exists (select from pg_catalog.pg_namespace where nspname = %s)"
    row = connection.execute(query, [schema]).fetchone()
    return row is not None and bool(row[0])


def routines(
    connection: Connection, schema: str, define: Callable[..., D]
) -> list[There[D]]:
    """Return a schema's functions; a name may have several.

    `define` makes a definition of what says what a function does, in words, by name.
    """
    query = f"""
        select p.proname::text, pg_catalog.pg_get_userbyid(p.proowner)::text,
          pg_catalog.format('%%I.%%I(%%s)', n.nspname, p.proname,
            pg_catalog.oidvectortypes(p.proargtypes)),
          exists (select from pg_catalog.aclexplode(coalesce(p.proacl,
            pg_catalog.acldefault('f', p.proowner))) a where a.grantee = 0),
          array(select pg_catalog.quote_ident(r.rolname)
              || case when a.is_grantable then ' with grant option' else '' end
            from pg_catalog.aclexplode(p.proacl) a
            join pg_catalog.pg_roles r on r.oid = a.grantee
            where a.grantee <> p.proowner order by 1),
          {_COLUMNS} {_FROM} where n.nspname = %s order by p.oid
    """
    with _shown_qualified(connection):
        rows = connection.execute(query.encode(), [schema]).fetchall()
    return [_there(row, define) for row in rows]


def made_by(
    connection: Connection, statement: str, define: Callable[..., D]
) -> D | str:
    """Return what a `create function pg_temp...` makes, or why it can't.

    It is gone again afterwards.
    """
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("set local check_function_bodies = off")
            connection.execute(statement.encode())
            with _shown_qualified(connection):
                row = connection.execute(_OWN.encode()).fetchone()
    except psycopg.OperationalError:
        raise
    except psycopg.Error as error:
        return error.diag.message_primary or str(error)
    assert row is not None  # the session has made just this one
    return _defined(row, define)


def _there(row: Sequence[Any], define: Callable[..., D]) -> There[D]:
    name, owner, identity, public, grants, *more = row
    definition = _defined(more, define)
    return There(name, definition, identity, owner, public, tuple(grants))


@contextmanager
def _shown_qualified(connection: Connection) -> Iterator[None]:
    with connection.transaction(force_rollback=True):
        connection.execute("set local search_path = pg_catalog")
        yield


def _defined(row: Sequence[Any], define: Callable[..., D]) -> D:
    kind, types, arguments, result, language, volatility, *more = row
    security, strictness, leakproof, parallel, settings, body = more
    return define(
        kind=_KINDS[kind],
        types=types,
        arguments=arguments,
        result=result,
        language=language,
        volatility=_VOLATILITY[volatility],
        security=security,
        strictness=strictness,
        leakproof=leakproof,
        parallel=_PARALLEL[parallel],
        settings=tuple(settings),
        body=body,
    )
