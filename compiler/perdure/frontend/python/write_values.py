"""Types, values and options of a workflow as Python."""

from __future__ import annotations

import keyword
from collections.abc import Iterator, Sequence
from dataclasses import replace

from perdure.frontend.expr.durations import format_duration
from perdure.frontend.python.write_expr import PythonExpressions, is_text, string
from perdure.frontend.yaml.shared import Shared
from perdure.source import Text
from perdure.syntax.expr import Expr, Literal, Name
from perdure.syntax.tree import (
    Constant,
    Cron,
    Duration,
    FormPart,
    Listing,
    ListType,
    Mapping,
    NamedType,
    Retry,
    ShapeType,
    Template,
    TypeExpr,
    Value,
)

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


class PythonValues(PythonExpressions):
    """Writes types and values, and notes what they need to be imported or defined.

    `bound` are the names that the workflow binds, `path` is its file's, and `shared`
    are the definitions of the project. `missing` are the members of objects, by `id`
    of their type, that what is returned leaves out.
    """

    def __init__(self, path: str, shared: Shared, bound: set[str]) -> None:
        super().__init__(bound)
        self.path = path
        self.known = shared
        self.imports: set[str] = set()
        self.shapes: list[str] = []
        self.missing: set[tuple[int, str]] = set()

    # --- types

    def type(self, type_: TypeExpr) -> str:
        """Return the annotation that stands for a type."""
        match type_:
            case NamedType():
                known = _TYPES.get(type_.name)
                if known is None or known[0].split("[")[0] in self.bound:
                    return self.annotated(type_)
                name, module = known
                self.imports |= {module} if module else set()
                return f"{name} | None" if type_.nullable else name
            case ListType():
                inner = f"list[{self.type(type_.item)}]"
                return f"{inner} | None" if type_.nullable else inner
            case ShapeType():
                return self.shape(type_)

    def annotated(self, type_: NamedType) -> str:
        """Return the annotation of a type by its name in PostgreSQL."""
        self.imports |= {"typing.Annotated", "typing.Any"}
        suffix = "?" if type_.nullable else ""
        return f"Annotated[Any, {string(type_.name + suffix)}]"

    def shape(self, type_: ShapeType) -> str:
        """Define a TypedDict for an object, after those that its fields need."""
        self.imports.add("typing.TypedDict")
        fields = [
            (name.text, self.member(type_, name, of)) for name, of in type_.fields
        ]
        name = f"Shape{len(self.shapes) + 1}"
        if all(_is_field(each) for each, _ in fields):
            lines = [f"    {each}: {of}" for each, of in fields]
            self.shapes.append("\n".join([f"class {name}(TypedDict):", *lines]))
        else:
            listed = ", ".join(f"{string(each)}: {of}" for each, of in fields)
            self.shapes.append(f'{name} = TypedDict("{name}", {{{listed}}})')
        return f"{name} | None" if type_.nullable else name

    def member(self, shape: ShapeType, name: Name, of: TypeExpr) -> str:
        """Return the annotation of a member of an object, which may be missing."""
        if (id(shape), name.text) not in self.missing:
            return self.type(of)
        self.imports.add("typing.NotRequired")
        return f"NotRequired[{self.type(of)}]"

    def payload(self, type_: TypeExpr) -> str:
        """Return the form of a payload, objects as dicts of names and types."""
        name = shared_type(type_, self.path, self.known)
        if name is not None:
            return string(name)
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

    def literal(self, expr: Literal) -> str:
        """Return a constant; where a checker needs it, a number as a `Decimal`."""
        if id(expr) in self.kinds.decimals:
            return self.exact(expr.text)
        return super().literal(expr)

    def exact(self, text: str) -> str:
        """Return a number as a `Decimal`."""
        self.imports.add("decimal.Decimal")
        return f'Decimal("{text}")'

    def template(self, template: Template) -> str:
        """Return text; in JSON, a lone expression keeps its type."""
        parts = template.parts
        if all(isinstance(part, Text) for part in parts):
            return string("".join(p.value for p in parts if isinstance(p, Text)))
        if len(parts) == 1 and not isinstance(parts[0], Text):
            return self.alone(parts[0])
        written = [self.part(part) for part in parts]
        if any(each is None for each in written):
            return self.joined(parts)
        return 'f"' + "".join(each or "" for each in written) + '"'

    def alone(self, expr: Expr) -> str:
        """Return an expression where text would be taken for what it says."""
        plain = isinstance(expr, Literal) or is_text(expr)
        return self.written(expr) if plain else self.python(expr)

    def part(self, part: Text | Expr) -> str | None:
        """Return a part of an f-string, None for what can't stand in one.

        Before Python 3.12 a field may not hold the quote around it, or a backslash.
        """
        if isinstance(part, Text):
            return string(part.value)[1:-1].replace("{", "{{").replace("}", "}}")
        code = self.python(part)
        if "\\" in code or "'" in code or isinstance(part, Literal):
            return None
        return "{" + code.replace('"', "'") + "}"

    def joined(self, parts: Sequence[Text | Expr]) -> str:
        """Return text as a sum; where no text comes first, the empty one does."""
        written = [
            string(part.value)
            if isinstance(part, Text)
            else self.written(part)
            if isinstance(part, Literal) or is_text(part)
            else self.inside(part, 7)
            for part in parts
        ]
        first = [] if isinstance(parts[0], Text) else ['""']
        return " + ".join([*first, *written])

    def value(self, value: Value) -> str:
        """Return what becomes JSON."""
        match value:
            case Constant() if id(value) in self.kinds.decimals:
                return self.exact(value.text)
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
        """Return a policy, by its name if it is a shared one."""
        name = shared_retry(retry, self.path, self.known)
        if name is not None:
            return string(name)
        options = [f"max_attempts={retry.max_attempts}"]
        others = (retry.backoff, retry.factor, retry.max_backoff, retry.jitter)
        if retry.on is None and all(each is None for each in others):
            return str(retry.max_attempts)
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
        return f"{self.word('Retry')}({', '.join(options)})"

    def duration(self, duration: Duration) -> str:
        """Return a length of time."""
        return string(format_duration(duration.milliseconds))

    def form_part(self, part: FormPart) -> str:
        """Return a part of a request."""
        given = [f"source={part.source.text}"] if part.source else []
        if part.body is not None:
            if part.filename is None and part.content_type is None:
                return self.template(part.body)
            given.append(f"body={self.template(part.body)}")
        if part.filename is not None:
            given.append(f"filename={self.template(part.filename)}")
        if part.content_type is not None:
            given.append(f"content_type={string(part.content_type)}")
        return f"{self.word('Part')}({', '.join(given)})"


