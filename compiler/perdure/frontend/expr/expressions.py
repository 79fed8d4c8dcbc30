"""Read one expression, or one type name."""

from __future__ import annotations

import re
from typing import cast

from lark import Token, Tree, UnexpectedInput

from perdure.diagnostics import Diagnostic, error
from perdure.diagnostics.wording import worded
from perdure.frontend.expr.build import build
from perdure.frontend.expr.failures import failure
from perdure.frontend.expr.names import type_text
from perdure.frontend.expr.parser import parse
from perdure.frontend.expr.refused import Refused
from perdure.frontend.mend import mend
from perdure.source import Text
from perdure.syntax.expr import Expr
from perdure.syntax.tree import NamedType

DEPTH = 100
"""How deep an expression may nest: passes walk the tree by recursion."""


def parse_expr(text: Text) -> tuple[Expr | None, list[Diagnostic]]:
    """Read an expression in PostgreSQL's syntax; no mistake gives an exception."""
    if not text.value.strip():
        return None, [error("WF147", text.span(), "expected an expression")]
    try:
        tree = parse(text.value, "expression")
        if len(text.value) > DEPTH and _depth(tree) > DEPTH:
            return None, [_too_deep(text)]
        return build(text, tree), []
    except UnexpectedInput as problem:
        return None, [failure(text, problem)]
    except Refused as refused:
        return None, [_refused(text, refused)]


def parse_type(text: Text) -> tuple[NamedType | None, list[Diagnostic]]:
    """Read a type: `text?`, `text | null`, `numeric(10,2)[]`."""
    if not text.value.strip():
        return None, [error("WF148", text.span(), "expected a type")]
    try:
        children = parse(text.value, "type_name").children
        name = type_text(cast("Tree[Token]", children[0]))
    except UnexpectedInput as problem:
        return None, [_no_type(text, failure(text, problem))]
    except Refused as refused:
        return None, [_no_type(text, _refused(text, refused))]
    nullable = len(children) > 1 and children[1] is not None
    return NamedType(name, nullable, text.span()), []


def _depth(tree: Tree[Token]) -> int:
    deepest, level = 0, [tree]
    while level:
        deepest += 1
        level = [
            child
            for each in level
            for child in each.children
            if isinstance(child, Tree)
        ]
    return deepest


def _too_deep(text: Text) -> Diagnostic:
    return error(
        "WF152",
        text.span(),
        f"the expression nests deeper than {DEPTH} levels",
        help=worded(text.span(), "name parts of it with let", "assign parts to names")
        + ", or write x in (...) instead of many or",
    )


def _refused(text: Text, refused: Refused) -> Diagnostic:
    span = text.span(refused.start, refused.end)
    return error(refused.code, span, refused.message, help=refused.help)


_LIST = re.compile(r"(?:list|array)\s*[<\[(]\s*(\w+)\s*[>\])]", re.IGNORECASE)


def _no_type(text: Text, found: Diagnostic) -> Diagnostic:
    """Say the same of a type, with the cures that types have."""
    value = text.value.strip()
    instead = None
    if match := _LIST.fullmatch(value):
        instead = f"{match[1]}[]"
    elif match := re.fullmatch(r"null\s*\|\s*(.+)|optional\[(.+)\]", value, re.I):
        instead = f"{match[1] or match[2]}?"
    elif match := re.fullmatch(r"(.+?)\s*\|\s*none", value, re.I):
        instead = f"{match[1]}?"
    if instead is None:
        message = f'expected a type such as text, bigint? or text[], found "{value}"'
        notes = (found.message,) if found.message.startswith('"(') else ()
        return error("WF148", found.span, message, *notes)
    return error(
        "WF148",
        text.span(),
        f'"{value}" is no type',
        help=f"write {instead}",
        fix=mend(text, 0, len(text.value), instead),
    )
