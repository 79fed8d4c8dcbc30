"""A file of df SQL, or the graph of a run, to workflows in YAML.

    text -> tokens -> SQL tree -> df graph -> syntax tree -> YAML

What is written is read again and compared. Findings of severity `error` say what has
no counterpart: the workflow is not written then. Warnings stand in the YAML too, as
comments that begin with `# import:`, before the step that they are about.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.df.build import Builder, Wrong
from perdure.frontend.df.calls import Statement, calls_in, is_named
from perdure.frontend.df.comments import attached
from perdure.frontend.df.context import Context, Dialect, Goal
from perdure.frontend.df.fold import hole_of
from perdure.frontend.df.inputs import declared, names_of, variables
from perdure.frontend.df.nodes import Node, Start
from perdure.frontend.df.options import options_of
from perdure.frontend.df.scope import (
    Names,
    identifier,
    inputs_of,
    uses_of,
    variables_of,
)
from perdure.frontend.df.sqltree import Call
from perdure.frontend.df.translate import translate
from perdure.frontend.python.remarks import Remarks
from perdure.frontend.python.write_yaml import write_yaml
from perdure.frontend.yaml import read as read_yaml
from perdure.source import Source, Span, Text
from perdure.syntax.expr import Name
from perdure.syntax.tree import Input, Options, Step, Workflow


@dataclass(frozen=True, slots=True)
class Imported:
    """A workflow that a graph became: its name and its YAML."""

    name: str
    text: str


def import_sql(
    source: Source, dialect: Dialect = "pg_durable", name: str | None = None
) -> tuple[list[Imported], list[Diagnostic]]:
    """Return the workflows of a file of SQL, and what is to say about them."""
    try:
        return _import(source, dialect, name)
    except RecursionError:  # hundreds of operators in one expression
        span = Span(source.path, 0, 0)
        message = "an expression of this file nests too deep to be read"
        help_ = "write df.seq(a, b, ...) instead of a long chain of ~>"
        return [], [error("WF802", span, message, help=help_)]


def _import(
    source: Source, dialect: Dialect, name: str | None
) -> tuple[list[Imported], list[Diagnostic]]:
    statements = calls_in(source)
    builder = Builder()
    found = [each.call for each in statements if isinstance(each.call, Diagnostic)]
    starts: list[tuple[Start, Statement, dict[str, Text]]] = []
    variables: dict[str, Text] = {}
    first: dict[str, Text] = {}
    for each in statements:
        if isinstance(each.call, Diagnostic):
            continue
        try:
            start = _start(builder, each, variables)
        except Wrong as problem:
            found.append(problem.finding)
            continue
        if start is not None:
            starts.append((start, each, dict(variables)))
        first = {**variables, **first}
    if not starts and not found:
        return [], [_nothing(source)]
    imported = []
    taken: set[str] = set()
    for start, statement, so_far in starts:
        wanted = _name(start, source, name)
        unique = _unique(wanted, taken)
        set_ = {**first, **so_far}  # a function may be called once all is set
        job = _Job(source, dialect, unique, start, set_, builder.folder.holes)
        result, more = job.run(statement)
        found += more
        imported += [result] if result is not None else []
    return imported, found


def import_graph(
    node: Node, name: str, source: Source, dialect: Dialect
) -> tuple[Imported | None, list[Diagnostic]]:
    """Return the workflow of a graph that a database holds."""
    span = node.span
    start = Start(node, None, {}, span, span)
    job = _Job(source, dialect, identifier(name), start, {}, {})
    return job.run(None)


@dataclass(frozen=True, slots=True)
class _Job:
    """One graph on its way."""

    source: Source
    dialect: Dialect
    name: str
    start: Start
    set_: Mapping[str, Text]
    holes: Mapping[str, str | None]

    def run(
        self, statement: Statement | None
    ) -> tuple[Imported | None, list[Diagnostic]]:
        ctx, top, workflow = self.translated()
        if ctx.read_after:
            ctx, top, workflow = self.translated(frozenset(ctx.read_after))
        if any(each.severity == "error" for each in ctx.findings):
            return None, ctx.findings
        comments = dict(ctx.notes)
        if statement is not None:
            before, beside = attached(self.source, statement, workflow)
            top = [*before, *top]
            for step, lines in beside.items():
                comments[step] = [*lines, *comments.get(step, [])]
        top += [f"# import: {each}" for each in self.remarks(ctx)]
        text = write_yaml(workflow, Remarks(top, comments), {})
        wrong = _read_again(workflow, text)
        if wrong is not None:
            return None, [*ctx.findings, wrong]
        return Imported(self.name, text), ctx.findings

    def translated(
        self, split: frozenset[int] = frozenset()
    ) -> tuple[Context, list[str], Workflow]:
        """Return what is known, the comments at the head, and the workflow.

        Which nodes `if` to `split` shows in what is read after them, so at the end.
        """
        node = self.start.node
        names = Names()
        read = variables(node, self.set_, self.holes)
        inputs = names_of(names, read, inputs_of(node))
        unset = set(read) - self.set_.keys() - self.holes.keys()
        uses = uses_of(node)
        ctx = Context(
            self.dialect, uses, inputs, names, translate, split=split, unset=unset
        )
        given = self.start.options.get("input")
        declared_inputs = declared(ctx, node, self.set_, self.holes, given)
        top = list(ctx.pending)
        ctx.pending.clear()
        steps = translate(ctx, node, Goal(last=True))
        options = options_of(ctx, self.start)
        return ctx, top + ctx.pending, self.workflow(steps, declared_inputs, options)

    def workflow(
        self, steps: Sequence[Step], inputs: tuple[Input, ...], options: Options | None
    ) -> Workflow:
        span = self.start.span
        return Workflow(
            Name(self.name, span),
            None,
            inputs,
            None,
            tuple(steps),
            self.source.path,
            options=options,
        )

    def remarks(self, ctx: Context) -> list[str]:
        """Return what holds for the whole workflow."""
        said = []
        if self.set_.keys() & variables_of(self.start.node).keys():
            said.append("variables of df.setvar are inputs now; their values, defaults")
        if ctx.assumed_one:
            names = ", ".join(ctx.assumed_one)
            said.append(f"the first row of {names} was read; now there must be one row")
        if ctx.unreturned:
            said.append("the run's result was that of a join, it is not returned")
        return said


def _start(
    builder: Builder, statement: Statement, variables: dict[str, Text]
) -> Start | None:
    """Return the graph of a statement; note what a df.setvar sets."""
    sql = statement.call
    assert not isinstance(sql, Diagnostic)
    builder.folder.paths.clear()
    if isinstance(sql, Call) and is_named(sql, "setvar"):
        given = builder.setvar(sql)
        if given is not None and not hole_of(given[1], builder.folder.holes):
            variables[given[0]] = given[1]
        return None
    if isinstance(sql, Call) and is_named(sql, "start"):
        return builder.start(sql, statement.span)
    if isinstance(sql, Call) and is_named(sql, "start_many"):
        first = Call(("df", "start"), sql.arguments[:1], sql.span, sql.name_span)
        return builder.start(first, statement.span)
    node = builder.node(sql)
    return Start(node, None, {}, statement.span, statement.span)


def _name(start: Start, source: Source, name: str | None) -> str:
    """Return the name of a workflow: as asked for, its label, or its file's."""
    if name:
        return identifier(name)
    if start.label is not None:
        return identifier(start.label.value.split("{")[0] or "workflow")
    stem = PurePath(source.path).stem
    return identifier(stem if stem not in ("-", "") else "workflow")


def _unique(wanted: str, taken: set[str]) -> str:
    name, count = wanted, 1
    while name in taken:
        count += 1
        name = f"{wanted}_{count}"
    taken.add(name)
    return name


def _read_again(workflow: Workflow, text: str) -> Diagnostic | None:
    """Say what is wrong with the YAML that was written."""
    again, found = read_yaml(Source(f"{workflow.name.text}.yaml", text), lambda _: None)
    errors = [each for each in found if each.severity == "error"]
    span = workflow.name.span
    if errors:
        message = f"the workflow that this becomes can't be read: {errors[0].message}"
        return error("WF805", span, message, help=errors[0].help or "write it anew")
    if again != workflow:
        message = "the workflow that this becomes is not what was read"
        return error("WF805", span, message, help="this is a bug of perdure; report it")
    return None


def _nothing(source: Source) -> Diagnostic:
    return error(
        "WF801",
        Span(source.path, 0, 0),
        "there is no df expression in this file",
        help="it has calls of df.start, or statements that are graphs: "
        "'select 1' ~> 'select 2'",
    )
