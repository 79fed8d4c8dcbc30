"""Functions and views that a statement uses, with digests of their definitions.

They are bound late: a step finds them when it runs, as they are then. PostgreSQL
itself says which ones are used. The statement becomes the body of a function of the
session (`begin atomic`), whose dependencies PostgreSQL records, overloads resolved and
views followed; then everything is rolled back. Reading names out of the text is the
rejected way: it can't tell one overload from another.

What PostgreSQL prints of a stored query differs between its major versions. A digest
that rests on such a print begins with the version and a colon, and is comparable with
those of the same version only; that of a function whose body is text is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg

from perdure.catalog.model import Rejected, Use
from perdure.catalog.wire import describe, execute

_NAME = "perdure_uses"
_CALL = re.compile(r"\s*call\s+([\w.\"$]+)\s*\(", re.IGNORECASE)

_USED = f"""
with recursive used (class, id) as (
  select d.refclassid, d.refobjid
  from pg_catalog.pg_depend d
  join pg_catalog.pg_proc p on d.objid = p.oid
  where d.classid = 'pg_catalog.pg_proc'::regclass and p.proname = '{_NAME}'
    and p.pronamespace = pg_catalog.pg_my_temp_schema()
  union
  select n.class, n.id from used u cross join lateral (
    select d.refclassid, d.refobjid
    from pg_catalog.pg_rewrite w
    join pg_catalog.pg_depend d
      on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = w.oid
    where u.class = 'pg_catalog.pg_class'::regclass and w.ev_class = u.id
    union all
    select d.refclassid, d.refobjid from pg_catalog.pg_depend d
    where u.class = 'pg_catalog.pg_proc'::regclass
      and d.classid = u.class and d.objid = u.id
    union all
    select 'pg_catalog.pg_proc'::regclass::oid, o.oprcode::oid
    from pg_catalog.pg_operator o
    where u.class = 'pg_catalog.pg_operator'::regclass and o.oid = u.id) n (class, id)
)
"""

_NAMED = "select class, id from used"
_EVERY = """
select 'pg_catalog.pg_proc'::regclass::oid as class, oid as id from pg_catalog.pg_proc
union all
select 'pg_catalog.pg_class'::regclass, oid from pg_catalog.pg_class
"""

_FOREIGN = (
    "'pg_catalog', 'information_schema', 'df', 'df_graph', 'df_engine', 'df_exec',"
    " 'perdure'"
)

_DEFINED = """
select format('%I.%I(%s)', s.nspname, p.proname,
    pg_catalog.oidvectortypes(p.proargtypes)) as name,
  p.prosqlbody is not null as printed,
  pg_catalog.jsonb_build_array(p.prokind, l.lanname, p.provolatile, p.prosecdef,
    p.proisstrict, p.proconfig, pg_catalog.pg_get_function_arguments(p.oid),
    pg_catalog.pg_get_function_result(p.oid), p.probin,
    coalesce(pg_catalog.pg_get_function_sqlbody(p.oid), p.prosrc))::text as definition
from ({wanted}) u
join pg_catalog.pg_proc p on u.class = 'pg_catalog.pg_proc'::regclass and u.id = p.oid
join pg_catalog.pg_namespace s on s.oid = p.pronamespace
join pg_catalog.pg_language l on l.oid = p.prolang
where s.nspname not in ({foreign})
  and s.nspname not like 'pg\\_temp\\_%'
  and not exists (select from pg_catalog.pg_depend e where e.classid = u.class
    and e.objid = u.id and e.deptype = 'e')
union all
select format('%I.%I', s.nspname, c.relname), true,
  pg_catalog.pg_get_viewdef(c.oid)
from ({wanted}) u
join pg_catalog.pg_class c on u.class = 'pg_catalog.pg_class'::regclass and u.id = c.oid
join pg_catalog.pg_namespace s on s.oid = c.relnamespace
where c.relkind in ('v', 'm')
  and s.nspname not in ({foreign})
  and not exists (select from pg_catalog.pg_depend e where e.classid = u.class
    and e.objid = u.id and e.deptype = 'e')
