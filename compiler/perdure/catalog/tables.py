"""What is known of the relations and functions of a schema, read in one go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import psycopg

SEARCH_PATH = "public"
"""The search path of every statement, as `plan.tree.Plan.search_path` has it.

A step runs with the path that its workflow states, and without one with this: what
`"$user", public` means for a role that has no schema of its own.
"""


@dataclass(frozen=True, slots=True)
class TableColumn:
    """A column: `type` is the base type without modifier; `not_null` is enforced.

    `takes_null` says that a row with a null in it may be written, `filled` that a row
    gets a value when it is left out: a default, an identity, or one computed.
    """

    name: str
    type: str
    not_null: bool
    takes_null: bool
    filled: bool


@dataclass(frozen=True, slots=True)
class Table:
    """A relation. `keys` are sets of columns that no two of its rows share.

    `inserts` says that inserting one row returns that row: no trigger, rule or foreign
    partition can drop it or make another one of it. `updates` says so of updates.
    """

    schema: str
    name: str
    columns: Mapping[str, TableColumn]
    keys: tuple[frozenset[str], ...]
    inserts: bool
    updates: bool

    @property
    def qualified(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class Tables:
    """Relations by schema and name, enforced columns by number, kinds of functions.

    `sets`: names of functions that may return several rows; `aggregates`: names that
    only aggregates have; `steady`: names of functions none of which is volatile;
    `own`: names of functions outside of `pg_catalog`; `path`: the search path.
    """

    relations: Mapping[tuple[str, str], Table] = field(default_factory=dict)
    enforced: frozenset[tuple[int, int]] = frozenset()
    sets: frozenset[str] = frozenset()
    aggregates: frozenset[str] = frozenset()
    steady: frozenset[str] = frozenset()
    own: frozenset[str] = frozenset()
    path: tuple[str, ...] = (SEARCH_PATH,)

    def find(self, schema: str, name: str) -> Table | None:
        """Look up a relation as PostgreSQL would; an empty schema means the path."""
        places = (schema,) if schema else self.path
        found = (self.relations.get((each, name)) for each in places)
        return next((table for table in found if table), None)


# A not-null constraint that is not valid, or that children do not inherit, proves
# nothing; nor does one of a foreign table, or of a plain parent (a child may differ).
_NOT_NULL = """
a.attnotnull and c.relkind in ('r', 'p', 'm')
and not (c.relkind = 'r' and c.relhassubclass)
"""
_NOT_NULL_18 = """
and not exists (
  select from pg_catalog.pg_constraint n
  where n.conrelid = c.oid and n.contype = 'n' and n.conkey = array[a.attnum]
    and not n.convalidated)
"""
_COLUMNS = """
select c.oid, n.nspname, c.relname, a.attnum, a.attname,
  pg_catalog.format_type(
    case t.typtype when 'd' then t.typbasetype else t.oid end, null),
  {not_null},
  not a.attnotnull and not case when t.typtype = 'd' then (
    with recursive chain (base, not_null) as (
      select t.typbasetype, t.typnotnull
      union all
      select b.typbasetype, b.typnotnull
      from chain join pg_catalog.pg_type b on b.oid = chain.base)
    select pg_catalog.bool_or(chain.not_null) from chain) else false end,
  a.atthasdef or a.attidentity <> '' or t.typdefault is not null
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid
join pg_catalog.pg_type t on t.oid = a.atttypid
where c.relkind in ('r', 'p', 'm', 'v', 'f') and a.attnum > 0 and not a.attisdropped
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
order by c.oid, a.attnum
"""
_KEYS = """
select i.indrelid, array(
  select a.attname::text from pg_catalog.pg_attribute a
  where a.attrelid = i.indrelid and a.attnum = any (
    (i.indkey::int2[])[0:i.indnkeyatts - 1]))
from pg_catalog.pg_index i
join pg_catalog.pg_class c on c.oid = i.indrelid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where i.indisunique and i.indisvalid and i.indimmediate
  and i.indpred is null and i.indexprs is null
  and not (c.relkind = 'r' and c.relhassubclass)
  and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
"""
# An update may move a row to another partition, where the triggers of inserts run.
_WRITES = """
select c.oid, b.inserting = 0,
  b.updating = 0 and (c.relkind = 'p' or not c.relhassubclass)
from pg_catalog.pg_class c
cross join lateral (
  select case c.relkind
    when 'p' then array(select p.relid::oid from pg_catalog.pg_partition_tree(c.oid) p)
    else array[c.oid] end) w (tables)
cross join lateral (
  select count(*) filter (where t.tgtype & 4 = 4),
    count(*) filter (where t.tgtype & 16 = 16 or c.relkind = 'p')
  from pg_catalog.pg_trigger t
  where t.tgrelid = any (w.tables) and t.tgtype & 1 = 1 and t.tgtype & 2 = 2
) b (inserting, updating)
where c.relkind in ('r', 'p') and not c.relhasrules and not exists (
  select from pg_catalog.pg_class f where f.oid = any (w.tables) and f.relkind = 'f')
"""
_FUNCTIONS = """
select p.proname, bool_or(p.proretset), bool_and(p.prokind = 'a'),
  bool_or(p.provolatile = 'v'), bool_or(p.pronamespace <> 'pg_catalog'::regnamespace)
from pg_catalog.pg_proc p group by p.proname
"""


def read_tables(connection: psycopg.Connection) -> Tables:
    """Read the tables of a database; types come out schema-qualified when the search
    path of the connection is empty."""
    columns, names, enforced = _read_columns(connection)
    keys: dict[int, list[frozenset[str]]] = {}
    for oid, key in connection.execute(_KEYS):
        keys.setdefault(oid, []).append(frozenset(key))
    writes = {oid: kinds for oid, *kinds in connection.execute(_WRITES)}
    functions = connection.execute(_FUNCTIONS).fetchall()
    return Tables(
        {
            name: Table(
                *name,
                columns[oid],
                tuple(keys.get(oid, ())),
                *writes.get(oid, (False, False)),
            )
            for oid, name in names.items()
        },
        frozenset(enforced),
        frozenset(row[0] for row in functions if row[1]),
        frozenset(row[0] for row in functions if row[2]),
        frozenset(row[0] for row in functions if not row[3]),
        frozenset(row[0] for row in functions if row[4]),
    )


def _read_columns(
    connection: psycopg.Connection,
) -> tuple[
    dict[int, dict[str, TableColumn]], dict[int, tuple[str, str]], set[tuple[int, int]]
]:
    recent = connection.info.server_version >= 180000
    query = _COLUMNS.format(not_null=_NOT_NULL + (_NOT_NULL_18 if recent else ""))
    columns: dict[int, dict[str, TableColumn]] = {}
    names: dict[int, tuple[str, str]] = {}
    enforced: set[tuple[int, int]] = set()
    for oid, schema, table, number, name, *of_column in connection.execute(
        query.encode()
    ):
        names[oid] = (schema, table)
        column = TableColumn(name, *of_column)
        columns.setdefault(oid, {})[name] = column
        if column.not_null:
            enforced.add((oid, number))
    return columns, names, enforced
