"""The steps of a workflow as statements of Python.

A call takes options as keywords; a step that is a statement of Python, such as an `if`,
has them in `with step(...):` around it. `undo` of several steps is a function before.
"""

from __future__ import annotations

import keyword
from collections.abc import Mapping, Sequence

from perdure.frontend.python.remarks import Remarks
from perdure.frontend.python.write_expr import postgres, string
from perdure.frontend.python.write_values import PythonValues, written_cron
from perdure.frontend.yaml.shared import Shared
from perdure.syntax.expr import Name
from perdure.syntax.tree import (
    AssertStep,
    Branch,
    BreakStep,
    CallStep,
    ContinueStep,
    Duration,
    FailStep,
    ForeachStep,
    GroupStep,
    Head,
    HttpStep,
    IfStep,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    ReturnStep,
    SendStep,
    SleepStep,
    SleepUntilStep,
    SqlStep,
    StartStep,
    Step,
    SwitchStep,
    TransactionStep,
    TryStep,
    Value,
    WaitForScheduleStep,
    WaitForSignalStep,
)

_WIDTH = 88
_RESULTS = (SqlStep, HttpStep, WaitForSignalStep, CallStep, StartStep)
_CALLED = (*_RESULTS, SendStep, SleepStep, SleepUntilStep, WaitForScheduleStep)
_CONSTANTS = ("smallint", "integer", "bigint", "numeric", "boolean")
_BLOCKS = (ParallelStep, RaceStep, TransactionStep, GroupStep)


