"""What translating a graph knows and collects, and how references are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal as OneOf
from typing import TypeVar

from perdure.diagnostics import Diagnostic, error, warning
from perdure.frontend.df.layout import dedented
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node
from perdure.frontend.df.references import Found, in_sql, rewrite_sql, rewrite_text
from perdure.frontend.df.scope import SYSTEM, Binding, Ending, Names, Use, is_plain
from perdure.frontend.expr import parse_expr, parse_template
from perdure.frontend.sqltext import read_sql
from perdure.source import Span, Text
from perdure.syntax.expr import Expr, Name
from perdure.syntax.sql import SqlText
from perdure.syntax.tree import Head, Step, Template

Made = TypeVar("Made", bound=Step)
Dialect = OneOf["pg_durable", "perdure"]
_FIELDS = {
    "signal": ("timed_out", "data"),
    "http": ("status", "ok", "headers", "body"),
    "error": ("message", "sqlstate", "detail"),
}


@dataclass(frozen=True, slots=True)
class Goal:
    """What becomes of a node's result: a name for it, or it is the run's."""

    name: str | None = None
    last: bool = False

    @property
    def inner(self) -> Goal:
        """The goal of a node whose result nobody takes."""
        return Goal()


class Given(Exception):
    """A node that has no counterpart; the finding says so."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class Loop:
    """A loop around: what the value of a `break` becomes."""

    last: bool = False  # it is the run's
    ending: Ending | None = None
    carries: bool = True  # names into the next round


