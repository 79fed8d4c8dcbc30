"""The YAML of a drawn workflow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import yaml

from tests.property.tree import (
    Assert,
    Const,
    CountMarkers,
    Divide,
    Expr,
    Fail,
    Foreach,
    Group,
    Guarded,
    If,
    Input,
    Insert,
    InsertRows,
    Leap,
    Let,
    Loop,
    Parallel,
    Race,
    Return,
    Schedule,
    Select,
    SelectIf,
    SelectRows,
    Sleep,
    SleepUntil,
    Step,
    Steps,
    Switch,
    Template,
    Touch,
    Transaction,
    Try,
    Wait,
    Workflow,
    show,
)


class Plain(str):
    """A scalar that is written without quotes."""


def data(workflow: Workflow, name: str) -> dict[str, Any]:
    """Return a workflow as nested mappings and lists of strings."""
    whole: dict[str, Any] = {"workflow": name}
    if workflow.inputs:
        whole["input"] = {each.name: _declared(each) for each in workflow.inputs}
    whole["steps"] = _steps(workflow.steps)
    return whole


def _declared(each: Input) -> str:
    text = each.type + ("?" if each.nullable else "")
    return text if each.default is None else f"{text} = {show(each.default)}"


def _steps(steps: Steps) -> list[Any]:
    return [_step(step) for step in steps]


def _step(step: Step) -> Any:
    match step:
        case Let(bindings):
            return {"let": {n: f"cast({show(e)} as {e.type})" for n, e in bindings}}
        case If(arms, otherwise):
            written: dict[str, Any] = _arm(*arms[0])
            if arms[1:]:
                written["elif"] = [_arm(*arm) for arm in arms[1:]]
            if otherwise is not None:
                written["else"] = _steps(otherwise)
            return written
        case Parallel(branches):
            return {"parallel": {name: _steps(steps) for name, steps in branches}}
        case Race(name, branches):
            return {"name": name, "race": {n: _steps(steps) for n, steps in branches}}
        case Loop(steps, while_, until, every):
            return {
                "loop": _steps(steps),
                **({"while": show(while_)} if while_ else {}),
                **({"until": show(until)} if until else {}),
                **({"every": f"{every}s"} if every else {}),
            }
        case Sleep(int(seconds)):
            return {"sleep": f"{seconds}s"}
        case Sleep(expr):
            return {"sleep": f"interval '1 second' * {show(expr)}"}  # type: ignore[arg-type] # not an int
        case Wait(name, signal, timeout):
            written = {"name": name, "wait_for_signal": signal}
            written["payload"] = {"n": "bigint", "s": "text?"}
            return {**written, **({"timeout": f"{timeout}s"} if timeout else {})}
        case Return(value):
            return {"return": _value(value)}
        case Fail(None):
            return "fail"
        case Fail(Template() as message):
            return {"fail": _template(message)}
        case Assert(condition, message):
            return {"assert": show(condition), "message": _template(message)}
        case Leap(word):
            return word
        case Guarded():
            return _guarded(step)
        case Switch() | Try() | Foreach() | Transaction() | Group():
            return _block(step)
        case SleepUntil(seconds):
            start = "timestamptz '2030-01-01 00:00:00+00'"
            return {"sleep_until": f"{start} + interval '1 second' * {show(seconds)}"}
        case Schedule():
            return {"wait_for_schedule": "* * * * *"}
        case _:
            return _statement(step)


def _guarded(guarded: Guarded) -> dict[str, Any]:
    written = _step(guarded.step)
    if isinstance(written, str):
        written = {written: Plain("null")}
    if guarded.when is not None:
        written["when"] = show(guarded.when)
    if guarded.timeout is not None:
        written["timeout"] = f"{guarded.timeout}s"
    if guarded.undo is not None:
        written["undo"] = _steps(guarded.undo)
    return dict(written)


def _block(step: Step) -> dict[str, Any]:
    match step:
        case Switch(subject, cases, default):
            written: dict[str, Any] = {
                "switch": show(subject),
                "cases": {value: _steps(steps) for value, steps in cases},
            }
            more = {} if default is None else {"default": _steps(default)}
            return {**written, **more}
        case Try(steps, error, handler, finally_):
            written = {"try": _steps(steps)}
            if handler is not None:
                written |= {"catch": error, "do": _steps(handler)}
            more = {} if finally_ is None else {"finally": _steps(finally_)}
            return {**written, **more}
        case Foreach(name, item, rows, steps, most, collect):
            written = {"name": name, "foreach": f"{item} in {rows}"}
            written |= {"do": _steps(steps), "collect": {"i": f"${{{show(collect)}}}"}}
            return {**written, **({"max_parallel": Plain(most)} if most > 1 else {})}
        case Transaction(steps):
            return {"transaction": _steps(steps)}
        case Group(steps, attempts, backoff):
            retry = {"retry": _retry(attempts, backoff)} if attempts > 1 else {}
            return {"do": _steps(steps), **retry}
        case _:
            raise TypeError(step)


def _arm(condition: Expr, steps: Steps) -> dict[str, Any]:
    return {"if": show(condition), "then": _steps(steps)}


def _template(value: Template) -> str:
    before, after = (text.replace("${", "$${") for text in (value.before, value.after))
    return f"{before}${{{show(value.expr)}}}{after}"


def _value(value: Any) -> Any:
    match value:
        case None:
            return Plain("null")
        case tuple():
            return {name: _value(item) for name, item in value}
        case Template():
            return _template(value)
        case Const("bigint", number) if number is not None:
            return Plain(number)
        case Const("boolean", flag) if flag is not None:
            return Plain("true" if flag else "false")
        case _:
            return f"${{{show(value)}}}"


def _retry(attempts: int, backoff: int) -> dict[str, Any]:
    return {
        "max_attempts": Plain(attempts),
        "backoff": f"{backoff}s",
        "jitter": Plain("false"),
        "on": ["22012"],
    }


def _statement(step: Step) -> dict[str, Any]:
    def named(name: str | None, text: str, **more: Any) -> dict[str, Any]:
        return {**({"name": name} if name else {}), "sql": text, **more}

    def sql(expr: Expr) -> str:
        return show(expr, ":")

    match step:
        case Insert(marker, value, name):
            shown = f"cast({sql(value)} as {value.type})"
            cast = "::text" if value.type == "numeric" else ""
            return named(
                name,
                "insert into shop.audit (what, data)\n"
                f"values ('{marker}', to_jsonb({shown}{cast}))",
            )
        case InsertRows(marker, rows):
            return named(
                None,
                "insert into shop.audit (what, data) "
                f"select '{marker}', to_jsonb(b.i) from :{rows}.* b order by b.i",
            )
        case Select(name, columns):
            shown = ", ".join(
                f"cast({sql(expr)} as {expr.type}) as {column}"
                for column, expr in columns
            )
            return named(name, f"select {shown}")
        case SelectIf(name, value, condition, expect):
            text = f"select cast({sql(value)} as {value.type}) as x"
            return named(name, f"{text} where {sql(condition)}", expect=expect)
        case SelectRows(name, count):
            text = f"select i from generate_series(1, {sql(count)}) as i order by i"
            return named(name, text)
        case CountMarkers(name, marker):
            text = f"select count(*) as n from shop.audit where what = '{marker}'"
            return named(name, text)
        case Touch(name, marker):
            text = "update shop.audit set at = at where what = "
            return named(name, f"{text}'{marker}'")
        case Divide(name, value, attempts, backoff):
            retry = {"retry": _retry(attempts, backoff)} if attempts > 1 else {}
            return named(name, f"select 100 / {sql(value)} as q", **retry)
        case _:
            raise TypeError(step)


@dataclass(frozen=True)
class Format:
    """How YAML is written, where YAML leaves a choice."""

    flow: bool = False
    quote: Literal["", "'", '"'] = ""
    indent: int = 2
    width: int = 80
    comments: bool = False


def text(workflow: Workflow, name: str, style: Format | None = None) -> str:
    """Return a workflow as YAML."""
    style = style or Format()
    dumper = _dumper(style.quote)
    written: str = yaml.dump(
        data(workflow, name),
        Dumper=dumper,
        default_flow_style=style.flow,
        indent=style.indent,
        width=style.width,
        sort_keys=False,
        allow_unicode=True,
    )
    if style.comments:
        written = f"# made up\n{written}# the end\n".replace(
            "\nsteps:", "\n\n# what to do\nsteps:"
        )
    return written


def _dumper(quote: str) -> type[yaml.SafeDumper]:
    class Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: object) -> bool:
            return True

    def plain(dumper: yaml.SafeDumper, value: Plain) -> yaml.ScalarNode:
        tag = dumper.resolve(yaml.ScalarNode, str(value), (True, False))  # type: ignore[no-untyped-call] # PyYAML
        return yaml.ScalarNode(tag, str(value))

    def string(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        style = "|" if "\n" in value and not quote else quote
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style=style or None)

    Dumper.add_representer(Plain, plain)
    Dumper.add_representer(str, string)
    return Dumper