class PythonSteps(PythonValues):
    """Writes steps; `remarks` are their comments, `files` those of `sql_file`.

    `types` are those of the inputs. Other constants of cases are written as text, which
    PostgreSQL reads as the type of what is matched.
    """

    def __init__(self, path: str, shared: Shared, bound: set[str]) -> None:
        super().__init__(path, shared, bound)
        self.remarks = Remarks()
        self.files: dict[int, str] = {}
        self.types: Mapping[str, str] = {}
        self.functions: set[str] = set()

    def free(self, name: str) -> str:
        """Return a name for a function that nothing else has."""
        taken = {*self.bound, *self.functions, *self.used}
        names = [name, *(f"{name}_{number}" for number in range(2, 1000))]
        found = next(each for each in names if each not in taken)
        self.functions.add(found)
        return found

    def steps(self, steps: Sequence[Step], level: int) -> list[str]:
        """Return the lines of a list of steps; `pass` stands between two `let`."""
        lines: list[str] = []
        before: Step | None = None
        for step in steps:
            indent, found = "    " * level, self.step(step, level)
            noted = lines or id(step) in self.remarks.before
            if found[0].lstrip().startswith("def ") and noted:
                found = ["", *found]
            lets = isinstance(before, LetStep) and isinstance(step, LetStep)
            if lets and before and not (_around(before) or _around(step)):
                found = [f"{indent}pass", *found]
            lines += self.remarks.around(step, found, indent)
            before = step
        return lines

    def step(self, step: Step, level: int) -> list[str]:
        """Return the lines of a step, with its options."""
        around = _around(step)
        undo, lines = self.undo(step.head, level)
        if not around:
            return [*lines, *self.plain(step, level, self.options(step.head, undo))]
        given: list[str] = []
        if "name" in around and step.head.name:
            given.append(f"name={string(step.head.name.text)}")
        inside: list[str] = []
        if "options" in around:
            given += self.options(step.head, undo)
        else:
            inside = self.options(step.head, undo)
        lines.append(f"{'    ' * level}with {self.word('step')}({', '.join(given)}):")
        return [*lines, *self.plain(step, level + 1, inside)]

    def options(self, head: Head, undo: str | None) -> list[str]:
        """Return the options that any step may have."""
        given: list[str] = []
        if head.effects is not None:
            given.append(f"effects={string(head.effects.text)}")
        if head.timeout is not None:
            given.append(f"timeout={self.duration(head.timeout)}")
        if undo is not None:
            given.append(f"undo={undo}")
        if head.when is not None:
            given.append(f"when={self.python(head.when)}")
        if head.description is not None:
            given.append(f"description={string(head.description)}")
        return given

    def undo(self, head: Head, level: int) -> tuple[str | None, list[str]]:
        """Return the value of `undo`, and the lines of its function if it needs one."""
        if head.undo is None:
            return None, []
        only = head.undo[0]
        if len(head.undo) == 1 and isinstance(only, _CALLED) and not _around(only):
            noted = {*self.remarks.before, *self.remarks.after}
            nested = only.head.name or only.head.undo or id(only) in noted
            lines = [] if nested else self.plain(only, 0, self.options(only.head, None))
            own = head.name is not None and not isinstance(only, SqlStep)
            if own and head.name and head.name.text in lines[0]:
                lines = []  # for mypy, such a name has no type yet in the lambda
            if len(lines) == 1:
                return f"lambda: {lines[0]}", []
        name = self.free(f"undo_{head.name.text}" if head.name else "undo")
        indent = "    " * level
        body = self.steps(head.undo, level + 1)
        return name, [f"{indent}def {name}() -> None:", *body, ""]

    def plain(self, step: Step, level: int, options: list[str]) -> list[str]:
        """Return a step without what stands around it."""
        indent = "    " * level
        match step:
            case LetStep():
                return [
                    f"{indent}{n.text} = {self.python(e)}" for n, e in step.bindings
                ]
            case BreakStep():
                return [f"{indent}break"]
            case ContinueStep():
                return [f"{indent}continue"]
            case ReturnStep():
                value = "" if step.value is None else f" {self.value(step.value)}"
                return [f"{indent}return{value}"]
            case FailStep(message=None):
                return [f"{indent}raise"]
            case FailStep(message=text) if text is not None:
                made = f"{self.word('Failure')}({self.template(text)})"
                return [f"{indent}raise {made}"]
            case AssertStep():
                message = f", {self.template(step.message)}" if step.message else ""
                return [f"{indent}assert {self.python(step.condition)}{message}"]
        if isinstance(step, _CALLED):
            return self.called(step, level, options)
        return self.nested(step, level, options)

    # --- calls

    def called(self, step: Step, level: int, options: list[str]) -> list[str]:
        """Return a call, over several lines where one is too long."""
        function, args = self.arguments(step)
        args += options
        named = step.head.name if isinstance(step, _RESULTS) else None
        name = f"{named.text} = " if named else ""
        indent = "    " * level
        line = f"{indent}{name}{self.word(function)}({', '.join(args)})"
        if len(line) <= _WIDTH and "\n" not in line:
            return [line]
        inner = [f"{indent}    {arg}," for arg in args]
        return [f"{indent}{name}{self.word(function)}(", *inner, f"{indent})"]

    def arguments(self, step: Step) -> tuple[str, list[str]]:
        """Return the name of a step's function, and its arguments."""
        function, args = self.first(step)
        timeout = getattr(step, "timeout", None)
        args += [f"timeout={self.duration(timeout)}"] if timeout else []
        retry = getattr(step, "retry", None)
        args += [f"retry={self.retry(retry)}"] if retry else []
        return function, args

    def first(self, step: Step) -> tuple[str, list[str]]:
        """Return the name of a step's function, and what is its own."""
        match step:
            case SqlStep():
                file = self.files.get(id(step.sql))
                text = string(file) if file else _statement(step.sql.text.value)
                args = [f"expect={string(step.expect)}"] if step.expect else []
                return "sql_file" if file else "sql", [text, *args]
            case HttpStep():
                return f"http.{step.method.text.lower()}", self.request(step)
            case SleepStep(duration=given):
                if isinstance(given, Duration):
                    return "sleep", [self.duration(given)]
                return "sleep", [self.alone(given)]
            case SleepUntilStep():
                return "sleep_until", [self.python(step.time)]
            case WaitForSignalStep():
                args = [string(step.signal.text)]
                if step.payload is not None:
                    args.append(f"payload={self.payload(step.payload)}")
                return "wait_for_signal", args
            case WaitForScheduleStep():
                args = [string(written_cron(step.cron))]
                if step.timezone is not None:
                    args.append(f"timezone={string(step.timezone.text)}")
                return "wait_for_schedule", args
            case CallStep():
                return "call", self.inputs_of(step)
            case StartStep():
                args = self.inputs_of(step)
                args += [f"key={self.template(step.key)}"] if step.key else []
                return "start", args
            case SendStep():
                args = [string(step.signal.text), f"to={self.template(step.to)}"]
                args += [f"data={self.value(step.data)}"] if step.data else []
                return "signal", args
        raise AssertionError(step)

    def inputs_of(self, step: CallStep | StartStep) -> list[str]:
        """Return the name of a workflow and its inputs."""
        args = [string(step.workflow.text)]
        if step.arguments or isinstance(step, CallStep):
            args.append(self.members(step.arguments))
        return args

    def members(self, entries: Sequence[tuple[Name, Value]]) -> str:
        """Return names and values as a dict."""
        listed = (f"{string(name.text)}: {self.value(v)}" for name, v in entries)
        return f"{{{', '.join(listed)}}}"

    def request(self, step: HttpStep) -> list[str]:
        """Return the arguments of a request."""
        args = [self.template(step.url)]
        for word, given in (("headers", step.headers), ("form", step.form)):
            if given:
                listed = ", ".join(
                    f"{string(name.text)}: {self.template(value)}"
                    for name, value in given
                )
                args.append(f"{word}={{{listed}}}")
        args += [f"json={self.value(step.json)}"] if step.json else []
        args += [f"body={self.template(step.body)}"] if step.body else []
        if step.multipart:
            listed = ", ".join(
                f"{string(each.name.text)}: {self.form_part(each)}"
                for each in step.multipart
            )
            args.append(f"multipart={{{listed}}}")
        args += [f"returns={self.payload(step.returns)}"] if step.returns else []
        if step.expect_status:
            words = [each.text for each in step.expect_status]
            shown = [word if word.isdigit() else string(word) for word in words]
            listed = ", ".join(shown)
            args.append(f"expect_status={listed if len(shown) == 1 else f'[{listed}]'}")
        return args

    # --- blocks

    def nested(self, step: Step, level: int, options: list[str]) -> list[str]:
        """Return a step that holds steps."""
        indent = "    " * level
        match step:
            case IfStep():
                return self.choice(step, level)
            case ParallelStep():
                opening = self.opening("parallel", options, level)
                return [f"{opening}:", *self.branches(step.branches, level + 1)]
            case RaceStep():
                opening = self.opening("race", options, level)
                name = f" as {step.head.name.text}" if step.head.name else ""
                return [f"{opening}{name}:", *self.branches(step.branches, level + 1)]
            case TransactionStep() | GroupStep():
                word = "transaction" if isinstance(step, TransactionStep) else "group"
                retry = [f"retry={self.retry(step.retry)}"] if step.retry else []
                opening = self.opening(word, [*retry, *options], level)
                return [f"{opening}:", *self.steps(step.steps, level + 1)]
            case LoopStep():
                return self.loop(step, level)
            case ForeachStep():
                return self.foreach(step, level, options)
            case SwitchStep():
                return self.switch(step, level)
            case TryStep():
                lines = [f"{indent}try:", *self.steps(step.steps, level + 1)]
                if step.handler is not None and step.error is not None:
                    failure = self.word("Failure")
                    lines.append(f"{indent}except {failure} as {step.error.text}:")
                    lines += self.steps(step.handler, level + 1)
                if step.finally_ is not None:
                    lines += [f"{indent}finally:"]
                    lines += self.steps(step.finally_, level + 1)
                return lines
        raise AssertionError(step)

    def opening(self, word: str, options: list[str], level: int) -> str:
        """Return the first line of a block, without what ends it."""
        return f"{'    ' * level}with {self.word(word)}({', '.join(options)})"

    def branches(self, branches: Sequence[Branch], level: int) -> list[str]:
        """Return the branches of a block."""
        lines = []
        for each in branches:
            name = string(each.name.text)
            lines.append(f"{'    ' * level}with {self.word('branch')}({name}):")
            lines += self.steps(each.steps, level + 1)
        return lines

    def choice(self, step: IfStep, level: int) -> list[str]:
        """Return `if`, `elif` and `else`."""
        indent = "    " * level
        lines = []
        words = ["if", *["elif"] * len(step.arms)]
        for word, arm in zip(words, step.arms, strict=False):
            lines.append(f"{indent}{word} {self.python(arm.condition)}:")
            lines += self.steps(arm.steps, level + 1)
        if step.otherwise:
            lines += [f"{indent}else:", *self.steps(step.otherwise, level + 1)]
        return lines

    def switch(self, step: SwitchStep, level: int) -> list[str]:
        """Return `match` and its cases."""
        indent = "    " * level
        values = [string(case.value.value) for case in step.cases]
        type_ = self.types.get(postgres(step.subject), "text")
        if type_ in _CONSTANTS:
            values = _constants([case.value.value for case in step.cases])
        lines = [f"{indent}match {self.python(step.subject)}:"]
        for value, case in zip(values, step.cases, strict=True):
            lines.append(f"{indent}    case {value}:")
            lines += self.steps(case.steps, level + 2)
        if step.default is not None:
            lines += [f"{indent}    case _:", *self.steps(step.default, level + 2)]
        return lines

    def loop(self, step: LoopStep, level: int) -> list[str]:
        """Return `while`."""
        indent = "    " * level
        condition = self.python(step.while_) if step.while_ else "True"
        if step.while_ is not None and condition in ("True", "1"):
            condition = self.written(step.while_)
        lines = [f"{indent}while {condition}:"]
        if step.every:
            every = self.word("every")
            lines.append(f"{indent}    {every}({self.duration(step.every)})")
        lines += self.steps(step.steps, level + 1)
        if step.until:
            until = self.word("until")
            lines.append(f"{indent}    {until}({self.python(step.until)})")
        return lines

    def foreach(self, step: ForeachStep, level: int, options: list[str]) -> list[str]:
        """Return `for` over rows."""
        indent, rows = "    " * level, step.source.text
        if step.max_parallel is not None:
            options = [f"max_parallel={step.max_parallel}", *options]
        if options:
            rows = f"{self.word('foreach')}({', '.join([rows, *options])})"
        lines = [f"{indent}for {step.item.text} in {rows}:"]
        lines += self.steps(step.steps, level + 1)
        if step.collect is not None:
            name = f"{step.head.name.text} = " if step.head.name else ""
            entries = step.collect.entries
            given = self.members(entries)
            if not any(keyword.iskeyword(key.text) for key, _ in entries):
                listed = (f"{key.text}={self.value(v)}" for key, v in entries)
                given = ", ".join(listed)
            lines.append(f"{indent}    {name}{self.word('collect')}({given})")
        return lines


