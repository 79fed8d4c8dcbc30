"""WF305: text of a Python file that is null as soon as one of its parts is.

`f"Dear {name}"` is `'Dear ' || name` where an expression stands. In Python it is text
whatever `name` is; in PostgreSQL nothing of it is left when `name` is null. In YAML the
operator is written, and so meant. The rejected way, a `coalesce` around each part,
would give the same workflow another meaning in Python than in YAML.
"""

from __future__ import annotations

from collections.abc import Iterator

from perdure.diagnostics import warning
from perdure.diagnostics.wording import is_python
from perdure.resolve.context import Context
from perdure.resolve.facts import Facts, inside
from perdure.resolve.nullability import nullable_with, references_of
from perdure.resolve.printing import Piece
from perdure.syntax.expr import Binary, Call, Expr, IsTest

Found = Iterator[tuple[Expr, Facts]]


def report_null_texts(context: Context, expr: Expr, pieces: list[Piece]) -> None:
    """Warn of parts of joined text that may be null, once for each place."""
    if not is_python(expr.span):
        return
    known = references_of(pieces)
    for part, facts in _joined(expr, frozenset()):
        if not nullable_with(part, known, facts):
            continue
        context.report_once(
            warning(
                "WF305",
                part.span,
                "this part of a text may be null, and then the whole text is null",
                help='say what stands for null: coalesce(..., "")',
            )
        )


def _joined(node: object, facts: Facts) -> Found:
    """Yield the parts of texts that are joined, with what is proved where they are."""
    match node:
        case Binary(op="||") if node.op_span == node.right.span:  # of Python's text
            for part in _parts(node):
                yield part, facts
                yield from _joined(part, facts)
        case IsTest(operand=Binary()):
            return
        case Call() if node.function.text == "coalesce":
            for arg in node.args[-1:]:
                yield from _joined(arg, facts)
        case _:
            for each, proved in inside(node, facts):
                yield from _joined(each, proved)


def _parts(node: Expr) -> Iterator[Expr]:
    """Yield the operands of a row of `||`, from left to right."""
    if isinstance(node, Binary) and node.op == "||":
        yield from _parts(node.left)
        yield node.right
    else:
        yield node