@dataclass(slots=True)
class Context:
    """The state of one graph's translation."""

    dialect: Dialect
    uses: dict[str, Use]
    inputs: dict[str, str]  # names of variables and inputs, to those of the workflow
    names: Names
    translate: Callable[[Context, Node, Goal], list[Step]]
    env: dict[str, Binding] = field(default_factory=dict)
    place: tuple[int, ...] = ()
    places: int = 0
    loops: list[Loop] = field(default_factory=list)
    catching: list[str] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    notes: dict[int, list[str]] = field(default_factory=dict)
    pending: list[str] = field(default_factory=list)
    unreturned: bool = False  # the run's result was that of a join
    assumed_one: list[str] = field(default_factory=list)
    booleans: set[str] = field(default_factory=set)  # names of a `let`
    split: frozenset[int] = frozenset()  # nodes `if` that become groups
    read_after: set[int] = field(default_factory=set)  # those that have to
    repeated: set[int] = field(default_factory=set)  # those in a round of a loop
    unset: set[str] = field(default_factory=set)  # variables that nothing sets here

    # --- findings ---------------------------------------------------------------

    def refuse(self, span: Span, message: str, *notes: str, help: str) -> Given:
        """Return what to raise where there is no counterpart."""
        return Given(error("WF805", span, message, *notes, help=help))

    def doubt(self, span: Span, message: str, help: str) -> None:
        """Report what is to be looked at, here and at the next step that is made."""
        found = warning("WF806", span, message, help=help)
        if found not in self.findings:
            self.findings.append(found)
            self.pending.append(f"# import: {message}; {help}")

    def keep(self, step: Made) -> Made:
        """Return a new step, which takes what was noted before it."""
        if self.pending:
            self.notes.setdefault(id(step), []).extend(self.pending)
            self.pending.clear()
        return step

    def instead(self, old: Step, new: Made) -> Made:
        """Return a step in the place of another, with the other's notes."""
        if id(old) in self.notes:
            self.notes[id(new)] = self.notes.pop(id(old))
        return self.keep(new)

    # --- names ------------------------------------------------------------------

    @contextmanager
    def branch(self, own: bool = True) -> Iterator[None]:
        """Translate a branch: it sees what was bound before, and not its siblings."""
        place, env = self.place, dict(self.env)
        if own:
            self.places += 1
            self.place = (*place, self.places)
        yield
        self.place, self.env = place, env

    def bind(self, name: str | None, binding: Binding) -> None:
        """Remember what a name of the graph is from here on."""
        if name is not None:
            self.env[name] = binding

    def step_name(self, goal: Goal) -> str | None:
        """Return the workflow's name for the result of a node."""
        return self.names.bind(goal.name, self.place) if goal.name else None

    def use(self, name: str | None) -> Use:
        """Return how a name is read."""
        return self.uses.get(name or "", Use())

    # --- texts ------------------------------------------------------------------

    def sql(self, text: Text) -> str:
        """Return a statement with the workflow's references."""
        return rewrite_sql(self._idioms(text.value), self._resolver(text, ":"))

    def bare(self, text: Text, expression: str) -> Expr | None:
        """Return a part of a statement as an expression; None if it is none."""
        own = self._idioms(expression)
        if any(self._is_many(found) for found in in_sql(own)):
            return None
        written = rewrite_sql(own, self._resolver(text, ""))
        expr, found = parse_expr(plain(written, text.whole))
        return None if found else expr

    def template(self, text: Text, what: str = "this text") -> Template:
        """Return a text that is no SQL with the workflow's references."""
        resolve = self._resolver(text, "")
        written = ""
        for part in rewrite_text(text.value, resolve):
            if isinstance(part, str):
                written += part.replace("${", "$${")
                continue
            if self._is_many(part):
                raise self.refuse(
                    text.span(part.start, part.end),
                    f'"{part.name}" has many rows, and {what} takes one value',
                    help=f"give {part.name} one row: limit 1",
                )
            written += f"${{{resolve(part)}}}"
        read, found = parse_template(plain(written, text.whole))
        if read is None:
            raise Given(found[0])
        return read

    def expr(self, written: str, span: Span) -> Expr:
        """Return an expression that was put together here."""
        expr, found = parse_expr(plain(written, span))
        if expr is None:
            raise Given(found[0])
        return expr

    def statement(self, written: str, text: Text) -> SqlText:
        """Return a statement in which all references are the workflow's."""
        sql, found = read_sql(plain(dedented(written), text.whole))
        if sql is None:
            raise Given(found[0])
        return sql

    def head(self, span: Span, name: str | None = None) -> Head:
        """Return the head of a step."""
        return Head(Name(name, span) if name else None, None, span, span)

    # --- references -------------------------------------------------------------

    def _is_many(self, found: Found) -> bool:
        binding = self.env.get(found.name)
        return binding is not None and binding.many and not found.variable

    def _resolver(self, text: Text, mark: str) -> Callable[[Found], str | None]:
        def resolve(found: Found) -> str | None:
            end = min(found.end, len(text.value))
            return self._reference(found, text.span(min(found.start, end), end), mark)

        return resolve

    def _reference(self, found: Found, span: Span, mark: str) -> str | None:
        """Return a reference as the workflow writes it; None if it is plain text."""
        if found.variable or (found.name == "input" and found.column):
            return self._input(found, span, mark)
        if found.name == "secrets" and found.column and not mark:
            return f"secrets.{found.column}"
        binding = self.env.get(found.name)
        if binding is None:
            return self._unbound(found, span)
        if found.within == "dollar":
            raise self.refuse(
                span,
                f'"${found.name}" stands in a body in dollar quotes',
                "a value there could become code",
                help="pass it to a function as an argument",
            )
        self.after_arm(binding, found.name, span, found.optional)
        written = self._value(binding, found, span, mark)
        if found.optional and found.within == "literal" and not found.alone:
            return f"coalesce(cast({written} as text), 'NULL')"
        return written

    def after_arm(
        self, binding: Binding, name: str, span: Span, optional: bool = False
    ) -> None:
        """Note that a name is read which one arm of an `if` binds, and one does not."""
        if not binding.arms or binding.kind == "lost":
            return
        self.read_after |= binding.arms
        if binding.arms & self.repeated:
            message = f'"${name}" is null in a round that does not bind it; df kept '
            message += "the value of an earlier one"
            self.doubt(span, message, "bind it before the loop, too")
        elif not optional:
            message = f'"${name}" is null where the arm that binds it was not taken; '
            message += "df failed there"
            self.doubt(span, message, "see that it is read only where it was taken")

    def _unbound(self, found: Found, span: Span) -> str | None:
        if found.within in ("literal", "dollar", "text"):
            return None
        raise self.refuse(
            span,
            f'nothing binds "${found.name}" before it is read',
            help=f"name a result by |=> '{found.name}', or write the value here",
        )

    def _input(self, found: Found, span: Span, mark: str) -> str | None:
        if found.variable and found.name in SYSTEM:
            if found.name == "sys_label":
                what = "{sys_label} is the label of a run, :run.workflow its workflow"
                self.doubt(span, what, "see that nobody needs the label")
            return mark + SYSTEM[found.name]
        name = found.column if not found.variable else found.name
        written = self.inputs.get(name or "")
        if written is None:
            self._kept(found, span)
            return None
        if found.within == "literal" and name in self.unset:
            self.unset.remove(name)
            self.doubt(
                span,
                f'nothing here sets the variable "{name}"; it is an input now',
                "if no df.setvar does, write the text itself in its place",
            )
        if found.within == "dollar":
            raise self.refuse(
                span,
                f'"{{{name}}}" stands in a body in dollar quotes',
                help="pass it to a function as an argument",
            )
        return mark + written

    def _kept(self, found: Found, span: Span) -> None:
        """Report what may be a variable of pg_durable, but has stayed as it was."""
        if found.variable and self.dialect == "pg_durable":
            self.doubt(
                span,
                f'nothing here sets the variable "{found.name}"; it is text now',
                "if a df.setvar does, pass its value to a function as an argument",
            )

    def _value(self, binding: Binding, found: Found, span: Span, mark: str) -> str:
        name = mark + binding.name
        match binding.kind:
            case "lost":
                raise self.refuse(
                    span,
                    f'"{found.name}" can\'t be read in a workflow: {binding.reason}',
                    help="name the result that is meant, and read that",
                )
            case "rows" | "item":
                return self._column(binding, found, span, mark)
            case "signal" | "http" | "error":
                return self._field(binding, found, span, name)
            case "schedule":
                return "'{\"scheduled\": true}'"
            case "call" if found.column:
                return f"{name}.{found.column}"
            case "value":
                return self._ending(binding, found, span, mark)
        return name

    def _ending(self, binding: Binding, found: Found, span: Span, mark: str) -> str:
        """Return what is read of the value of a break."""
        ending = binding.ending
        if ending is None:
            return mark + binding.name
        if found.column is None:
            typed = ending.types[binding.name] != "text"
            json = typed and found.cast in ("json", "jsonb")
            return f"to_jsonb({mark}{binding.name})" if json else mark + binding.name
        if found.column not in ending.members:
            raise self.refuse(
                span,
                f'no df.break of the loop gives "{found.column}", so that this fails',
                help="leave it out, or give it to df.break",
            )
        if found.column in ending.partial:
            self.doubt(
                span,
                f'not each df.break of the loop gives "{found.column}"; it is null '
                "then, where df failed",
                "see that it is read only where it has a value",
            )
        return mark + ending.members[found.column]

    def _column(self, binding: Binding, found: Found, span: Span, mark: str) -> str:
        shape, name = binding.shape, mark + binding.name
        if found.column == "*":
            return f"{name}.* as {_alias(binding.name)}"
        column = found.column
        if column is None:
            first = shape.columns[0] if shape and shape.columns else None
            if first is None or first.name is None:
                raise self.refuse(
                    span,
                    f'"${found.name}" is the first column of a result, and the '
                    "statement does not say which that is",
                    help=f"list the columns of the statement, or write "
                    f"${found.name}.column",
                )
            column = first.name
            self.nameable(column, span)
        if binding.many and mark:
            return f"(select r.{column} from {name}.* as r limit 1)"
        return f"{name}.{column}"

    def nameable(self, column: str, span: Span) -> None:
        """Refuse a column that no reference can name."""
        if not is_plain(column):
            raise self.refuse(
                span,
                f'the column "{column}" is read, and no reference can name it',
                help="give it a name of letters, digits and _ by `as`",
            )

    def _field(self, binding: Binding, found: Found, span: Span, name: str) -> str:
        fields = _FIELDS[binding.kind]
        column = found.column
        if column is None and binding.kind == "error":
            column = "message"
        if column in fields:
            return f"{name}.{column}"
        if column == "signal_name":
            return f"'{binding.signal}'"
        if column == "node" and binding.kind == "error":
            return f"{name}.step"
        if column is not None:
            raise self.refuse(
                span,
                f'the result of this step has no "{column}" in a workflow',
                f"it has {', '.join(fields)}",
                help="leave it out",
            )
        parts = [f"'{each}', {name}.{each}" for each in fields]
        if binding.kind == "signal":
            parts.insert(0, f"'signal_name', '{binding.signal}'")
        return f"jsonb_build_object({', '.join(parts)})"

    def _idioms(self, text: str) -> str:
        """Read members of results as columns: `$sig::jsonb->'data'` is `$sig.data`."""
        text = re.sub(r"\bdf\s*\.\s*now\s*\(\s*\)", "perdure.now()", text)
        for name, binding in self.env.items():
            if binding.kind in _FIELDS and f"${name}" in text:
                text = _members(text, name, binding.kind)
        return text


