"""The function of a deployed version, and what stands in its text.

The graph of a version stands in its function, as the first argument of `df.start`. It
is read from there: to call the function would start a run, or find one by its key.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from perdure.engine.agreement import TOKEN
from perdure.engine.client import Connection
from perdure.engine.errors import UsageError

_START = "return df.start("
_INPUT = "input =>"
_REQUIRED = re.compile(r"if ([^;]*) then\s+raise null_value_not_allowed")
_IS_NULL = re.compile(r'("(?:[^"]|"")+"|\w+) is null')
_PARAMETERS = """
  select a.name, pg_catalog.format_type(a.type, null),
    pg_catalog.pg_get_function_arg_default(p.oid, a.number::integer)
  from pg_catalog.pg_proc p
  cross join unnest(p.proargnames, p.proargtypes::oid[])
    with ordinality a (name, type, number)
  where p.oid = %s order by a.number
"""


@dataclass(frozen=True, slots=True)
class Parameter:
    """An input of a version; `default` is an expression, None where there is none."""

    name: str
    type: str
    default: str | None
    nullable: bool


@dataclass(frozen=True, slots=True)
class VersionFunction:
    """What a version's function says: `made` is the expression of a run's input."""

    graph: str
    made: str | None
    parameters: tuple[Parameter, ...]
    settings: tuple[tuple[str, str], ...]

    @property
    def search_path(self) -> str | None:
        """The search_path that it sets."""
        return dict(self.settings).get("search_path")


def version_function(
    connection: Connection, schema: str, workflow: str, version: int
) -> VersionFunction:
    """Read the function of a version. Raises UsageError."""
    label = f"{workflow}@{version}"
    row = connection.execute(
        "select p.oid::bigint, p.prosrc, coalesce(p.proconfig, '{}')"
        " from pg_catalog.pg_proc p where p.proname = %s"
        " and p.pronamespace = to_regnamespace(quote_ident(%s))",
        [f"{workflow}_v{version}", schema],
    ).fetchone()
    if row is None:
        raise UsageError(_not_deployed(connection, label))
    oid, body, settings = row
    arguments = arguments_of(body)
    if not arguments:
        raise UsageError(f"the function of {label} is not what perdure compile writes")
    made = next((e for e in arguments if e.startswith(_INPUT)), None)
    required = _required(body)
    with connection.transaction():
        connection.execute("set local search_path = pg_catalog")
        parameters = connection.execute(_PARAMETERS, [oid]).fetchall()
    return VersionFunction(
        arguments[0],
        made.removeprefix(_INPUT) if made else None,
        tuple(
            Parameter(name, kind, default, name not in required)
            for name, kind, default in parameters
        ),
        tuple((name, value) for name, _, value in (e.partition("=") for e in settings)),
    )


def arguments_of(body: str) -> list[str]:
    """Return the arguments of `df.start` in the body of a version's function.

    >>> arguments_of("begin\\n  return df.start(df.seq('a', 'b'), 'w@1');\\nend")
    ["df.seq('a', 'b')", "'w@1'"]
    """
    begin = body.find(_START)
    if begin < 0:
        return []
    found: list[str] = []
    start, depth = begin + len(_START), 0
    for at, token in _tokens(body, start):
        if depth == 0 and token in (",", ")"):
            found.append(body[start:at].strip())
            start = at + 1
        if token == ")" and depth == 0:
            return found
        depth += {"(": 1, ")": -1}.get(token, 0)
    return []


def _tokens(body: str, start: int) -> Iterator[tuple[int, str]]:
    for found in TOKEN.finditer(body, start):
        yield found.start(), found[0]


def _required(body: str) -> set[str]:
    """Return the parameters that the body of a version's function lets not be null."""
    check = _REQUIRED.search(body[: body.find(_START)])
    names = _IS_NULL.findall(check[1]) if check else []
    return {name.strip('"').replace('""', '"') for name in names}


def _not_deployed(connection: Connection, label: str) -> str:
    """Say that a version is not deployed, and which ones of its workflow are."""
    workflow = label.partition("@")[0]
    rows = connection.execute(
        "select version from perdure.workflow_versions"
        " where name = %s and retired_at is null order by version",
        [workflow],
    ).fetchall()
    there = ", ".join(str(row[0]) for row in rows)
    return (
        f"{label} is not deployed in this database, which has: {there or 'none'}; "
        "perdure deploy brings what is compiled"
    )
