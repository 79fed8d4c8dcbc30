"""One workflow version as SQL: functions up and down, and its row in the register.

A version function is created, never replaced: a version is immutable. The current
function is replaced where its signature stays (its grants stay, too), else dropped
and created, because PostgreSQL identifies a function by the types it takes.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from perdure.emit import inputs
from perdure.emit.functions import (
    comment_on,
    current_function,
    function_name,
    identity,
    version_function,
)
from perdure.emit.graph import Graph
from perdure.emit.layout import show
from perdure.emit.literals import dollar_quote, quote_name, quote_text
from perdure.emit.pages import page
from perdure.emit.query import Values
from perdure.plan.target import Target
from perdure.plan.tree import Origin, Parameter, Plan
from perdure.plan.version import MapEntry, Registration, VersionSql


def emit(
    plan: Plan,
    *,
    version: int,
    target: Target,
    schema: str = "workflows",
    registration: Registration,
) -> VersionSql:
    """Return the SQL of a legal plan as version `version` of its workflow."""
    values = Values(version, _splices(plan, target))
    graph = Graph(values)
    call = graph.node(plan.root)
    source_map = tuple(_entry(origin, registration) for origin in graph.origins)
    signature = tuple(inputs.declared(p) for p in inputs.ordered(plan.parameters))
    names = _Names(schema, plan, version, registration)
    beside = () if values.splices else inputs.beside(plan.parameters)
    start = inputs.start(call, f"{plan.workflow}@{version}", beside)
    facts = {
        "workflow": plan.workflow,
        "version": version,
        "registration": registration,
        "target": str(target),
        "schema": quote_name(schema),
        "version_function": version_function(
            names.versioned,
            plan.workflow,
            plan.parameters,
            inputs.declarations(plan.parameters) if values.splices else (),
            show(start, 2),
            (
                f"search_path = {plan.search_path}",
                *inputs.settings(plan.parameters),
            ),
        ),
        "register": _register(
            plan, version, target, registration, signature, source_map
        ),
        "up": names.up(),
        "down": names.down(),
        "drop_version": names.dropped(names.versioned, plan.parameters),
        "unregister": _unregister(plan.workflow, version),
    }
    return VersionSql(
        plan.workflow,
        version,
        str(target),
        registration.digest,
        signature,
        plan.parameters,
        source_map,
        up=page("version.up.sql.j2", facts),
        down=page("version.down.sql.j2", facts),
        description=plan.description,
    )


def _splices(plan: Plan, target: Target) -> dict[str, str]:
    return {} if target.can("input") else inputs.splices(plan.parameters)


class _Names:
    """Statements about the functions of a workflow before and after a version."""

    def __init__(
        self, schema: str, plan: Plan, version: int, registration: Registration
    ) -> None:
        self.plan = plan
        self.version = version
        self.previous = registration.previous
        self.schema = schema
        self.versioned = function_name(schema, plan.workflow, version)
        self.current = function_name(schema, plan.workflow, None)

    def up(self) -> list[str]:
        """Return what makes this version the current one."""
        before = self.previous.parameters if self.previous else None
        return [
            comment_on(self.versioned, self.plan.parameters, self._described(True)),
            *self._replace(before, self.plan.parameters, self.versioned),
            comment_on(self.current, self.plan.parameters, self._described(False)),
        ]

    def down(self) -> list[str]:
        """Return what makes the previous version the current one again."""
        if self.previous is None:
            return [self.dropped(self.current, self.plan.parameters)]
        parameters, number = self.previous.parameters, self.previous.version
        versioned = function_name(self.schema, self.plan.workflow, number)
        text = _description(
            self.plan.workflow, number, self.previous.description, whole=False
        )
        return [
            *self._replace(self.plan.parameters, parameters, versioned),
            comment_on(self.current, parameters, text),
        ]

    def dropped(self, name: str, parameters: Sequence[Parameter]) -> str:
        return f"drop function {identity(name, parameters)};"

    def _replace(
        self,
        before: Sequence[Parameter] | None,
        after: Sequence[Parameter],
        versioned: str,
    ) -> list[str]:
        if before is None:
            return [current_function("create function", self.current, versioned, after)]
        if _declared(before) == _declared(after):
            verb = "create or replace function"
            return [current_function(verb, self.current, versioned, after)]
        return [
            self.dropped(self.current, before),
            current_function("create function", self.current, versioned, after),
        ]

    def _described(self, whole: bool) -> str:
        return _description(
            self.plan.workflow, self.version, self.plan.description, whole=whole
        )


def _description(
    workflow: str, version: int, description: str | None, *, whole: bool
) -> str:
    """Return the comment of a function: which version it is of, and what it is for."""
    start = f"{workflow}, version {version}"
    head = start if whole else f"Starts a run of {start}"
    return f"{head}: {description.strip()}" if description else head


def _declared(parameters: Sequence[Parameter]) -> list[str]:
    return [inputs.declared(each) for each in inputs.ordered(parameters)]


def _entry(origin: Origin, registration: Registration) -> MapEntry:
    span = origin.span
    if span is None:
        return MapEntry(origin.path, origin.name, origin.role, None, None)
    source = registration.files.get(span.path)
    if span.path == registration.source.path:
        source = registration.source
    line = source.position(span.start)[0] if source else None
    return MapEntry(origin.path, origin.name, origin.role, span.path, line)


def source_map_json(entries: Sequence[MapEntry]) -> str:
    """Return the source map as JSON, one entry a line."""
    lines = [json.dumps(_data(entry), ensure_ascii=False) for entry in entries]
    return "[\n" + ",\n".join(lines) + "\n]"


def _data(entry: MapEntry) -> dict[str, object]:
    return {
        "path": entry.path,
        "name": entry.name,
        "role": entry.role,
        "file": entry.file,
        "line": entry.line,
    }


def _register(
    plan: Plan,
    version: int,
    target: Target,
    registration: Registration,
    signature: Sequence[str],
    source_map: Sequence[MapEntry],
) -> str:
    values = [
        quote_text(plan.workflow),
        str(version),
        quote_text(registration.digest),
        quote_text(", ".join(signature)),
        _sources(registration, source_map),
        dollar_quote(source_map_json(source_map), "map"),
        quote_text(registration.compiler_version),
        quote_text(str(target)),
    ]
    return (
        "insert into perdure.workflow_versions\n"
        "  (name, version, digest, signature, source, source_map, compiler_version,"
        " target)\nvalues (\n  " + ",\n  ".join(values) + "\n);"
    )


def _sources(registration: Registration, source_map: Sequence[MapEntry]) -> str:
    """Return the workflow's file, and after it the SQL files and modules it needs."""
    own = registration.source.path
    others = {entry.file for entry in source_map if entry.file} - {own}
    others |= set(registration.beside)
    parts = [dollar_quote(registration.source.text, "source")]
    for path in sorted(others & set(registration.files)):
        text = f"\n--- {path}\n{registration.files[path].text}"
        parts.append(dollar_quote(text, "file"))
    return "\n  || ".join(parts)


def _unregister(workflow: str, version: int) -> str:
    return (
        "delete from perdure.workflow_versions\n"
        f"where name = {quote_text(workflow)} and version = {version};"
    )