_RESERVED = frozenset(
    {"all", "analyse", "analyze", "any", "array", "asc", "asymmetric", "both"}
    | {"check", "collate", "column", "constraint", "create", "default"}
    | {"deferrable", "desc", "do", "except", "fetch", "for", "foreign", "grant"}
    | {"group", "having", "initially", "intersect", "into", "lateral", "leading"}
    | {"limit", "localtime", "offset", "on", "only", "order", "placing", "primary"}
    | {"references", "returning", "select", "some", "symmetric", "table", "to"}
    | {"trailing", "union", "unique", "user", "using", "variadic", "where"}
    | {"window", "with"}
)


def _alias(name: str) -> str:
    """Return a name as the alias of a table."""
    return f'"{name}"' if name in _RESERVED else name


_BOOLEANS = ("timed_out", "ok")


def _members(text: str, name: str, kind: str) -> str:
    """Return SQL in which members of the JSON of a result are its columns."""
    ref = rf"\${name}\b(?!\.)\??"
    json = r"\s*::\s*jsonb?\b"
    whole = (
        rf"(?:\(\s*{ref}{json}\s*\)|\(\s*{ref}\s*\){json}|'{ref}'{json}|{ref}{json}"
        rf"|cast\s*\(\s*{ref}\s+as\s+jsonb?\s*\))"
    )
    for field_ in _FIELDS[kind]:
        own = f"${name}.{field_}"
        get = rf"{whole}\s*->>\s*'{field_}'"
        if field_ in _BOOLEANS:
            cast = r"\s*::\s*bool(?:ean)?\b"
            text = re.sub(rf"\(\s*{get}\s*\){cast}", own, text, flags=re.I)
        if field_ == "status":
            cast = r"\s*::\s*(?:int(?:eger|4)?)\b"
            text = re.sub(rf"\(\s*{get}\s*\){cast}", own, text, flags=re.I)
        as_text = own if field_ == "body" else f"cast({own} as text)"
        text = re.sub(get, as_text, text, flags=re.I)
        as_json = own if field_ in ("data", "headers") else f"to_jsonb({own})"
        text = re.sub(rf"{whole}\s*->\s*'{field_}'", as_json, text, flags=re.I)
    return text
