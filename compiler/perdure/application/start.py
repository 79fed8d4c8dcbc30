"""Starting a run: look up what is deployed, check the inputs, call its function.

What a workflow takes is told by the database, not by the Python code: what is deployed
may be another version. The look-up costs a round trip, and so no mistake in a call
becomes an error of the caller's transaction. Which inputs may not be null stands in the
function's body only, so it is read from there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from perdure.application.errors import NotDeployed, NotPermitted, WrongInput
from perdure.application.meant import meant
from perdure.application.query import Operation, Query, ask, query
from perdure.application.values import as_text, check_text

_DEPLOYED = r"""
select pg_catalog.json_build_object(
  'runtime', exists (select from pg_catalog.pg_namespace n where n.nspname = 'df'),
  'functions', (
    select pg_catalog.json_agg(pg_catalog.json_build_object(
      'names', coalesce(p.proargnames, '{}'),
      'types', array(
        select pg_catalog.format_type(t.oid, null)
        from pg_catalog.unnest(p.proargtypes) with ordinality as t (oid, place)
        order by t.place),
      'defaults', p.pronargdefaults,
      'not_null', (
        select (pg_catalog.regexp_match(b.prosrc,
          'if ([^;]*) then\s+raise null_value_not_allowed'))[1]
        from pg_catalog.pg_proc b
        where b.pronamespace = p.pronamespace
          and b.proname in (p.proname,
            (pg_catalog.regexp_match(p.prosrc, '(\w+_v[0-9]+)["(]'))[1])
          and b.prosrc ~ 'raise null_value_not_allowed'
        limit 1),
      'permitted', pg_catalog.has_schema_privilege(n.oid, 'usage')
        and pg_catalog.has_function_privilege(p.oid, 'execute')))
    from pg_catalog.pg_proc p
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    where n.nspname = q.schema and p.proname = q.function and p.prokind = 'f'
      and p.prorettype = 'pg_catalog.text'::pg_catalog.regtype),
  'known', array(
    select distinct v.name from (
      select pg_catalog.regexp_replace(p.proname, '_v[0-9]+$', '') as name
      from pg_catalog.pg_proc p
      join pg_catalog.pg_namespace n on n.oid = p.pronamespace
      where n.nspname = q.schema and p.proname ~ '_v[0-9]+$'
        and p.prorettype = 'pg_catalog.text'::pg_catalog.regtype) v
    order by v.name)
)::text
from (select ?::text as schema, ?::text as function) q
"""


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be started, in which schema; perhaps one version, once by its key."""

    name: str
    schema: str = "workflows"
    version: int | None = None
    key: str | None = None

    @property
    def function(self) -> str:
        """The name of the function that starts it."""
        return f"{self.name}_v{self.version}" if self.version else self.name


@dataclass(frozen=True, slots=True)
class Started:
    """A run; `created` says that this call made it, `transaction` in which one."""

    run_id: str
    created: bool
    transaction: str | None


@dataclass(frozen=True, slots=True)
class _Parameter:
    name: str
    type: str
    required: bool
    nullable: bool


def start(target: Target, inputs: Mapping[str, object]) -> Operation[Started]:
    """Start a run, in the transaction of the connection.

    Raises NotDeployed, NotPermitted, WrongInput.
    """
    if target.key is not None:
        check_text(target.key, "the key")
    deployed = yield from ask(query(_DEPLOYED, target.schema, target.function))
    parameters = _parameters(target, deployed)
    _check_names(target, parameters, inputs)
    given = [each for each in parameters if each.name in inputs]
    values = [as_text(inputs[each.name], each.type, each.name) for each in given]
    run_id, created, transaction = yield from ask(_call(target, given, values))
    return Started(run_id, created, transaction)


def _parameters(target: Target, deployed: Any) -> list[_Parameter]:
    functions = deployed["functions"]
    if not deployed["runtime"]:
        raise NotDeployed(
            "the runtime is not installed in this database; "
            '"perdure runtime install" installs it'
        )
    if not functions:
        raise NotDeployed(_unknown(target, deployed["known"]))
    shown = f"{target.schema}.{target.function}"
    if len(functions) > 1:
        raise NotDeployed(f"the function {shown} exists with several signatures")
    function = functions[0]
    if not function["permitted"]:
        raise NotPermitted(
            f"the role may not start {shown}; its owner allows it with: grant usage on "
            f"schema {target.schema}, and grant execute on function {shown}"
        )
    optional = len(function["types"]) - function["defaults"]
    pairs = zip(function["names"], function["types"], strict=False)
    tests = re.findall(r'(\w+)"? is null', function["not_null"] or "")
    return [
        _Parameter(name, type_, place < optional, name not in tests)
        for place, (name, type_) in enumerate(pairs)
    ]


def _unknown(target: Target, known: Sequence[str]) -> str:
    shown = f"{target.name}@{target.version}" if target.version else target.name
    message = f'no workflow "{shown}" is deployed in schema "{target.schema}"'
    if target.name in known:
        return f"{message}, but other versions of it are"
    if known:
        return message + meant(target.name, known, "deployed are")
    return (
        f'{message}, nor is any other; "perdure deploy" deploys workflows, and '
        "with_options(schema=...) names another schema"
    )


def _check_names(
    target: Target, parameters: Sequence[_Parameter], inputs: Mapping[str, object]
) -> None:
    names = [each.name for each in parameters]
    shown = ", ".join(f"{each.name} {each.type}" for each in parameters) or "none"
    wrong = [f'there is no input "{name}"' for name in inputs if name not in names]
    wrong += [
        f'input "{each.name}" ({each.type}) is missing'
        for each in parameters
        if each.required and each.name not in inputs
    ]
    wrong += [
        f'input "{each.name}" ({each.type}) may not be null'
        for each in parameters
        if not each.nullable and inputs.get(each.name, ...) is None
    ]
    if wrong:
        raise WrongInput(
            f"{'; '.join(wrong)}\nthe deployed workflow {target.name} has these "
            f"inputs: {shown}"
        )


def _call(
    target: Target, given: Sequence[_Parameter], values: Sequence[str | None]
) -> Query:
    """Return the call, which gives the run, whether it is new, and the transaction.

    A workflow may have a key of its own. That its run is new is seen by looking for
    it: what a statement has made itself, it does not see. With a key of the caller's
    the other start may be one that has just been waited for, and is not seen either.
    """
    call = [f"{_quoted(target.schema)}.{_quoted(target.function)}("]
    for number, each in enumerate(given):
        call[-1] += f"{', ' if number else ''}{_quoted(each.name)} => "
        call.append(f"::text::{each.type}")
    call[-1] += ")"
    if target.key is None:
        new = "not exists (select from df.instances i where i.id = s.run)"
        parts = [f"{_GIVE} s.run, {new}, {_TRANSACTION} from (select {call[0]}"]
        parts += call[1:]
        parts[-1] += " as run) s"
        return Query(tuple(parts), tuple(values))
    parts = [
        f"{_GIVE} coalesce(s.run, perdure.keep_start(",
        "::text, ",
        f"::text, {call[0]}",
        *call[1:],
    ]
    parts[-1] += f")), s.run is null, {_TRANSACTION} from (select perdure.started("
    parts += ["::text, ", "::text) as run) s"]
    key = (target.name, target.key)
    return Query(tuple(parts), (*key, *values, *key))


_GIVE = "select pg_catalog.json_build_array("
_TRANSACTION = "pg_catalog.pg_current_xact_id_if_assigned()::text)::text"


def _quoted(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'
