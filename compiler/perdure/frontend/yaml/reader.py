"""Read a workflow file: the entry point, and the reader of every kind of value."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.yaml import blocks, steps, values
from perdure.frontend.yaml.calls import CALL_READERS, options_of
from perdure.frontend.yaml.comments import read_ignores
from perdure.frontend.yaml.compose import Document, compose
from perdure.frontend.yaml.context import Context, Load, wrong_kind
from perdure.frontend.yaml.language import WORKFLOW, Key, Kind
from perdure.frontend.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from perdure.frontend.yaml.records import read_record
from perdure.frontend.yaml.shared import Shared, read_retries, read_types
from perdure.source import Source, Span
from perdure.syntax.tree import Ignore, Workflow

READERS: Mapping[Kind, Callable[[Context, Node, Key], Any]] = {
    Kind.NAME: values.read_name,
    Kind.TEXT: values.read_text,
    Kind.EXPRESSION: values.read_expression,
    Kind.TEMPLATE: values.read_template,
    Kind.MESSAGE: values.read_message,
    Kind.SQL: values.read_sql_text,
    Kind.FILE: values.read_sql_file,
    Kind.REQUEST: values.read_request,
    Kind.DURATION: values.read_duration,
    Kind.TIMEOUT: values.read_timeout,
    Kind.DELAY: values.read_delay,
    Kind.TYPE: values.read_type,
    Kind.INPUTS: values.read_inputs,
    Kind.VALUE: values.read_value,
    Kind.RESULT: values.read_result,
    Kind.HEADERS: values.read_headers,
    Kind.BINDINGS: values.read_bindings,
    Kind.STEPS: steps.read_steps,
    Kind.ARMS: steps.read_arms,
    Kind.BRANCHES: steps.read_branches,
    Kind.EXPECT: values.read_expect,
    Kind.EFFECTS: values.read_effects,
    Kind.RETRY: steps.read_retry,
    Kind.COUNT: values.read_count,
    Kind.FACTOR: values.read_factor,
    Kind.FLAG: values.read_flag,
    Kind.CONDITIONS: values.read_conditions,
    Kind.NOTHING: values.read_nothing,
    Kind.LIMIT: values.read_limit,
    Kind.CASES: blocks.read_cases,
    Kind.EACH: blocks.read_each,
    Kind.COLUMNS: blocks.read_columns,
    Kind.CRON: blocks.read_cron,
    Kind.ZONE: blocks.read_zone,
    **CALL_READERS,
    Kind.TYPES: read_types,
    Kind.RETRIES: read_retries,
}


def read(
    source: Source, load: Load, shared: Shared | None = None
) -> tuple[Workflow | None, list[Diagnostic]]:
    """Read a workflow file.

    `load` reads the file of a `sql_file`, by its path as written; None if there is
    none. The tree has every part that could be read, also when there are findings;
    it is None when there is no mapping with a proper name and steps. `shared` are the
    definitions of the project.
    """
    document = compose(source)
    ctx = Context(source, load, READERS, document.found, shared=shared)
    ignores, malformed = read_ignores(source, document.scalars)
    ctx.found.extend(malformed)
    workflow = _read_root(ctx, document, ignores)
    return workflow, sorted(ctx.found, key=_place)


def _place(diagnostic: Diagnostic) -> tuple[str, int, int]:
    span = diagnostic.span
    return (span.path, span.start, span.end) if span else ("", 0, 0)


def _read_root(
    ctx: Context, document: Document, ignores: tuple[Ignore, ...]
) -> Workflow | None:
    match document.root:
        case None if document.found:
            return None
        case None:
            _empty(ctx)
        case ScalarNode() as node if node.nothing:
            _empty(ctx)
        case MappingNode() as node:
            return _read_workflow(ctx, node, ignores)
        case node:
            wrong_kind(ctx, node, "a workflow", _help(node))
    return None


def _empty(ctx: Context) -> None:
    span = Span(ctx.source.path, 0, 0)
    help_ = 'a workflow file begins with "workflow:" and has "steps:"'
    ctx.found.append(error("WF106", span, "the file is empty", help=help_))


def _help(node: Node) -> str:
    if isinstance(node, SequenceNode):
        return 'put the steps below the key "steps"'
    return 'write "workflow:" and a name first'


def _read_workflow(
    ctx: Context, node: MappingNode, ignores: tuple[Ignore, ...]
) -> Workflow | None:
    record = read_record(ctx, node, WORKFLOW, "the workflow")
    if record is None:
        return None
    fields = record.values
    return Workflow(
        name=fields["workflow"],
        description=fields.get("description"),
        inputs=fields.get("input", ()),
        returns=fields.get("returns"),
        steps=fields["steps"],
        path=ctx.source.path,
        ignores=ignores,
        unread=tuple(sorted(ctx.unread)),
        options=options_of(ctx, fields, {key.value for key, _ in node.entries}),
    )