def _is_field(name: str) -> bool:
    """Say whether a class can have a field of that name; it mangles those with "__"."""
    written = name.isidentifier() and name.isascii()
    return written and not (keyword.iskeyword(name) or name.startswith("__"))


def left_out(type_: TypeExpr, value: Value) -> Iterator[tuple[int, str]]:
    """Yield the members of objects that a value leaves out, by `id` of their type."""
    match type_, value:
        case ShapeType(), Mapping():
            given = {name.text: each for name, each in value.entries}
            for name, of in type_.fields:
                if name.text in given:
                    yield from left_out(of, given[name.text])
                elif of.nullable:
                    yield id(type_), name.text
        case ListType(), Listing():
            for each in value.items:
                yield from left_out(type_.item, each)


_WEEK = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


def written_cron(cron: Cron) -> str:
    """Return a schedule, days of the week in a row as a range."""
    *others, days = cron.fields
    found = days.split(",")
    at = _WEEK.index(found[0]) if found[0] in _WEEK else 0
    if len(found) > 2 and tuple(found) == _WEEK[at : at + len(found)]:
        days = f"{found[0]}-{found[-1]}"
    return " ".join([*others, days])


def shared_type(type_: TypeExpr, path: str, shared: Shared) -> str | None:
    """Return the name of a shared type, where a file used it."""
    if type_.span.path == path:
        return None
    for name, known in shared.types.items():
        if known == replace(type_, nullable=known.nullable):
            return name + ("?" if type_.nullable and not known.nullable else "")
    return None


def shared_retry(retry: Retry, path: str, shared: Shared) -> str | None:
    """Return the name of a shared policy, where a file used it."""
    if retry.span.path == path:
        return None
    return next((n for n, known in shared.retries.items() if known == retry), None)
