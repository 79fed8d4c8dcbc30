"""Write a workflow as a Python file."""

from __future__ import annotations

import keyword
import textwrap
from collections.abc import Iterator

import perdure
from perdure.frontend.python.remarks import Remarks
from perdure.frontend.python.write_expr import postgres, string
from perdure.frontend.python.write_kinds import kinds_of
from perdure.frontend.python.write_steps import PythonSteps
from perdure.frontend.python.write_values import left_out, written_cron
from perdure.frontend.yaml.shared import Shared
from perdure.syntax.expr import Binary, Expr, Literal, Name, Unary
from perdure.syntax.tree import (
    ForeachStep,
    LetStep,
    Mapping,
    NamedType,
    Options,
    ReturnStep,
    Step,
    TryStep,
    Workflow,
)
from perdure.syntax.walk import below, walk

_WIDTH = 88


def write_python(
    workflow: Workflow, remarks: Remarks, files: dict[int, str], shared: Shared
) -> str:
    """Return the text of a Python file.

    `files` are the file names of statements by `id` of their text, `shared` are the
    definitions of the project, which keep their names.
    """
    writer = _Writer(workflow.path, shared, names_bound(workflow))
    writer.remarks = remarks
    writer.files = files
    writer.kinds = kinds_of(workflow)
    writer.types = {each.name.text: each.type.name for each in workflow.inputs}
    lines = writer.workflow(workflow)
    head, end = ("".join(f"{x}\n" for x in y) for y in (remarks.top, remarks.bottom))
    imports = _imports(writer.imports) + _perdure(writer.used)
    parts = "\n\n\n".join([imports, *writer.shapes, lines])
    return f"{head}{parts}\n{end}"


def _perdure(used: set[str]) -> str:
    """Return the import of what is used of perdure."""
    names = sorted((used | {"workflow"}) - {"perdure"})
    whole = "import perdure\n" if "perdure" in used else ""
    imports = f"from perdure import {', '.join(names)}"
    if len(imports) > _WIDTH:
        listed = "".join(f"    {name},\n" for name in names)
        imports = f"from perdure import (\n{listed})"
    return whole + imports


def _imports(names: set[str]) -> str:
    """Return the imports of the standard library, from dotted names."""
    modules: dict[str, list[str]] = {}
    for each in sorted(names):
        module, _, name = each.rpartition(".")
        modules.setdefault(module, []).append(name)
    lines = [f"from {m} import {', '.join(found)}\n" for m, found in modules.items()]
    return "".join([*lines, "\n"]) if lines else ""


def names_bound(workflow: Workflow) -> set[str]:
    """Return the names that a workflow binds."""
    return {name.text for name in _names_in(workflow)}


def _names_in(workflow: Workflow) -> Iterator[Name]:
    yield from (each.name for each in workflow.inputs)
    for step in walk(workflow):
        yield from _bound_by(step)


def _bound_by(step: Step) -> Iterator[Name]:
    if step.head.name is not None:
        yield step.head.name
    match step:
        case LetStep(bindings=bindings):
            yield from (name for name, _ in bindings)
        case ForeachStep(item=item):
            yield item
        case TryStep(error=Name() as error):
            yield error


def unwritable(workflow: Workflow) -> Name | None:
    """Return the first name of a workflow that is a word of Python's own."""
    names = (each for each in _names_in(workflow) if keyword.iskeyword(each.text))
    return min(names, key=lambda each: each.span.start, default=None)


