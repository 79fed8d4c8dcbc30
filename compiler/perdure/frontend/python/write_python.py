"""Write a workflow as a Python file."""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence

from perdure.frontend.expr.durations import format_duration
from perdure.frontend.python.write_expr import PythonExpressions, string
from perdure.source import Text
from perdure.syntax.expr import Expr
from perdure.syntax.tree import (
    AssertStep,
    Branch,
    BreakStep,
    Constant,
    ContinueStep,
    Duration,
    FailStep,
    Head,
    HttpStep,
    IfStep,
    LetStep,
    Listing,
    ListType,
    LoopStep,
    Mapping,
    NamedType,
    ParallelStep,
    RaceStep,
    Retry,
    ReturnStep,
    ShapeType,
    SleepStep,
    SqlStep,
    Step,
    Template,
    TypeExpr,
    Value,
    WaitForSignalStep,
    Workflow,
)

Comments = Callable[[Step], Sequence[str]]
_TYPES = {
    "bigint": ("int", None),
    "text": ("str", None),
    "boolean": ("bool", None),
    "double precision": ("float", None),
    "jsonb": ("dict[str, Any]", "typing.Any"),
    "numeric": ("Decimal", "decimal.Decimal"),
    "timestamptz": ("datetime", "datetime.datetime"),
    "date": ("date", "datetime.date"),
    "time": ("time", "datetime.time"),
    "interval": ("timedelta", "datetime.timedelta"),
    "uuid": ("UUID", "uuid.UUID"),
    "bytea": ("bytes", None),
}
_WIDTH = 88


def write_python(
    workflow: Workflow, comments: Comments, files: dict[int, str], top: Sequence[str]
) -> str:
    """Return the text of a Python file.

    `comments` gives the comments of a step, `files` the file names of statements by
    `id` of their text; `top` are the comments before all steps.
    """
    writer = _Writer(comments, files)
    lines = writer.workflow(workflow)
    names = ", ".join(sorted(writer.used | {"workflow"}))
    imports = f"from perdure import {names}"
    if len(imports) > _WIDTH:
        listed = "".join(
            f"    {name},\n" for name in sorted(writer.used | {"workflow"})
        )
        imports = f"from perdure import (\n{listed})"
    head = "".join(f"{line}\n" for line in top)
    shapes = "\n".join(["", *writer.shapes, ""]) if writer.shapes else "\n"
    return f"{head}{_imports(writer.imports)}{imports}\n{shapes}\n{lines}\n"


def _imports(names: set[str]) -> str:
    """Return the imports of the standard library, from dotted names."""
    modules: dict[str, list[str]] = {}
    for each in sorted(names):
        module, _, name = each.rpartition(".")
        modules.setdefault(module, []).append(name)
    lines = [f"from {m} import {', '.join(found)}\n" for m, found in modules.items()]
    return "".join([*lines, "\n"]) if lines else ""


