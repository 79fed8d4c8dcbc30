"""Statements and conditions."""

from __future__ import annotations

import re
from dataclasses import replace

from perdure.frontend.df.columns import Shape, is_number, shape_of, with_name
from perdure.frontend.df.context import Context, Goal
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node
from perdure.frontend.df.references import rewrite_sql
from perdure.frontend.df.scope import Binding, is_plain
from perdure.frontend.df.sending import sending
from perdure.frontend.expr import parse_expr
from perdure.frontend.python.write_expr import postgres
from perdure.source import Span, Text
from perdure.syntax.expr import (
    Between,
    Binary,
    Call,
    Cast,
    Expr,
    InList,
    IsTest,
    Literal,
    Name,
    Ref,
    Unary,
)
from perdure.syntax.tree import (
    Expect,
    Mapping,
    ReturnStep,
    SqlStep,
    Step,
    Template,
    Value,
)

_FREE = frozenset({"coalesce", "lower", "upper", "length", "abs", "round", "nullif"})
_FREE |= {"greatest", "least", "trim", "jsonb_build_object"}
ALWAYS, NEVER = "TRUE", "FALSE"
"""Conditions that no statement decides; those of statements are in lower case."""

_FALSE = "('', 'false', 'f', 'no', '{}', '[]')"


def statement(ctx: Context, node: Node, goal: Goal) -> list[Step]:
    """Translate a statement; the last one of a graph returns what it gives."""
    text = node.text("query")
    assert text is not None
    if sent := sending(ctx, node, text):
        return sent
    written = ctx.sql(text)
    shape = shape_of(written)
    ends = goal.last and goal.name is None and shape.rows
    if ends:
        goal = Goal("result", last=True)
    written, shape = _named(ctx, written, shape, goal)
    # Two ends of one graph may give other columns: no name is bound twice for them.
    name = ctx.names.fresh("result") if ends else ctx.step_name(goal)
    use = ctx.use(goal.name)
    many = use.rows or (goal.last and not shape.single and not use.scalar)
    if shape.rows:
        ctx.bind(goal.name, Binding(name or "", "rows", shape, many and use.rows))
    elif goal.name:
        reason = "its statement returns no rows"
        ctx.bind(goal.name, Binding(name or "", "lost", reason=reason))
    expect = _expected(ctx, goal, shape, name or "")
    head = ctx.head(node.span, name)
    step = SqlStep(head, ctx.statement(written, text), expect)
    steps: list[Step] = [ctx.keep(step)]
    if goal.last and shape.rows:
        steps += _returned(ctx, name or "", shape, expect, node.span)
    return steps


def _named(ctx: Context, written: str, shape: Shape, goal: Goal) -> tuple[str, Shape]:
    """Give the columns of a result that is kept the names that they lack."""
    if not (goal.name or goal.last) or not shape.columns:
        return written, shape
    return _all_named(written, shape, "value")


def _all_named(written: str, shape: Shape, first: str) -> tuple[str, Shape]:
    """Name the columns that have no name."""
    columns = list(shape.columns or ())
    added = 0
    for at, column in enumerate(columns):
        if column.name is None:
            name = first if at == 0 else f"value_{at + 1}"
            moved = replace(column, end=column.end + added)
            longer = with_name(written, moved, name)
            added += len(longer) - len(written)
            written = longer
            columns[at] = replace(column, name=name)
    return written, replace(shape, columns=tuple(columns))


def _expected(ctx: Context, goal: Goal, shape: Shape, name: str) -> Expect | None:
    """Return how many rows a result must have to be read as the graph reads it."""
    use = ctx.use(goal.name)
    if not shape.rows or shape.single or use.rows or not use.scalar:
        return None
    if use.tested or not use.required:
        return "maybe"
    if not shape.limited:
        ctx.assumed_one.append(name)
    return "one"