"""

_NAMES = f"""
select p.proname from pg_catalog.pg_proc p
join pg_catalog.pg_namespace s on s.oid = p.pronamespace
where s.nspname not in ({_FOREIGN})
union
select c.relname from pg_catalog.pg_class c
join pg_catalog.pg_namespace s on s.oid = c.relnamespace
where c.relkind in ('v', 'm') and s.nspname not in ({_FOREIGN})
union
(select null from pg_catalog.pg_operator where oid >= 16384 limit 1)
union
(select null from pg_catalog.pg_cast where oid >= 16384 limit 1)
"""

_DIGESTS = """
select name, (case when printed
    then current_setting('server_version_num')::integer / 10000 || ':' else '' end)
  || encode(sha256(convert_to(definition, 'UTF8')), 'hex')
from ({defined}) f order by name
"""


class Filter:
    """Tells statements that can't use anything, by the names in their text.

    Most statements use tables only, and need not be asked about. Where the schema has
    operators or casts of its own, all are.
    """

    def __init__(self, connection: psycopg.Connection) -> None:
        rows = connection.execute(_NAMES.encode()).fetchall()
        names = {str(name).lower() for (name,) in rows if name is not None}
        self._always = any(name is None for (name,) in rows) or any(
            '"' in name for name in names
        )
        self._names = names

    def passes(self, sql: str) -> bool:
        """Say whether a statement may use a function or a view."""
        text = sql.lower()
        if self._always or 'u&"' in text:
            return True
        return any(name in text for name in self._names)


def uses_of(connection: psycopg.Connection, sql: str) -> tuple[Use, ...]:
    """Return the functions and views that a statement uses, by name.

    Nothing is returned for a statement that PostgreSQL refuses.
    """
    shape = describe(connection.pgconn, sql)
    if isinstance(shape, Rejected):
        return ()
    types = ", ".join(f"{oid}::oid" for oid in shape.parameters)
    names = connection.execute(
        f"select pg_catalog.format_type(t, null) from unnest(array[{types}]::oid[])"
        " with ordinality u (t, n) order by n"
    ).fetchall()
    declared = ", ".join(str(name) for (name,) in names)
    execute(connection.pgconn, "begin")
    try:
        refused = execute(
            connection.pgconn,
            f"create function pg_temp.{_NAME}({declared}) returns void language sql"
            f" begin atomic {sql}\n; end",
        )
        if refused is not None:
            execute(connection.pgconn, "rollback")
            execute(connection.pgconn, "begin")
            return tuple(_called(connection, sql))
        execute(connection.pgconn, "set local search_path = ''")
        return _asked(connection, _USED, _NAMED)
    finally:
        execute(connection.pgconn, "rollback")


def definitions(connection: psycopg.Connection) -> tuple[Use, ...]:
    """Return all functions and views of the schema, by name.

    The search path of the connection is to be empty.
    """
    return _asked(connection, "", _EVERY)


def _called(connection: psycopg.Connection, sql: str) -> Iterator[Use]:
    """Yield the procedure of a `call`, which is no statement of a function's body."""
    found = _CALL.match(sql)
    if found is None:
        return
    row = connection.execute(
        "select pg_catalog.to_regproc(%s)::oid", [found[1]]
    ).fetchone()
    if row is None or row[0] is None:
        return
    execute(connection.pgconn, "set local search_path = ''")
    wanted = f"select 'pg_catalog.pg_proc'::regclass::oid as class, {row[0]}::oid as id"
    yield from _asked(connection, "", wanted)


def _asked(connection: psycopg.Connection, head: str, wanted: str) -> tuple[Use, ...]:
    text = head + _DIGESTS.format(
        defined=_DEFINED.format(wanted=wanted, foreign=_FOREIGN)
    )
    rows = connection.execute(text.encode()).fetchall()
    return tuple(Use(str(name), str(digest)) for name, digest in rows)
