"""SQL steps: the statement, its result's shape, and what `expect` adds to it."""

from __future__ import annotations

from collections import Counter

from perdure.catalog.model import Described
from perdure.diagnostics import error
from perdure.diagnostics.wording import worded
from perdure.ir.tree import Head, SqlStep
from perdure.ir.types import Cardinality, Field, Scalar, Variable
from perdure.resolve.binding import bind
from perdure.resolve.context import Context
from perdure.resolve.policies import resolve_retry
from perdure.resolve.scope import Env
from perdure.resolve.statements import resolve_statement
from perdure.syntax import tree as syntax

ROWS_AFFECTED = Field("rows_affected", Scalar("bigint"), nullable=False)


def resolve_sql(
    context: Context, env: Env, step: syntax.SqlStep, head: Head
) -> tuple[SqlStep | None, Env]:
    """Resolve an SQL step and bind its result."""
    resolved = resolve_statement(context, env, step.sql)
    name = step.head.name
    if resolved is None:
        return None, bind(context, env, name, None)[0] if name else env
    statement, described = resolved
    proved, enforced = _cardinality(context, step, described)
    fields = _fields(described)
    variable = None
    if name is not None:
        good = _columns_have_names(context, step, described)
        result = Variable("", name.text, "rows", fields, proved)
        env, variable = bind(context, env, name, result if good else None)
    retry = resolve_retry(step.retry)
    facts = described.facts
    return (
        SqlStep(head, statement, variable, fields, enforced, retry, facts),
        env,
    )


def _fields(described: Described) -> tuple[Field, ...]:
    if not described.facts.returns_rows:
        return (ROWS_AFFECTED,)
    return tuple(
        Field(column.name, Scalar(column.type), column.nullable)
        for column in described.columns
    )


def _cardinality(
    context: Context, step: syntax.SqlStep, described: Described
) -> tuple[Cardinality, Cardinality | None]:
    """Return what holds of the result, and what must be enforced for that."""
    proved, stated = described.facts.cardinality, step.expect
    if not described.facts.returns_rows:
        if stated is not None:
            _report_no_rows(context, step)
        return "one", None
    if stated is None or stated in ("many", proved) or proved == "one":
        return proved, None
    return stated, stated


def _report_no_rows(context: Context, step: syntax.SqlStep) -> None:
    context.report(
        error(
            "WF304",
            step.expect_span or step.head.span,
            f"`{_expected(step)}` on a statement that returns no rows",
            "its only column is rows_affected",
            help="add RETURNING to the statement, or remove `expect`",
        )
    )


def _expected(step: syntax.SqlStep) -> str:
    place = step.expect_span or step.head.span
    return worded(place, f"expect: {step.expect}", f'expect="{step.expect}"')


def _columns_have_names(
    context: Context, step: syntax.SqlStep, described: Described
) -> bool:
    """Check that every column of a named step can be told apart by its name."""
    assert step.head.name is not None
    names = [column.name for column in described.columns]
    span = step.sql.text.span(
        step.sql.tokens[step.sql.main].start, step.sql.tokens[step.sql.main].end
    )
    good = True
    for index, name in enumerate(names, 1):
        if name == "?column?":
            good = False
            context.report(
                error(
                    "WF516",
                    span,
                    f'column {index} of step "{step.head.name.text}" has no name',
                    help='give it one: "... as name"',
                )
            )
    for name, count in Counter(names).items():
        if count > 1 and name != "?column?":
            good = False
            context.report(
                error(
                    "WF517",
                    span,
                    f'step "{step.head.name.text}" has {count} columns named "{name}"',
                    help='give each its own name: "... as name"',
                )
            )
    return good
