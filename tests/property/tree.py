"""A workflow as the property tests see it: a small tree, and its YAML.

It is not the compiler's tree on purpose: what a workflow means is said here and in
`tests.property.model` a second time, in as few words as possible.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

import yaml

Type = Literal["bigint", "numeric", "text", "boolean"]
Scalar = int | Decimal | str | bool | None

# --- expressions ----------------------------------------------------------------


@dataclass(frozen=True)
class Const:
    type: Type
    value: Scalar


@dataclass(frozen=True)
class Ref:
    """`a`, `s1.x`, `w1.data.n`."""

    type: Type
    name: str


@dataclass(frozen=True)
class Call:
    """An operator; `text` has a `{}` for each argument."""

    type: Type
    text: str
    args: tuple[Expr, ...]


Expr = Const | Ref | Call


def show(expr: Expr, sigil: str = "") -> str:
    """Return the text of an expression; `sigil` is `:` inside of SQL."""
    match expr:
        case Const(type, None):
            return f"null::{type}"
        case Const("text", value):
            return "'" + str(value).replace("'", "''") + "'"
        case Const("boolean", value):
            return "true" if value else "false"
        case Const(type, value):
            return (
                f"{value}::{type}"
                if not str(value).startswith("-")
                else (f"({value})::{type}")
            )
        case Ref():
            return sigil + expr.name
        case Call():
            parts = [show(arg, sigil) for arg in expr.args]
            return "(" + expr.text.format(*parts) + ")"


# --- steps ----------------------------------------------------------------------


@dataclass(frozen=True)
class Insert:
    """Write a marker and a value; a numeric goes in as its text."""

    marker: str
    value: Expr
    name: str | None = None


@dataclass(frozen=True)
class InsertRows:
    """Write a marker once for each row of a row set, with the row's number."""

    marker: str
    rows: str


@dataclass(frozen=True)
class Select:
    """One row of values."""

    name: str
    columns: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class SelectIf:
    """One row of one column `x`, or none when the condition does not hold."""

    name: str
    value: Expr
    condition: Expr
    expect: Literal["one", "maybe"]


@dataclass(frozen=True)
class SelectRows:
    """Rows with the numbers from 1 to `count` in the column `i`."""

    name: str
    count: Expr


@dataclass(frozen=True)
class CountMarkers:
    """How often a marker was written before: `n`."""

    name: str
    marker: str


@dataclass(frozen=True)
class Touch:
    """Update the rows of a marker: `rows_affected`."""

    name: str
    marker: str


@dataclass(frozen=True)
class Divide:
    """100 / value as the column `q`, tried several times when that fails."""

    name: str
    value: Expr
    attempts: int
    backoff: int


@dataclass(frozen=True)
class Let:
    bindings: tuple[tuple[str, Expr], ...]


@dataclass(frozen=True)
class If:
    arms: tuple[tuple[Expr, Steps], ...]
    otherwise: Steps | None


@dataclass(frozen=True)
class Parallel:
    branches: tuple[tuple[str, Steps], ...]


@dataclass(frozen=True)
class Race:
    name: str
    branches: tuple[tuple[str, Steps], ...]


@dataclass(frozen=True)
class Loop:
    steps: Steps
    while_: Expr | None = None
    until: Expr | None = None
    every: int | None = None


@dataclass(frozen=True)
class Sleep:
    """Whole seconds, written as a duration or, from an expression, as an interval."""

    seconds: int | Expr


@dataclass(frozen=True)
class Wait:
    """The payload is `{n: bigint, s: text?}`."""

    name: str
    signal: str
    timeout: int | None


@dataclass(frozen=True)
class Return:
    """None is no value; a tuple is an object; text is a template."""

    value: Expr | Template | tuple[tuple[str, Expr | Template], ...] | None


@dataclass(frozen=True)
class Template:
    """Text, an expression, text."""

    before: str
    expr: Expr
    after: str


@dataclass(frozen=True)
class Fail:
    message: Template


@dataclass(frozen=True)
class Assert:
    condition: Expr
    message: Template


@dataclass(frozen=True)
class Leap:
    word: Literal["break", "continue"]


Step = (
    Insert
    | InsertRows
    | Select
    | SelectIf
    | SelectRows
    | CountMarkers
    | Touch
    | Divide
    | Let
    | If
    | Parallel
    | Race
    | Loop
    | Sleep
    | Wait
    | Return
    | Fail
    | Assert
    | Leap
)
Steps = tuple[Step, ...]


@dataclass(frozen=True)
class Input:
    """An input, what it is declared as, and the value it is given; None: not given."""

    name: str
    type: Type
    nullable: bool
    default: Const | None
    given: bool
    value: Scalar


@dataclass(frozen=True)
class Message:
    """A signal that is sent: `at` in milliseconds after the start, 0 before it runs."""

    signal: str
    at: int
    n: int
    s: str | None


@dataclass(frozen=True)
class Workflow:
    inputs: tuple[Input, ...]
    steps: Steps
    messages: tuple[Message, ...] = field(default=())


# --- YAML -----------------------------------------------------------------------


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
        case Fail(message):
            return {"fail": _template(message)}
        case Assert(condition, message):
            return {"assert": show(condition), "message": _template(message)}
        case Leap(word):
            return word
        case _:
            return _statement(step)


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