def _returned(
    ctx: Context, name: str, shape: Shape, expect: Expect | None, span: Span
) -> list[Step]:
    """Return what the last statement of a graph gives, as JSON."""
    names = [each.name for each in shape.columns or ()]
    named = len(set(names)) == len(names) and all(map(is_plain, names))
    if (shape.single or expect == "one") and names and named:
        return [ctx.keep(ReturnStep(ctx.head(span), _row(ctx, name, names, span)))]
    rows = ctx.names.fresh("rows")
    query = (
        f"select coalesce(jsonb_agg(to_jsonb(r.*)), '[]') as rows from :{name}.* as r"
    )
    text = plain(query, span)
    step = SqlStep(ctx.head(span, rows), ctx.statement(query, text))
    value = _only(ctx, f"{rows}.rows", span)
    return [ctx.keep(step), ctx.keep(ReturnStep(ctx.head(span), value))]


def _row(ctx: Context, name: str, names: list[str | None], span: Span) -> Value:
    if len(names) == 1:
        return _only(ctx, f"{name}.{names[0]}", span)
    return Mapping(
        tuple((Name(str(n), span), _only(ctx, f"{name}.{n}", span)) for n in names),
        span,
    )


def _only(ctx: Context, written: str, span: Span) -> Template:
    return Template((ctx.expr(written, span),), span)


# --- conditions -----------------------------------------------------------------


def condition(ctx: Context, node: Node) -> tuple[list[Step], str]:
    """Return the steps that lead to a condition, and the condition itself."""
    match node.kind:
        case "seq":
            steps: list[Step] = []
            for each in node.children[:-1]:
                steps += ctx.translate(ctx, each, Goal())
            more, found = condition(ctx, node.children[-1])
            return steps + more, found
        case "sql":
            return _tested(ctx, node)
        case "as" if node.parts["fut"].kind == "sql":
            return _tested(ctx, node.parts["fut"], node.text("name"))
    steps = ctx.translate(ctx, node, Goal())
    message = "this condition is always true: the result of such a step is no boolean"
    ctx.doubt(node.span, message, "ask for what is meant")
    return steps, ALWAYS


def _tested(
    ctx: Context, node: Node, name: Text | None = None
) -> tuple[list[Step], str]:
    text = node.text("query")
    assert text is not None
    if name is None:
        direct = _direct(ctx, text)
        if direct is not None:
            return [], direct
    written = ctx.sql(text)
    shape = shape_of(written)
    if not shape.columns:
        if shape.rows:
            raise ctx.refuse(
                text.whole,
                "the first column of this condition is not in its text",
                help="list the columns",
            )
        steps = ctx.translate(ctx, node, Goal())
        message = "this condition is never true: its statement returns no rows"
        ctx.doubt(text.whole, message, "ask for what is meant")
        return steps, NEVER
    given = name.value if name else None
    written, shape = _all_named(written, shape, "ok")
    first = (shape.columns or ())[0]
    ctx.nameable(first.name or "", text.whole)
    step_name = ctx.names.bind(given, ctx.place) if given else ctx.names.fresh("check")
    ctx.bind(given, Binding(step_name, "rows", shape))
    expect: Expect | None = None if shape.single else "maybe"
    head = ctx.head(node.span, step_name)
    step = ctx.keep(SqlStep(head, ctx.statement(written, text), expect))
    read = f"{step_name}.{first.name}"
    truth = _truth(ctx, read, first.expression, text)
    if expect and not truth.startswith("btrim("):
        truth = f"coalesce({truth}, false)"  # without a row, df takes it for false
    return [step], truth


def _direct(ctx: Context, text: Text) -> str | None:
    """Return `select expression` as an expression, if it is one of the language."""
    shape = shape_of(_without_references(text.value))
    if not shape.bare or shape.columns is None or len(shape.columns) != 1:
        return None
    match = re.match(r"\s*select\s+(.*?)\s*;?\s*$", text.value, re.I | re.S)
    if match is None:
        return None
    inner = _without_alias(match[1])
    expr = ctx.bare(text, inner)
    if expr is None or not _is_free(expr):
        return None
    shown = postgres(expr)
    return shown if _is_boolean(ctx, expr) else _truth(ctx, shown, inner, text)


