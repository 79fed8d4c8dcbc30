"""`return` values against the declared `returns`."""

from __future__ import annotations

from perdure.catalog.model import Rejected
from perdure.diagnostics import error
from perdure.diagnostics.wording import cast_to, worded
from perdure.ir.expr import Expression, Listing, Mapping, Reference, Template, Value
from perdure.ir.types import Items, Record, Scalar, Type
from perdure.resolve.assign import assignable, is_json, is_number, is_text, reads_as
from perdure.resolve.context import Context
from perdure.resolve.suggest import did_you_mean, nearest, replacement
from perdure.resolve.types import show_type
from perdure.source import Span
from perdure.syntax import tree as syntax

COALESCE = "give it a value with coalesce(..., ...)"
"""How a value is kept from being null."""


def check_value(
    context: Context,
    written: syntax.Value,
    value: Value,
    declared: Type,
    nullable: bool,
) -> None:
    """Report where a value does not fit the declared type."""
    match written, value:
        case syntax.Mapping(), Mapping() if isinstance(declared, Record):
            _check_mapping(context, written, value, declared)
        case syntax.Listing(), Listing() if isinstance(declared, Items):
            for item, resolved in zip(written.items, value.items, strict=True):
                check_value(context, item, resolved, declared.item, declared.nullable)
        case ((syntax.Mapping() | syntax.Listing()), _):
            if not is_json(declared):
                what = "an object" if isinstance(written, syntax.Mapping) else "a list"
                _mismatch(context, written.span, what, declared)
        case syntax.Constant(), _:
            _check_constant(context, written, declared, nullable)
        case syntax.Template(), Expression():
            _check_expression(context, written.span, value, declared, nullable)
        case syntax.Template(), Template():
            _check_text(context, written.span, value, declared)


def _check_mapping(
    context: Context, written: syntax.Mapping, value: Mapping, declared: Record
) -> None:
    members = {field.name: field for field in declared.fields}
    values = dict(value.entries)
    for name, item in written.entries:
        if name.text not in members:
            _unknown_member(context, name.text, name.span, declared)
            continue
        field = members.pop(name.text)
        check_value(context, item, values[name.text], field.type, field.nullable)
    missing = [field.name for field in members.values() if not field.nullable]
    if missing:
        context.report(
            error(
                "WF227",
                written.span,
                f"the returned object has no {_listed(missing)}",
                f"{_returns(written.span)} {show_type(declared)}",
            )
        )


def _check_constant(
    context: Context, written: syntax.Constant, declared: Type, nullable: bool
) -> None:
    text = written.text
    if text == "null":
        if not nullable:
            report_null(
                context,
                written.span,
                "null",
                declared,
                _declare(written.span, declared),
            )
    elif text in ("true", "false"):
        if show_type(declared) != "boolean" and not is_json(declared):
            _mismatch(context, written.span, "a boolean", declared)
    elif not is_number(declared) and not is_json(declared):
        _mismatch(context, written.span, "a number", declared)


def _check_expression(
    context: Context, span: Span, value: Expression, declared: Type, nullable: bool
) -> None:
    if not assignable(value.type, declared):
        help_ = _as_declared(context, span, value.type, declared)
        _mismatch(context, span, show_type(value.type), declared, help_)
    elif value.nullable and not nullable:
        help_ = f"{COALESCE}, or {_declare(span, declared)}"
        report_nullable(context, span, value, declared, help=help_)


def _check_text(context: Context, span: Span, value: Template, declared: Type) -> None:
    if is_text(declared) or is_json(declared):
        return
    texts = [part for part in value.parts if isinstance(part, str)]
    constant = len(texts) == len(value.parts)
    if not (constant and reads_as(context, "".join(texts), declared)):
        _mismatch(context, span, "text", declared)


def report_null(
    context: Context, span: Span, what: str, declared: Type, help: str, *notes: str
) -> None:
    """Report a null, or what may be one, where none is allowed."""
    message = f"expected {show_type(declared)}, found {what}"
    context.report(error("WF302", span, message, *notes, help=help))


def report_nullable(
    context: Context,
    span: Span,
    value: Value,
    declared: Type,
    *notes: str,
    help: str = COALESCE,
) -> None:
    """Report a value that may be null where none is allowed, with the reasons."""
    reasons = missing_rows(context, value) if isinstance(value, Expression) else []
    what = "a value that may be null"
    report_null(context, span, what, declared, help, *notes, *reasons)


def missing_rows(context: Context, value: Expression) -> list[str]:
    """Return why the results that an expression reads may not be there at all."""
    ids = {part.variable for part in value.parts if isinstance(part, Reference)}
    notes = []
    for variable in map(context.variables.__getitem__, sorted(ids)):
        if variable.id in context.skipped:
            notes.append(f'step "{variable.name}" may be skipped, it has `when`')
        elif variable.cardinality == "maybe":
            rows = f'step "{variable.name}" may return no row'
            lost = f'"{variable.name}" is bound in a branch of a race, which may lose'
            notes.append(rows if variable.kind == "rows" else lost)
    return notes


def _declare(span: Span, type_: Type) -> str:
    return worded(span, f'declare "{show_type(type_)}?"', 'declare it "... | None"')


def _returns(span: Span) -> str:
    return worded(span, "`returns` declares", "the annotation declares")


def _mismatch(
    context: Context, span: Span, found: str, declared: Type, help: str | None = None
) -> None:
    message = f"{_returns(span)} {show_type(declared)}, this is {found}"
    context.report(error("WF225", span, message, help=help))


def _as_declared(
    context: Context, span: Span, found: Type, declared: Type
) -> str | None:
    """Return how a value is cast, where PostgreSQL knows how."""
    if not isinstance(found, Scalar) or not isinstance(declared, Scalar):
        return None
    asked = f"cast(cast(null as {found.name}) as {declared.name})"
    if isinstance(context.catalog.typeof(asked), Rejected):
        return None
    sum_ = declared.name == "date" and found.name.startswith("timestamp")
    why = "; a date and an interval make a timestamp" if sum_ else ""
    written = cast_to(span, declared.name)
    return f'cast it: "{worded(span, f"${{{written}}}", written)}"{why}'


def _unknown_member(context: Context, name: str, span: Span, declared: Record) -> None:
    meant = nearest(name, [field.name for field in declared.fields])
    context.report(
        error(
            "WF227",
            span,
            worded(
                span,
                f'`returns` declares no member "{name}"',
                f'the annotation declares no member "{name}"',
            ),
            f"{_returns(span)} {show_type(declared)}",
            help=did_you_mean(meant),
            fix=replacement(meant, span),
        )
    )


def _listed(names: list[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)