class _Writer(PythonExpressions):
    def __init__(self, comments: Comments, files: dict[int, str]) -> None:
        super().__init__()
        self.comments = comments
        self.files = files
        self.imports: set[str] = set()
        self.shapes: list[str] = []

    def workflow(self, workflow: Workflow) -> str:
        name = workflow.name.text
        function = f"{name}_" if keyword.iskeyword(name) or name in _NAMES else name
        decorator = "@workflow" + (f"(name={string(name)})" if function != name else "")
        result = "Any"
        if workflow.returns is not None:
            result = self.type(workflow.returns)
        if result == "Any":
            self.imports.add("typing.Any")
        inputs = self.inputs(workflow)
        signature = f"def {function}({', '.join(inputs)}) -> {result}:"
        if len(signature) > _WIDTH:
            listed = "".join(f"    {each},\n" for each in inputs)
            signature = f"def {function}(\n{listed}) -> {result}:"
        lines = [decorator, signature]
        if workflow.description:
            lines.append("    " + _docstring(workflow.description))
        return "\n".join([*lines, *self.steps(workflow.steps, 1)])

    def inputs(self, workflow: Workflow) -> list[str]:
        written, optional = list[str](), False
        for each in workflow.inputs:
            nullable = each.type.nullable and each.default is None
            default = "None" if nullable else None
            if each.default is not None:
                default = self.python(each.default)
                number = each.type.name == "numeric" and default[:1].isdigit()
                default = f'Decimal("{default}")' if number else default
            if default is None and optional and "*" not in written:
                written.append("*")
            optional = optional or default is not None
            type_ = self.type(each.type)
            equals = f" = {default}" if default is not None else ""
            written.append(f"{each.name.text}: {type_}{equals}")
        return written

    # --- types

    def type(self, type_: TypeExpr) -> str:
        """Return the annotation that stands for a type."""
        match type_:
            case NamedType():
                known = _TYPES.get(type_.name)
                if known is None:
                    self.imports |= {"typing.Annotated", "typing.Any"}
                    suffix = "?" if type_.nullable else ""
                    return f"Annotated[Any, {string(type_.name + suffix)}]"
                name, module = known
                self.imports |= {module} if module else set()
                return f"{name} | None" if type_.nullable else name
            case ListType():
                inner = f"list[{self.type(type_.item)}]"
                return f"{inner} | None" if type_.nullable else inner
            case ShapeType():
                return self.shape(type_)

    def shape(self, type_: ShapeType) -> str:
        """Define a TypedDict for an object that stands inside of a type."""
        name = f"Shape{len(self.shapes) + 1}"
        self.imports.add("typing.TypedDict")
        position = len(self.shapes)
        self.shapes.append("")
        fields = ", ".join(
            f"{string(name.text)}: {self.type(of)}" for name, of in type_.fields
        )
        self.shapes[position] = f"{name} = TypedDict({string(name)}, {{{fields}}})"
        self.shapes.sort(key=lambda line: -int(line.split(" ")[0][5:] or 0))
        return f"{name} | None" if type_.nullable else name

    def payload(self, type_: TypeExpr) -> str:
        """Return the form of a payload, objects as dicts of names and types."""
        match type_:
            case ShapeType(nullable=False):
                fields = ", ".join(
                    f"{string(name.text)}: {self.payload(of)}"
                    for name, of in type_.fields
                )
                return f"{{{fields}}}"
            case ListType(nullable=False):
                return f"[{self.payload(type_.item)}]"
        return self.type(type_)

    # --- values

    def template(self, template: Template, *, text: bool = True) -> str:
        """Return text; in JSON, a lone expression keeps its type."""
        parts = template.parts
        if all(isinstance(part, Text) for part in parts):
            return string("".join(p.value for p in parts if isinstance(p, Text)))
        if len(parts) == 1 and not isinstance(parts[0], Text):
            return self.python(parts[0])
        return 'f"' + "".join(self.part(part) for part in parts) + '"'

    def part(self, part: Text | Expr) -> str:
        if isinstance(part, Text):
            return string(part.value)[1:-1].replace("{", "{{").replace("}", "}}")
        # Before Python 3.12 a field may not hold the quote around it, or a backslash.
        return "{" + self.python(part).replace('"', "'") + "}"

    def value(self, value: Value) -> str:
        match value:
            case Constant():
                words = {"true": "True", "false": "False", "null": "None"}
                return words.get(value.text, value.text)
            case Mapping():
                entries = ", ".join(
                    f"{string(name.text)}: {self.value(each)}"
                    for name, each in value.entries
                )
                return f"{{{entries}}}"
            case Listing():
                return f"[{', '.join(self.value(each) for each in value.items)}]"
            case Template():
                return self.template(value)

    def retry(self, retry: Retry) -> str:
        self.used.add("Retry")
        options = [f"max_attempts={retry.max_attempts}"]
        for name in ("backoff", "max_backoff"):
            given = getattr(retry, name)
            options += [f"{name}={self.duration(given)}"] if given else []
        if retry.factor is not None:
            options.append(f"factor={retry.factor:g}")
        if retry.jitter is not None:
            options.append(f"jitter={retry.jitter}")
        if retry.on is not None:
            listed = ", ".join(string(each.text) for each in retry.on)
            options.append(f"on=[{listed}]")
        return f"Retry({', '.join(options)})"

    def duration(self, duration: Duration) -> str:
        return string(format_duration(duration.milliseconds))

    # --- steps

    def steps(self, steps: Sequence[Step], level: int) -> list[str]:
        lines: list[str] = []
        for before, step in zip([None, *steps], steps, strict=False):
            lines += ["    " * level + each for each in self.comments(step)]
            if isinstance(before, LetStep) and isinstance(step, LetStep):
                lines.append("    " * level + "pass")
            lines += self.step(step, level)
        return lines

    def step(self, step: Step, level: int) -> list[str]:
        indent = "    " * level
        match step:
            case SqlStep() | HttpStep() | SleepStep() | WaitForSignalStep():
                return self.called(step, level)
            case LetStep():
                return [
                    f"{indent}{n.text} = {self.python(e)}" for n, e in step.bindings
                ]
            case IfStep():
                return self.choice(step, level)
            case ParallelStep():
                return self.block("parallel", step.head, step.branches, level)
            case RaceStep():
                return self.block("race", step.head, step.branches, level)
            case LoopStep():
                return self.loop(step, level)
            case BreakStep():
                return [f"{indent}break"]
            case ContinueStep():
                return [f"{indent}continue"]
            case ReturnStep():
                value = "" if step.value is None else f" {self.value(step.value)}"
                return [f"{indent}return{value}"]
            case FailStep():
                self.used.add("Failure")
                return [f"{indent}raise Failure({self.template(step.message)})"]
            case AssertStep():
                message = f", {self.template(step.message)}" if step.message else ""
                return [f"{indent}assert {self.python(step.condition)}{message}"]

    def called(
        self, step: SqlStep | HttpStep | SleepStep | WaitForSignalStep, level: int
    ) -> list[str]:
        function, args = self.arguments(step)
        self.used.add(function.split(".")[0])
        if step.head.description is not None:
            args.append(f"description={string(step.head.description)}")
        name = f"{step.head.name.text} = " if step.head.name else ""
        indent = "    " * level
        line = f"{indent}{name}{function}({', '.join(args)})"
        if len(line) <= _WIDTH and "\n" not in line:
            return [line]
        inner = [f"{indent}    {arg}," for arg in args]
        return [f"{indent}{name}{function}(", *inner, f"{indent})"]

    def arguments(
        self, step: SqlStep | HttpStep | SleepStep | WaitForSignalStep
    ) -> tuple[str, list[str]]:
        match step:
            case SqlStep():
                file = self.files.get(id(step.sql))
                function = "sql_file" if file else "sql"
                args = [string(file) if file else _statement(step.sql.text.value)]
                args += [f"expect={string(step.expect)}"] if step.expect else []
            case HttpStep():
                function = f"http.{step.method.text.lower()}"
                args = self.request(step)
            case SleepStep():
                function, given = "sleep", step.duration
                args = [
                    self.duration(given)
                    if isinstance(given, Duration)
                    else self.python(given)
                ]
            case WaitForSignalStep():
                function, args = "wait_for_signal", [string(step.signal.text)]
                args += (
                    [f"payload={self.payload(step.payload)}"] if step.payload else []
                )
        timeout = getattr(step, "timeout", None)
        args += [f"timeout={self.duration(timeout)}"] if timeout else []
        retry = getattr(step, "retry", None)
        args += [f"retry={self.retry(retry)}"] if retry else []
        return function, args

    def request(self, step: HttpStep) -> list[str]:
        args = [self.template(step.url)]
        if step.headers:
            listed = ", ".join(
                f"{string(name.text)}: {self.template(value)}"
                for name, value in step.headers
            )
            args.append(f"headers={{{listed}}}")
        args += [f"json={self.value(step.json)}"] if step.json else []
        args += [f"body={self.template(step.body)}"] if step.body else []
        return args

    def choice(self, step: IfStep, level: int) -> list[str]:
        indent = "    " * level
        lines = []
        for word, arm in zip(
            ["if", *["elif"] * len(step.arms)], step.arms, strict=False
        ):
            lines.append(f"{indent}{word} {self.python(arm.condition)}:")
            lines += self.steps(arm.steps, level + 1)
        if step.otherwise:
            lines += [f"{indent}else:", *self.steps(step.otherwise, level + 1)]
        return lines

    def block(
        self, kind: str, head: Head, branches: Sequence[Branch], level: int
    ) -> list[str]:
        self.used |= {kind, "branch"}
        indent = "    " * level
        name = f" as {head.name.text}" if head.name and kind == "race" else ""
        lines = [f"{indent}with {kind}(){name}:"]
        for each in branches:
            lines.append(f"{indent}    with branch({string(each.name.text)}):")
            lines += self.steps(each.steps, level + 2)
        return lines

    def loop(self, step: LoopStep, level: int) -> list[str]:
        indent = "    " * level
        condition = self.python(step.while_) if step.while_ else "True"
        lines = [f"{indent}while {condition}:"]
        if step.every:
            self.used.add("every")
            lines.append(f"{indent}    every({self.duration(step.every)})")
        lines += self.steps(step.steps, level + 1)
        if step.until:
            self.used.add("until")
            lines.append(f"{indent}    until({self.python(step.until)})")
        return lines


def _statement(text: str) -> str:
    """Return SQL as a literal, over several lines where it has some."""
    if "\n" not in text:
        return string(text)
    plain = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    end = "\\\n" if plain.endswith('"') else ""
    return f'"""\\\n{plain}{end}"""'


def _docstring(text: str) -> str:
    one = string(text)[1:-1]
    return f'"""{one}"""' if '\\"' not in one else string(text)


_NAMES = frozenset(
    {"branch", "cast", "coalesce", "every", "expr", "func", "gather", "http"}
    | {"interval", "now", "parallel", "race", "run", "sleep", "sql", "sql_file"}
    | {"until", "wait_for_signal", "workflow"}
)