def _without_references(text: str) -> str:
    return rewrite_sql(text, lambda found: f":{found.name}")


def _without_alias(text: str) -> str:
    return re.sub(r"\s+as\s+\w+$", "", text, flags=re.I)


def _truth(ctx: Context, shown: str, expression: str, text: Text) -> str:
    """Return the truth of a value as df sees it."""
    expr = ctx.expr(shown, text.whole)
    if _is_boolean(ctx, expr) or _reads_boolean(ctx, expression, text):
        return shown
    if is_number(expression):
        return f"{shown} <> 0"
    text_of = f"lower(coalesce(cast({shown} as text), ''))"
    return f"btrim({text_of}, ' 0.') not in {_FALSE}"  # 0.00 is false, too


def _reads_boolean(ctx: Context, expression: str, text: Text) -> bool:
    """Say whether the expression of a column is a boolean, as far as its text says."""
    if re.match(r"\s*(not\s+)?exists\s*\(", expression, re.I):
        return True
    if re.search(r"::\s*bool(ean)?\s*$", expression, re.I):
        return True
    if re.match(r"\s*(bool_and|bool_or|every)\s*\([^()]*\)\s*$", expression, re.I):
        return True
    bare = re.sub(r"(?<!:):(?=[A-Za-z_])", "", expression)
    bare = re.sub(r"\bcount\s*\(\s*\*\s*\)", "1", bare, flags=re.I)
    expr, found = parse_expr(plain(bare, text.whole))
    if not found and expr is not None:
        return _is_boolean(ctx, expr)
    # with a sub-select in it: a comparison outside of all parentheses decides
    flat = re.sub(r"'[^']*'", "''", bare)
    while re.search(r"\([^()]*\)", flat):
        flat = re.sub(r"\([^()]*\)", " x ", flat)
    return bool(
        re.search(
            r"<>|!=|<=|>=|(?<![-<>=|~@])[<>=](?![>])|\sis\s|\slike\s|\bnot\b",
            flat,
            re.I,
        )
    )


def _looks_boolean(expr: Expr) -> bool:
    match expr:
        case Binary():
            return expr.op in ("and", "or", "=", "<>", "<", "<=", ">", ">=") or (
                "like" in expr.op or "distinct" in expr.op
            )
        case IsTest() | InList() | Between() | Unary(op="not"):
            return True
        case Literal():
            return expr.kind == "boolean"
        case Cast():
            return expr.type.text in ("boolean", "bool")
    return False


def _is_boolean(ctx: Context, expr: Expr) -> bool:
    """Say whether an expression is a boolean, with what is known of results."""
    if isinstance(expr, Call) and expr.function.text.endswith("coalesce"):
        return all(_is_boolean(ctx, each) for each in expr.args)
    if not isinstance(expr, Ref):
        return _looks_boolean(expr)
    if len(expr.parts) == 1:
        return expr.parts[0].text in ctx.booleans
    if len(expr.parts) != 2:
        return False
    name, column = (each.text for each in expr.parts)
    for binding in ctx.env.values():
        if binding.name != name:
            continue
        if binding.kind in ("signal", "http"):
            return column in ("timed_out", "ok")
        for each in (binding.shape.columns if binding.shape else None) or ():
            if each.name == column:
                return _reads_boolean(ctx, each.expression, plain("", expr.span))
    return False


def _is_free(expr: Expr) -> bool:
    """Say whether nothing but the workflow's names decides the value."""
    match expr:
        case Call():
            name = expr.function.text.removeprefix("pg_catalog.")
            return name in _FREE and all(map(_is_free, expr.args))
        case Binary():
            return _is_free(expr.left) and _is_free(expr.right)
        case Unary() | IsTest() | Cast():
            return _is_free(expr.operand)
        case InList():
            return all(map(_is_free, (expr.operand, *expr.items)))
        case Between():
            return all(map(_is_free, (expr.operand, expr.low, expr.high)))
        case Literal() | Ref():
            return True
    return False
