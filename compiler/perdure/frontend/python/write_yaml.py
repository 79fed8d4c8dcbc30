"""Write a workflow as a YAML file."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from perdure.frontend.expr.durations import format_duration
from perdure.frontend.python.write_expr import postgres
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
_PLAIN = re.compile(r"[A-Za-z_0-9:(/.$][^#\n\t\r]*[^\s:#]|[A-Za-z_0-9]", re.A)
_FLOW = re.compile(r"[A-Za-z_0-9.:/ ()?-]+", re.A)
_CONSTANT = re.compile(r"[-+.\d].*|true|false|null", re.A)


def write_yaml(
    workflow: Workflow, comments: Comments, files: dict[int, str], top: Sequence[str]
) -> str:
    """Return the text of a YAML file; the arguments are those of `write_python`."""
    writer = _Writer(comments, files)
    lines = [*top, f"workflow: {workflow.name.text}"]
    if workflow.description:
        lines += _entry("description", workflow.description, 0)
    if workflow.inputs:
        lines += ["", "input:"]
    for each in workflow.inputs:
        type_ = _type_name(each.type)
        default = f" = {postgres(each.default)}" if each.default is not None else ""
        lines.append(f"  {each.name.text}: {scalar(type_ + default)}")
    if workflow.returns is not None:
        lines += ["", f"returns: {_type(workflow.returns)}"]
    return "\n".join([*lines, "", "steps:", *writer.steps(workflow.steps, 1)]) + "\n"


def scalar(text: str, *, flow: bool = False) -> str:
    """Return text as a scalar of one line."""
    plain = (_FLOW if flow else _PLAIN).fullmatch(text)
    bad = (": ", "- ", "? ", " ")
    if plain and ": " not in text and not text.endswith(":") and text[:2] not in bad:
        return text
    return json.dumps(text, ensure_ascii=False)


def _entry(key: str, text: str, level: int) -> list[str]:
    """Return a key and its text, as a block where it has several lines."""
    indent = "  " * level
    lines = text.split("\n")
    good = all(line == line.rstrip() and line.isprintable() for line in lines)
    if len(lines) < 2 or not good or not lines[0] or lines[0][0] == " ":
        return [f"{indent}{key}: {scalar(text)}"]
    if lines[-1] == "" and len(lines) > 2 and lines[-2] == "":
        return [f"{indent}{key}: {scalar(text)}"]
    mark = "|" if lines[-1] == "" else "|-"
    body = lines[:-1] if lines[-1] == "" else lines
    return [f"{indent}{key}: {mark}", *(f"{indent}  {each}".rstrip() for each in body)]


def _type_name(type_: NamedType) -> str:
    return type_.name + ("?" if type_.nullable else "")


def _type(type_: TypeExpr) -> str:
    match type_:
        case NamedType():
            return scalar(_type_name(type_), flow=True)
        case ListType():
            return f"[{_type(type_.item)}]"
        case _:
            fields = (
                f"{scalar(n.text, flow=True)}: {_type(t)}" for n, t in type_.fields
            )
            return f"{{{', '.join(fields)}}}"


def template(parts: Sequence[Text | Expr]) -> str:
    """Return text with `${...}` for its expressions."""
    found = ""
    for part in parts:
        if isinstance(part, Text):
            found += part.value.replace("${", "$${")
        else:
            found += f"${{{postgres(part)}}}"
    return found


def _value(value: Value) -> str:
    match value:
        case Constant():
            return value.text
        case Mapping():
            entries = (
                f"{scalar(n.text, flow=True)}: {_value(v)}" for n, v in value.entries
            )
            return f"{{{', '.join(entries)}}}"
        case Listing():
            return f"[{', '.join(map(_value, value.items))}]"
        case Template():
            text = template(value.parts)
            if _CONSTANT.fullmatch(text):
                return json.dumps(text)
            return scalar(text, flow=True)


def _retry(retry: Retry) -> str:
    options = [f"max_attempts: {retry.max_attempts}"]
    options += [f"backoff: {_duration(retry.backoff)}"] if retry.backoff else []
    options += [f"factor: {retry.factor:g}"] if retry.factor is not None else []
    long = retry.max_backoff
    options += [f"max_backoff: {_duration(long)}"] if long else []
    if retry.jitter is not None:
        options.append(f"jitter: {str(retry.jitter).lower()}")
    if retry.on is not None:
        options.append(f"on: [{', '.join(each.text for each in retry.on)}]")
    return f"{{{', '.join(options)}}}"


def _duration(duration: Duration) -> str:
    return format_duration(duration.milliseconds)


class _Writer:
    def __init__(self, comments: Comments, files: dict[int, str]) -> None:
        self.comments = comments
        self.files = files

    def steps(self, steps: Sequence[Step], level: int) -> list[str]:
        """Return the items of a list, the first key after the dash."""
        lines: list[str] = []
        for step in steps:
            lines += ["  " * level + each for each in self.comments(step)]
            if isinstance(step, (BreakStep, ContinueStep)):
                word = "break" if isinstance(step, BreakStep) else "continue"
                lines.append(f"{'  ' * level}- {word}")
                continue
            if isinstance(step, ReturnStep) and step.value is None:
                lines.append(f"{'  ' * level}- return")
                continue
            head = _entry("name", step.head.name.text, 0) if step.head.name else []
            if step.head.description is not None:
                head += _entry("description", step.head.description, 0)
            inner = [*head, *self.step(step)]
            first, rest = inner[0], inner[1:]
            lines.append(f"{'  ' * level}- {first}")
            lines += [f"{'  ' * (level + 1)}{each}".rstrip() for each in rest]
        return lines

    def step(self, step: Step) -> list[str]:
        """Return the keys of a step, without its indentation."""
        match step:
            case SqlStep():
                file = self.files.get(id(step.sql))
                lines = [f"sql_file: {scalar(file)}"] if file else []
                lines = lines or _entry("sql", step.sql.text.value, 0)
                lines += [f"expect: {step.expect}"] if step.expect else []
                return lines + ([f"retry: {_retry(step.retry)}"] if step.retry else [])
            case HttpStep():
                return self.request(step)
            case SleepStep():
                given = step.duration
                if isinstance(given, Duration):
                    return [f"sleep: {_duration(given)}"]
                return [f"sleep: {scalar(postgres(given))}"]
            case WaitForSignalStep():
                lines = [f"wait_for_signal: {step.signal.text}"]
                lines += [f"payload: {_type(step.payload)}"] if step.payload else []
                return lines + (
                    [f"timeout: {_duration(step.timeout)}"] if step.timeout else []
                )
            case LetStep():
                bound = [f"  {n.text}: {scalar(postgres(e))}" for n, e in step.bindings]
                return ["let:", *bound]
            case ReturnStep():
                assert step.value is not None
                return [f"return: {_value(step.value)}"]
            case FailStep():
                return _entry("fail", template(step.message.parts), 0)
            case AssertStep():
                lines = [f"assert: {scalar(postgres(step.condition))}"]
                message = step.message
                return lines + (
                    _entry("message", template(message.parts), 0) if message else []
                )
        return self.nested(step)

    def request(self, step: HttpStep) -> list[str]:
        url = template(step.url.parts)
        lines = [f"http: {scalar(f'{step.method.text} {url}')}"]
        if step.headers:
            lines.append("headers:")
        for name, value in step.headers:
            text = scalar(template(value.parts))
            lines.append(f"  {scalar(name.text)}: {text}")
        lines += [f"json: {_value(step.json)}"] if step.json else []
        lines += _entry("body", template(step.body.parts), 0) if step.body else []
        lines += [f"timeout: {_duration(step.timeout)}"] if step.timeout else []
        return lines + ([f"retry: {_retry(step.retry)}"] if step.retry else [])

    def nested(self, step: Step) -> list[str]:
        match step:
            case IfStep():
                return self.choice(step)
            case ParallelStep():
                return ["parallel:", *self.branches(step.branches)]
            case RaceStep():
                return ["race:", *self.branches(step.branches)]
            case LoopStep():
                lines = ["loop:", *self.steps(step.steps, 1)]
                for key, given in (("while", step.while_), ("until", step.until)):
                    lines += [f"{key}: {scalar(postgres(given))}"] if given else []
                return lines + (
                    [f"every: {_duration(step.every)}"] if step.every else []
                )
        raise AssertionError(step)

    def choice(self, step: IfStep) -> list[str]:
        first, *others = step.arms
        lines = [f"if: {scalar(postgres(first.condition))}"]
        lines += ["then:", *self.steps(first.steps, 1)]
        lines += ["elif:"] if others else []
        for arm in others:
            lines.append(f"  - if: {scalar(postgres(arm.condition))}")
            lines += ["    then:", *self.steps(arm.steps, 3)]
        if step.otherwise:
            lines += ["else:", *self.steps(step.otherwise, 1)]
        return lines

    def branches(self, branches: Sequence[Branch]) -> list[str]:
        lines = []
        for each in branches:
            lines += [f"  {each.name.text}:", *self.steps(each.steps, 2)]
        return lines
