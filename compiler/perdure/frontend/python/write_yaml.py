"""Write a workflow as a YAML file."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from perdure.frontend.expr.durations import format_duration
from perdure.frontend.expr.templates import DOLLAR
from perdure.frontend.python.remarks import Remarks
from perdure.frontend.python.write_expr import postgres, quoted
from perdure.frontend.python.write_values import (
    shared_retry,
    shared_type,
    written_cron,
)
from perdure.frontend.yaml.blocks import NO_CASES, NULL_CASES
from perdure.frontend.yaml.shared import Shared
from perdure.source import Text
from perdure.syntax.expr import Expr
from perdure.syntax.tree import (
    AssertStep,
    Branch,
    BreakStep,
    CallStep,
    Constant,
    ContinueStep,
    Duration,
    FailStep,
    ForeachStep,
    FormPart,
    GroupStep,
    Head,
    HttpStep,
    IfStep,
    LetStep,
    Listing,
    ListType,
    LoopStep,
    Mapping,
    NamedType,
    Options,
    ParallelStep,
    RaceStep,
    Retry,
    ReturnStep,
    SendStep,
    ShapeType,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    StartStep,
    Step,
    SwitchStep,
    Template,
    TransactionStep,
    TryStep,
    TypeExpr,
    Value,
    WaitForScheduleStep,
    WaitForSignalStep,
    Workflow,
)

_PLAIN = re.compile(r"[A-Za-z_0-9:(/.$][^#\n\t\r]*[^\s:#]|[A-Za-z_0-9]", re.A)
_FLOW = re.compile(r"[A-Za-z_0-9./(][A-Za-z_0-9.:/ ()?-]*", re.A)
_WORD = re.compile(r"[A-Za-z_][\w-]*|\d+", re.A)
_CONSTANT = re.compile(r"[-+.\d].*|true|false|null", re.A)


def write_yaml(
    workflow: Workflow,
    remarks: Remarks,
    files: dict[int, str],
    shared: Shared | None = None,
) -> str:
    """Return the text of a YAML file; the arguments are those of `write_python`."""
    writer = _Writer(remarks, files, workflow.path, shared or Shared())
    lines = [*remarks.top, f"workflow: {workflow.name.text}"]
    if workflow.description:
        lines += _entry("description", workflow.description, 0)
    if workflow.options is not None:
        lines += writer.options(workflow.options)
    if workflow.inputs:
        lines += ["", "input:"]
    for each in workflow.inputs:
        type_ = _type_name(each.type)
        default = f" = {postgres(each.default)}" if each.default is not None else ""
        lines.append(f"  {each.name.text}: {scalar(type_ + default)}")
    if workflow.returns is not None:
        lines += ["", f"returns: {writer.type(workflow.returns)}"]
    lines += ["", "steps:", *writer.steps(workflow.steps, 1), *remarks.bottom]
    return "\n".join(lines) + "\n"


def scalar(text: str, *, flow: bool = False) -> str:
    """Return text as a scalar of one line."""
    plain = (_FLOW if flow else _PLAIN).fullmatch(text)
    seen = text.isprintable() and text == text.strip()
    marks = ": " in text or text.endswith(":") or text[:2] in (": ", "- ", "? ")
    return text if plain and seen and not marks else quoted(text)


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


def template(parts: Sequence[Text | Expr]) -> str:
    """Return text with `${...}` for its expressions."""
    found = ""
    for part in parts:
        if isinstance(part, Text):
            found += part.value.replace("${", "$${")
        else:
            before = found.rstrip("$")
            dollars = DOLLAR * (len(found) - len(before))
            found = f"{before}{dollars}${{{postgres(part)}}}"
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
                return quoted(text)
            return scalar(text, flow=True)


_BARE = ("break:", "continue:", "return:", "fail:")
"""Steps without a value, which are written as one word."""


def _key(text: str) -> str:
    """Return text as the key of a mapping."""
    return text if _WORD.fullmatch(text) else quoted(text)


def _case(text: str) -> str:
    """Return text as a case, in quotes where it would be taken for none."""
    return quoted(text) if text in (*NO_CASES, *NULL_CASES) else _key(text)


def _text(value: Template) -> str:
    """Return text as a scalar where only text can stand."""
    return scalar(template(value.parts))


def _part(part: FormPart) -> str:
    """Return a part of a request: text, or a mapping."""
    if part.source is None and part.filename is None and part.content_type is None:
        assert part.body is not None
        return _text(part.body)
    given: list[str] = []
    if part.source is not None:
        given.append(f"from: {part.source.text}")
    for word, value in (("body", part.body), ("filename", part.filename)):
        if value is not None:
            given.append(f"{word}: {scalar(template(value.parts), flow=True)}")
    if part.content_type is not None:
        given.append(f"content_type: {scalar(part.content_type, flow=True)}")
    return f"{{{', '.join(given)}}}"


def _timeout(timeout: Duration | None) -> list[str]:
    return [f"timeout: {_duration(timeout)}"] if timeout is not None else []


def _duration(duration: Duration) -> str:
    return format_duration(duration.milliseconds)


class _Writer:
    def __init__(
        self, remarks: Remarks, files: dict[int, str], path: str, shared: Shared
    ) -> None:
        self.remarks = remarks
        self.files = files
        self.path = path
        self.shared = shared

    # --- types and policies, by name where they are shared

    def type(self, type_: TypeExpr) -> str:
        name = shared_type(type_, self.path, self.shared)
        if name is not None:
            return name
        match type_:
            case NamedType():
                return scalar(_type_name(type_), flow=True)
            case ListType(nullable=True) | ShapeType(nullable=True):
                return f"[{self.type(replace(type_, nullable=False))}, null]"
            case ListType():
                return f"[{self.type(type_.item)}]"
            case _:
                fields = (
                    f"{scalar(n.text, flow=True)}: {self.type(t)}"
                    for n, t in type_.fields
                )
                return f"{{{', '.join(fields)}}}"

    def retry(self, retry: Retry | None) -> list[str]:
        if retry is None:
            return []
        name = shared_retry(retry, self.path, self.shared)
        if name is not None:
            return [f"retry: {name}"]
        options = [f"max_attempts: {retry.max_attempts}"]
        options += [f"backoff: {_duration(retry.backoff)}"] if retry.backoff else []
        options += [f"factor: {retry.factor:g}"] if retry.factor is not None else []
        long = retry.max_backoff
        options += [f"max_backoff: {_duration(long)}"] if long else []
        if retry.jitter is not None:
            options.append(f"jitter: {str(retry.jitter).lower()}")
        if retry.on is not None:
            options.append(f"on: [{', '.join(each.text for each in retry.on)}]")
        return [f"retry: {{{', '.join(options)}}}"]

    # --- the workflow

    def options(self, options: Options) -> list[str]:
        """Return the keys that say how runs are started and bounded."""
        lines: list[str] = []
        schedule = options.schedule
        if schedule is not None:
            lines.append(f"schedule: {scalar(written_cron(schedule.cron))}")
            zone = schedule.timezone
            lines += [f"timezone: {zone.text}"] if zone else []
            if schedule.overlap != "skip":
                lines.append(f"overlap: {schedule.overlap}")
        lines += _timeout(options.timeout)
        key = options.idempotency_key
        lines += [f"idempotency_key: {scalar(postgres(key))}"] if key else []
        if options.concurrency is not None:
            limit, key = options.concurrency.limit, options.concurrency.key
            by = f", key: {scalar(postgres(key), flow=True)}" if key else ""
            shown = f"{{limit: {limit}{by}}}" if by else str(limit)
            lines.append(f"concurrency: {shown}")
        for word in ("role", "database"):
            name = getattr(options, word)
            lines += [f"{word}: {scalar(name.text)}"] if name is not None else []
        if options.search_path is not None:
            listed = ", ".join(scalar(n.text, flow=True) for n in options.search_path)
            lines.append(f"search_path: [{listed}]")
        if options.on_failure:
            lines += ["on_failure:", *self.steps(options.on_failure, 1)]
        return lines

    # --- steps

    def steps(self, steps: Sequence[Step], level: int) -> list[str]:
        """Return the items of a list, the first key after the dash."""
        lines: list[str] = []
        for step in steps:
            inner = self.head(step.head) + self.step(step)
            if step.head.effects is not None:
                inner.append(f"effects: {step.head.effects.text}")
            if step.head.undo is not None:
                inner += ["undo:", *self.steps(step.head.undo, 1)]
            if len(inner) == 1 and inner[0] in _BARE:
                inner = [inner[0][:-1]]
            indent, rest = "  " * level, inner[1:]
            found = [f"{indent}- {inner[0]}"]
            found += [f"{indent}  {each}".rstrip() for each in rest]
            lines += self.remarks.around(step, found, indent)
        return lines

    def head(self, head: Head) -> list[str]:
        """Return the keys that any step may have before its own."""
        lines = _entry("name", head.name.text, 0) if head.name else []
        if head.description is not None:
            lines += _entry("description", head.description, 0)
        if head.when is not None:
            lines.append(f"when: {scalar(postgres(head.when))}")
        return lines

    def step(self, step: Step) -> list[str]:
        """Return the keys of a step, without its indentation."""
        timeout = _timeout(step.head.timeout)
        match step:
            case SqlStep():
                file = self.files.get(id(step.sql))
                lines = [f"sql_file: {scalar(file)}"] if file else []
                lines = lines or _entry("sql", step.sql.text.value, 0)
                lines += [f"expect: {step.expect}"] if step.expect else []
                return lines + timeout + self.retry(step.retry)
            case HttpStep():
                return self.request(step)
            case SleepStep():
                given = step.duration
                if isinstance(given, Duration):
                    return [f"sleep: {_duration(given)}", *timeout]
                return [f"sleep: {scalar(postgres(given))}", *timeout]
            case SleepUntilStep():
                return [f"sleep_until: {scalar(postgres(step.time))}", *timeout]
            case WaitForSignalStep():
                lines = [f"wait_for_signal: {step.signal.text}"]
                if step.payload is not None:
                    lines.append(f"payload: {self.type(step.payload)}")
                return lines + _timeout(step.timeout)
            case WaitForScheduleStep():
                lines = [f"wait_for_schedule: {scalar(written_cron(step.cron))}"]
                zone = step.timezone
                return [*lines, *([f"timezone: {zone.text}"] if zone else []), *timeout]
            case CallStep() | StartStep() | SendStep():
                return self.other(step) + timeout + self.retry(step.retry)
            case LetStep():
                bound = [f"  {n.text}: {scalar(postgres(e))}" for n, e in step.bindings]
                return ["let:", *bound]
            case BreakStep():
                return ["break:"]
            case ContinueStep():
                return ["continue:"]
            case ReturnStep():
                value = step.value
                return (
                    [f"return: {_value(value)}"] if value is not None else ["return:"]
                )
            case FailStep(message=message):
                if message is None:
                    return ["fail:"]
                return _entry("fail", template(message.parts), 0)
            case AssertStep():
                lines = [f"assert: {scalar(postgres(step.condition))}"]
                if step.message is not None:
                    lines += _entry("message", template(step.message.parts), 0)
                return lines
        return self.nested(step) + timeout

    def other(self, step: CallStep | StartStep | SendStep) -> list[str]:
        """Return the keys of a step about another workflow."""
        if isinstance(step, SendStep):
            lines = [f"signal: {step.signal.text}"]
            lines += _entry("to", template(step.to.parts), 0)
            return lines + ([f"data: {_value(step.data)}"] if step.data else [])
        word = "call" if isinstance(step, CallStep) else "start"
        lines = [f"{word}: {step.workflow.text}"]
        if step.arguments:
            given = Mapping(step.arguments, step.workflow.span)
            lines.append(f"with: {_value(given)}")
        if isinstance(step, StartStep) and step.key is not None:
            lines += _entry("key", template(step.key.parts), 0)
        return lines

    def request(self, step: HttpStep) -> list[str]:
        url = template(step.url.parts)
        lines = [f"http: {scalar(f'{step.method.text} {url}')}"]
        for word, given in (("headers", step.headers), ("form", step.form)):
            lines += [f"{word}:"] if given else []
            for name, value in given or ():
                lines.append(f"  {_key(name.text)}: {_text(value)}")
        lines += [f"json: {_value(step.json)}"] if step.json else []
        lines += _entry("body", template(step.body.parts), 0) if step.body else []
        if step.multipart:
            lines.append("multipart:")
            lines += [f"  {_key(p.name.text)}: {_part(p)}" for p in step.multipart]
        lines += [f"returns: {self.type(step.returns)}"] if step.returns else []
        if step.expect_status:
            listed = ", ".join(each.text for each in step.expect_status)
            lines.append(f"expect_status: [{listed}]")
        return lines + _timeout(step.timeout) + self.retry(step.retry)

    # --- steps that hold steps

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
                every = step.every
                return lines + ([f"every: {_duration(every)}"] if every else [])
            case ForeachStep():
                lines = [f"foreach: {step.item.text} in {step.source.text}"]
                if step.max_parallel is not None:
                    lines.append(f"max_parallel: {step.max_parallel}")
                lines += ["do:", *self.steps(step.steps, 1)]
                columns = step.collect
                return lines + ([f"collect: {_value(columns)}"] if columns else [])
            case TransactionStep():
                lines = ["transaction:", *self.steps(step.steps, 1)]
                return lines + self.retry(step.retry)
            case GroupStep():
                lines = ["do:", *self.steps(step.steps, 1)]
                return lines + self.retry(step.retry)
            case SwitchStep():
                return self.switch(step)
            case TryStep():
                return self.guarded(step)
        raise AssertionError(step)

    def switch(self, step: SwitchStep) -> list[str]:
        lines = [f"switch: {scalar(postgres(step.subject))}", "cases:"]
        for case in step.cases:
            lines += [f"  {_case(case.value.value)}:", *self.steps(case.steps, 2)]
        if step.default is not None:
            lines += ["default:", *self.steps(step.default, 1)]
        return lines

    def guarded(self, step: TryStep) -> list[str]:
        lines = ["try:", *self.steps(step.steps, 1)]
        if step.handler is not None and step.error is not None:
            lines += [f"catch: {step.error.text}", "do:"]
            lines += self.steps(step.handler, 1)
        if step.finally_ is not None:
            lines += ["finally:", *self.steps(step.finally_, 1)]
        return lines

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
