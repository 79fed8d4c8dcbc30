"""One workflow version as SQL: functions up and down, and its row in the register.

A version function is created, never replaced: a version is immutable. The current
function is replaced where its signature stays (its grants stay, too), else dropped
and created, because PostgreSQL identifies a function by the types it takes.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from perdure.emit import inputs, options
from perdure.emit.beside import keyed
from perdure.emit.current import LIMITS, described, dropped, refuse_runs, replaced
from perdure.emit.functions import comment_on, function_name, version_function
from perdure.emit.graph import Graph
from perdure.emit.layout import show
from perdure.emit.literals import dollar_quote, quote_name, quote_text
from perdure.emit.query import Values
from perdure.plan.target import Target
from perdure.plan.tree import Origin, Plan
from perdure.plan.version import MapEntry, Registration, Script, VersionSql

_BACK = "back to the version before it, if there is one"


def emit(
    plan: Plan,
    *,
    version: int,
    target: Target,
    schema: str = "workflows",
    registration: Registration,
) -> VersionSql:
    """Return the SQL of a legal plan as version `version` of its workflow."""
    values = Values(version, _splices(plan, target), registration.functions)
    graph = Graph(values)
    call = graph.node(plan.root)
    origins = (*graph.origins, *_calls(plan, graph.origins))
    source_map = tuple(_entry(origin, registration) for origin in origins)
    signature = tuple(inputs.declared(p) for p in inputs.ordered(plan.parameters))
    names = _Names(schema, plan, version, registration)
    beside = () if values.splices else inputs.beside(plan.parameters)
    native = target.can("options")
    started = (*beside, *(options.start_options(plan) if native else ()))
    start = inputs.start(call, f"{plan.workflow}@{version}", started)
    key = None if native else options.start_key(plan)
    if key is not None:
        start = keyed(start, plan.workflow, key)
    function = version_function(
        names.versioned,
        plan.workflow,
        plan.parameters,
        inputs.declarations(plan.parameters) if values.splices else (),
        show(start, 2),
        (
            *options.definer(plan.options),
            f"set search_path = {plan.search_path}",
            *(f"set {each}" for each in inputs.settings(plan.parameters)),
        ),
    )
    register = _register(plan, version, target, registration, signature, source_map)
    return VersionSql(
        plan.workflow,
        version,
        str(target),
        registration.digest,
        signature,
        plan.parameters,
        source_map,
        install=Script(
            _head(f"version {version}, for target {target}", plan, registration),
            _install(names, function, register, native=native),
        ),
        remove=Script(
            _head(f"version {version}: {_BACK}", plan, registration), _remove(names)
        ),
        description=plan.description,
        role=plan.options.role,
        scheduled=plan.options.schedule is not None,
    )


def _install(
    names: _Names, function: str, register: str, *, native: bool
) -> tuple[str, ...]:
    """Return the statements that install a version."""
    plan, schema = names.plan, names.schema
    return (
        *LIMITS,
        *options.place_check(plan.options, plan.workflow),
        f"create schema if not exists {quote_name(schema)};",
        function,
        *names.up(),
        *options.supervisor(plan, schema, names.version, native=native),
        register,
        *options.begin_schedule(plan, schema, names.version, names.previous),
    )


def _remove(names: _Names) -> tuple[str, ...]:
    """Return the statements that put the version before in its place.

    The register comes first: it refuses what is not taken back in order.
    """
    plan, schema = names.plan, names.schema
    return (
        *LIMITS,
        _unregister(plan.workflow, names.version),
        *names.down(),
        *options.end_schedule(plan, schema, names.version, names.previous),
        refuse_runs(plan.workflow, [names.version]),
        dropped(names.versioned, plan.parameters),
    )


def _splices(plan: Plan, target: Target) -> dict[str, str]:
    return {} if target.can("input") else inputs.splices(plan.parameters)


def _head(what: str, plan: Plan, registration: Registration) -> str:
    """Return the comment over a script: what it is, and what it was made from."""
    path = registration.source.path
    advice = "to change it, change that file and compile again."
    return "\n".join(
        [
            f"-- written by perdure: {plan.workflow}, {what}",
            f"-- Compiled from {path}; {advice}",
            f"-- Digest of what was compiled: {registration.digest}",
        ]
    )


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
        after, own = self.plan.parameters, self.plan.options
        old = self.previous.role if self.previous else None
        grants = []
        if before is not None and own.role is not None and own.role == old:
            grants = [
                options.grants_taken_over(self.current, self.versioned, before, after)
            ]
        return [
            comment_on(self.versioned, after, self._described(True)),
            *options.owned(own, self.versioned, after, new=True),
            *grants,
            *replaced(self.current, before, after, self.versioned, own.role, old),
            comment_on(self.current, after, self._described(False)),
        ]

    def down(self) -> list[str]:
        """Return what makes the previous version the current one again."""
        if self.previous is None:
            return [dropped(self.current, self.plan.parameters)]
        parameters, number = self.previous.parameters, self.previous.version
        versioned = function_name(self.schema, self.plan.workflow, number)
        text = described(
            self.plan.workflow, number, self.previous.description, whole=False
        )
        return [
            *replaced(
                self.current,
                self.plan.parameters,
                parameters,
                versioned,
                self.previous.role,
                self.plan.options.role,
            ),
            comment_on(self.current, parameters, text),
        ]

    def _described(self, whole: bool) -> str:
        return described(
            self.plan.workflow, self.version, self.plan.description, whole=whole
        )


def _calls(plan: Plan, origins: Sequence[Origin]) -> Iterator[Origin]:
    """Yield the calls of which steps are in the graph."""
    for call in plan.taken_in:
        if any(each.path.startswith(f"{call.path}.call.") for each in origins):
            yield call


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
        _sources(registration),
        dollar_quote(source_map_json(source_map), "map"),
        quote_text(registration.compiler_version),
        quote_text(str(target)),
    ]
    return (
        "insert into perdure.workflow_versions\n"
        "  (name, version, digest, signature, source, source_map, compiler_version,"
        " target)\nvalues (\n  " + ",\n  ".join(values) + "\n);"
    )


def _sources(registration: Registration) -> str:
    """Return the workflow's file, and after it all others that it was made from."""
    parts = [dollar_quote(registration.source.text, "source")]
    for path in sorted({*registration.beside} & {*registration.files}):
        text = f"\n--- {path}\n{registration.files[path].text}"
        parts.append(dollar_quote(text, "file"))
    return "\n  || ".join(parts)


def _unregister(workflow: str, version: int) -> str:
    return (
        "delete from perdure.workflow_versions\n"
        f"where name = {quote_text(workflow)} and version = {version};"
    )