def _around(step: Step) -> Mapping[str, bool]:
    """Return what of a step's head stands in `with step(...):` around it."""
    head = step.head
    found: dict[str, bool] = {}
    collected = isinstance(step, ForeachStep) and step.collect is not None
    if head.name and not (isinstance(step, (*_RESULTS, RaceStep)) or collected):
        found["name"] = True
    given = head.when or head.timeout or head.undo or head.description
    inside = isinstance(step, (*_CALLED, *_BLOCKS, ForeachStep))
    if given is not None and not inside:
        found["options"] = True
    return found


def _constants(values: Sequence[str]) -> list[str]:
    """Return the constants of cases: all as numbers, as booleans, or as text."""
    if all(value in ("true", "false") for value in values):
        return [value.capitalize() for value in values]
    if all(_is_whole(value) for value in values):
        return list(values)
    return [string(value) for value in values]


def _is_whole(value: str) -> bool:
    return len(value) < 1000 and value.isdecimal() and value == str(int(value))


def _statement(text: str) -> str:
    """Return SQL as a literal, over several lines where it has some."""
    seen = text.replace("\n", "").replace("\t", "")
    if "\n" not in text or not seen.isprintable():
        return string(text)
    plain = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    end = "\\\n" if plain.endswith('"') else ""
    return f'"""\\\n{plain}{end}"""'
