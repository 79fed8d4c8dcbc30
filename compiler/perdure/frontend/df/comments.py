"""Carry the comments between nodes over to the steps."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.frontend.df.calls import Statement
from perdure.frontend.sqltext.lexer import lex
from perdure.source import Source
from perdure.syntax.sql import Token
from perdure.syntax.tree import Step, Workflow
from perdure.syntax.walk import walk

_BETWEEN = "~>|=&?!@(, \t"
"""What stands between nodes: operators, commas, opening parentheses."""


def attached(
    source: Source, statement: Statement, workflow: Workflow
) -> tuple[list[str], dict[int, list[str]]]:
    """Return the comments of the workflow, and those of each step, by `id`.

    A comment belongs to the step that begins after it; beside a node, at the end of
    its line, to that one. Operators, commas and parentheses are no nodes.
    """
    steps = sorted(walk(workflow), key=lambda step: step.head.whole.start)
    top: list[str] = []
    beside: dict[int, list[str]] = {}
    for token in _comments(source, statement):
        lines = _lines(token)
        if token.start < statement.span.start:
            top += lines
            continue
        alone = _is_alone(source, token)
        before = [s for s in steps if s.head.whole.start < token.start]
        after = [s for s in steps if s.head.whole.start > token.start]
        owner = after[0] if after and (alone or not before) else None
        if owner is None and before:
            owner = before[-1]
        if owner is None:
            top += lines
        else:
            beside.setdefault(id(owner), []).extend(lines)
    return top, beside


def _comments(source: Source, statement: Statement) -> Iterator[Token]:
    """Yield the comments of a statement, with their places in the file."""
    text = source.text[statement.begin : statement.span.end]
    for token in lex(text):
        if token.kind == "comment":
            yield Token(token.kind, token.text, token.start + statement.begin)


def _lines(token: Token) -> list[str]:
    """Return a comment of SQL as comments of YAML; ruled lines are left out."""
    text = token.text
    if text.startswith("/*"):
        text = text[2:].removesuffix("*/")
        parts = [each.strip().lstrip("*").strip() for each in text.split("\n")]
    else:
        parts = [text.lstrip("-").strip()]
    shown = [each for each in parts if each.strip("-=═─*# \t")]
    return [f"# {each}" for each in shown]


def _is_alone(source: Source, token: Token) -> bool:
    """Say whether a comment has its line for itself, or stands right before a node."""
    start = source.text.rfind("\n", 0, token.start) + 1
    before = source.text[start : token.start].strip()
    after = source.text[token.start + len(token.text) :].split("\n", 1)[0].strip()
    if not before.strip(_BETWEEN) or before[-1] == "(":
        return True
    return bool(after) and before[-1] in _BETWEEN


__all__ = ["Step", "attached"]
