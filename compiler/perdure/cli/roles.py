"""What stands in the way of running a workflow as the role that it names.

Where the command made the database, or the schema, it gives the role what is missing;
elsewhere it says what to do, before anything is deployed. The rejected way was to wait
for PostgreSQL's refusal, which names neither the workflow nor a remedy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from perdure.cli.project import fail

if TYPE_CHECKING:
    from perdure.engine.database import Database

_ROLE = """
select current_user, pg_catalog.quote_ident(w.schema), pg_catalog.quote_ident(w.role),
  pg_catalog.pg_has_role(current_user, r.oid, w.become),
  coalesce(pg_catalog.has_schema_privilege(r.oid, n.oid, 'usage')
    and pg_catalog.has_schema_privilege(r.oid, n.oid, 'create'), false),
  pg_catalog.has_schema_privilege(r.oid, 'df', 'usage')
from (select %s, %s, %s) as w (role, schema, become)
left join pg_catalog.pg_roles as r on r.rolname = w.role
left join pg_catalog.pg_namespace as n on n.nspname = w.schema
"""


def make_ready(
    database: Database, workflow: str, role: str, schema: str, *, ours: bool
) -> None:
    """Let a role run a workflow in a schema, or end the command and say how to.

    `ours` says that the schema is one of this command's own.
    """
    from perdure.engine import client

    what = f'workflow "{workflow}" runs as role "{role}"'
    with client.session(database) as connection:
        become = "set" if connection.info.server_version >= 160000 else "member"
        found = connection.execute(_ROLE, [role, schema, become]).fetchone()
        assert found is not None
        login, place, name, member, uses, starts = found
        if member is None:
            fail(f"{what}, which does not exist here", _making(name, database))
        if not member:
            fail(f'{what}, and "{login}" may not become it', f"grant {name} to {login}")
        made = f"create schema if not exists {place}"
        granted = f"grant usage, create on schema {place} to {name}"
        if not uses and not (ours or database.embedded):
            fail(f"{what}, which may not use schema {place}", f"{made}; {granted}")
        if not uses:
            connection.execute(f"{made}; {granted}".encode())
        if not starts and not database.embedded:
            help = f"as the owner of the runtime: select df.grant_usage('{role}')"
            fail(f"{what}, which may not start runs", help)
        if not starts:
            connection.execute("select df.grant_usage(%s, true)", [role])


def _making(name: str, database: Database) -> str:
    if database.embedded:
        return f"create role {name} in a file of the schema, then perdure run --fresh"
    return f"create role {name}"