class _Writer(PythonSteps):
    def workflow(self, workflow: Workflow) -> str:
        name = workflow.name.text
        taken = keyword.iskeyword(name) or name in _NAMES
        function = f"{name}_" if taken else name
        given = [f"name={string(name)}"] if function != name else []
        given += self.declared(workflow.options) if workflow.options else []
        decorator = "@workflow" + (f"({', '.join(given)})" if given else "")
        if len(decorator) > _WIDTH:
            listed = "".join(f"    {each},\n" for each in given)
            decorator = f"@workflow(\n{listed})"
        result = self.result(workflow)
        inputs = self.inputs(workflow)
        signature = f"def {function}({', '.join(inputs)}) -> {result}:"
        if len(signature) > _WIDTH:
            listed = "".join(f"    {each},\n" for each in inputs)
            signature = f"def {function}(\n{listed}) -> {result}:"
        lines = [decorator, signature]
        if workflow.description:
            lines += _docstring(workflow.description)
        lines += self.failure(workflow)
        return "\n".join([*lines, *self.steps(workflow.steps, 1)])

    def result(self, workflow: Workflow) -> str:
        """Return the annotation of the result; a checker takes JSON for a dict."""
        declared = workflow.returns
        steps = (s for s in below(workflow.steps) if isinstance(s, ReturnStep))
        values = [each.value for each in steps]
        if declared is None and all(each is None for each in values):
            return "None"
        if declared is None:
            self.imports.add("typing.Any")
            return "Any"
        json = isinstance(declared, NamedType) and declared.name == "jsonb"
        if json and not all(isinstance(each, Mapping) for each in values):
            assert isinstance(declared, NamedType)
            return self.annotated(declared)
        for each in values:
            self.missing |= set(left_out(declared, each)) if each else set()
        return self.type(declared)

    def failure(self, workflow: Workflow) -> list[str]:
        """Return the function of what runs when the workflow fails."""
        steps = workflow.options.on_failure if workflow.options else None
        if not steps:
            return []
        name = self.free("failed")
        failure = self.word("Failure")
        lines = [f"    @{self.word('on_failure')}"]
        lines.append(f"    def {name}(err: {failure}) -> None:")
        return [*lines, *self.steps(steps, 2), ""]

    def declared(self, options: Options) -> list[str]:
        """Return the keywords of `@workflow(...)`."""
        given: list[str] = []
        if options.timeout is not None:
            given.append(f"timeout={self.duration(options.timeout)}")
        if options.idempotency_key is not None:
            given.append(f"idempotency_key={string(postgres(options.idempotency_key))}")
        if options.concurrency is not None:
            limit, key = options.concurrency.limit, options.concurrency.key
            made = f"{limit}"
            if key is not None:
                made = f"{self.word('Concurrency')}({limit}, key="
                made += f"{string(postgres(key))})"
            given.append(f"concurrency={made}")
        schedule = options.schedule
        if schedule is not None:
            given.append(f"schedule={string(written_cron(schedule.cron))}")
            if schedule.timezone is not None:
                given.append(f"timezone={string(schedule.timezone.text)}")
            if schedule.overlap != "skip":
                given.append(f"overlap={string(schedule.overlap)}")
        for word in ("role", "database"):
            name: Name | None = getattr(options, word)
            given += [f"{word}={string(name.text)}"] if name is not None else []
        if options.search_path is not None:
            listed = ", ".join(string(each.text) for each in options.search_path)
            given.append(f"search_path=[{listed}]")
        return given

    def default(self, default: Expr) -> str:
        """Return a default; one that Python would compute is left to PostgreSQL."""
        inner = default.operand if isinstance(default, Unary) else default
        if isinstance(inner, Binary):
            return f"{self.word('expr')}({string(postgres(default))})"
        return self.python(default)

    def inputs(self, workflow: Workflow) -> list[str]:
        written, optional = list[str](), False
        for each in workflow.inputs:
            nullable = each.type.nullable and each.default is None
            default = "None" if nullable else None
            if each.default is not None:
                default = self.default(each.default)
                digits = default.removeprefix("-")[:1].isdigit()
                number = each.type.name == "numeric" and digits
                default = f'Decimal("{default}")' if number else default
            if default is None and optional and "*" not in written:
                written.append("*")
            optional = optional or default is not None
            text = isinstance(each.default, Literal) and each.default.kind == "string"
            foreign = text and each.type.name != "text"
            foreign |= each.type.name == "bigint" and _is_fraction(each.default)
            type_ = self.annotated(each.type) if foreign else self.input(each.type)
            equals = f" = {default}" if default is not None else ""
            written.append(f"{each.name.text}: {type_}{equals}")
        return written

    def input(self, type_: NamedType) -> str:
        """Return the annotation of an input, which a list is as an array."""
        name = type_.name.removesuffix("[]")
        item = self.type(NamedType(name, False, type_.span))
        if name == type_.name or item.startswith(("Annotated", "dict")):
            return self.type(type_)
        return f"list[{item}] | None" if type_.nullable else f"list[{item}]"


def _is_fraction(default: Expr | None) -> bool:
    """Say whether a default is a number that Python takes for no int."""
    literal = default.operand if isinstance(default, Unary) else default
    if not isinstance(literal, Literal) or literal.kind != "number":
        return False
    return not literal.text.isdecimal()


def _docstring(text: str) -> list[str]:
    """Return a description, over several lines where it is long."""
    paragraphs = text.strip().split("\n")
    wrapped = [textwrap.wrap(each, _WIDTH - 8) or [""] for each in paragraphs]
    lines = [line for each in wrapped for line in each]
    if '"""' in text or "\\" in text or not text.replace("\n", "").isprintable():
        return [f"    {string(text)}"]
    if len(lines) == 1 and not lines[0].endswith('"'):
        return [f'    """{lines[0]}"""']
    rest = [f"    {line}".rstrip() for line in lines[1:]]
    return [f'    """{lines[0]}', *rest, '    """']


_NAMES = frozenset(perdure.__all__) | {
    *("int", "str", "bool", "float", "dict", "list", "bytes", "date", "time"),
    *("datetime", "timedelta", "perdure"),
}
"""Names that the function of a workflow must not take from its module."""
