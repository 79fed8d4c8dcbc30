"""Lark's tree to the syntax tree, with every place mapped to the file."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from lark import Token, Tree

from perdure.frontend.expr import literals
from perdure.frontend.expr.names import type_text
from perdure.frontend.expr.refused import Refused
from perdure.source import Span, Text
from perdure.syntax import expr as syntax
from perdure.syntax.expr import Expr, Name

_Node = Tree[Token]
_PART = re.compile(r"[^\s.]+")


def build(text: Text, tree: _Node) -> Expr:
    """Return the syntax tree of `text`, whose tree by Lark is `tree`.

    Raises `Refused`.
    """
    return _Builder(text).expr(tree.children[0])


class _Builder:
    """One method per rule of the grammar; holds the text that places refer to."""

    def __init__(self, text: Text) -> None:
        self.text = text

    def expr(self, node: Token | _Node | None) -> Expr:
        tree = cast(_Node, node)
        rule: Callable[[_Node], Expr] = getattr(self, tree.data)
        return rule(tree)

    def span(self, node: _Node | Token) -> Span:
        if isinstance(node, Token):
            return self.text.span(_start(node), _end(node))
        return self.text.span(node.meta.start_pos, node.meta.end_pos)

    # --- operators

    def binary(self, node: _Node) -> Expr:
        left, op, right = node.children
        name = "<>" if op == "!=" else cast(Token, op).lower()
        return self._binary(node, name, left, right, self.span(cast(Token, op)))

    def like(self, node: _Node) -> Expr:
        left, negated, op, right = node.children
        name = cast(Token, op).lower()
        first = cast(Token, negated or op)
        span = self.text.span(_start(first), _end(cast(Token, op)))
        name = f"not {name}" if negated else name
        return self._binary(node, name, left, right, span)

    def distinct(self, node: _Node) -> Expr:
        left, is_, negated, right = node.children
        name = "is not distinct from" if negated else "is distinct from"
        return self._binary(node, name, left, right, self.span(cast(Token, is_)))

    def _binary(
        self,
        node: _Node,
        op: str,
        left: Token | _Node,
        right: Token | _Node,
        op_span: Span,
    ) -> Expr:
        return syntax.Binary(
            op, self.expr(left), self.expr(right), self.span(node), op_span
        )

    def unary(self, node: _Node) -> Expr:
        op, operand = node.children
        match cast(Token, op).lower():
            case "not":
                return syntax.Unary("not", self.expr(operand), self.span(node))
            case "-":
                return syntax.Unary("-", self.expr(operand), self.span(node))
            case _:
                return syntax.Unary("+", self.expr(operand), self.span(node))

    # --- tests

    def is_test(self, node: _Node) -> Expr:
        operand, _, negated, test = node.children
        word = cast(Token, test).lower()
        assert word in ("null", "true", "false", "unknown")
        return syntax.IsTest(
            self.expr(operand),
            word,  # type: ignore[arg-type]  # one of the four, by the assertion
            negated is not None,
            self.span(node),
        )

    def is_null(self, node: _Node) -> Expr:
        operand, word = node.children
        negated = cast(Token, word).type == "NOTNULL"
        return syntax.IsTest(self.expr(operand), "null", negated, self.span(node))

    def in_list(self, node: _Node) -> Expr:
        operand, negated, *items = node.children
        return syntax.InList(
            self.expr(operand),
            tuple(map(self.expr, items)),
            negated is not None,
            self.span(node),
        )

    def between(self, node: _Node) -> Expr:
        operand, negated, low, _, high = node.children
        return syntax.Between(
            self.expr(operand),
            self.expr(low),
            self.expr(high),
            negated is not None,
            self.span(node),
        )

    # --- constants

    def number(self, node: _Node) -> Expr:
        text = literals.number(cast(Token, node.children[0]))
        return syntax.Literal("number", text, self.span(node))

    def string(self, node: _Node) -> Expr:
        return self._string(cast(Token, node.children[0]))

    escape_string = string

    def _string(self, token: Token) -> Expr:
        if token.type == "STRING":
            value = literals.plain_string(token)
        else:
            try:
                value = literals.escape_string(token)
            except ValueError as problem:
                raise Refused(_start(token), _end(token), str(problem)) from None
        return syntax.Literal("string", value, self.span(token))

    def boolean(self, node: _Node) -> Expr:
        text = cast(Token, node.children[0]).lower()
        return syntax.Literal("boolean", text, self.span(node))

    def null(self, node: _Node) -> Expr:
        return syntax.Literal("null", "null", self.span(node))

    def typed_literal(self, node: _Node) -> Expr:
        words, string = node.children
        written = cast(_Node, words)
        if written.meta.end_pos == _start(cast(Token, string)):
            # B'101', X'1F', N'text'
            start, end = node.meta.start_pos, node.meta.end_pos
            message = "expected a space between a type and its literal"
            raise Refused(start, end, message)
        type_ = Name(type_text(written), self.span(written))
        return syntax.Cast(self._string(cast(Token, string)), type_, self.span(node))

    # --- references and calls

    def reference(self, node: _Node) -> Expr:
        path = cast(Token, node.children[0])
        parts = tuple(
            Name(
                match.group(),
                self.text.span(
                    _start(path) + match.start(), _start(path) + match.end()
                ),
            )
            for match in _PART.finditer(path)
        )
        if len(parts) == 1 and path.lower() in _CALLED_WITHOUT_PARENTHESES:
            return syntax.Call(Name(path.lower(), parts[0].span), (), self.span(node))
        return syntax.Ref(parts, self.span(node))

    def call(self, node: _Node) -> Expr:
        function, *args = node.children
        return syntax.Call(
            self._function(cast(Token, function)),
            tuple(self.expr(each) for each in args if each is not None),
            self.span(node),
        )

    def _function(self, path: Token) -> Name:
        return Name(re.sub(r"\s", "", path.lower()), self.span(path))

    def extract(self, node: _Node) -> Expr:
        """`extract(year from x)`, in the form that it has as a plain function."""
        function, field, source = node.children
        word, name = cast(Token, field), cast(Token, function)
        if name.lower() != "extract":
            message = f'"{name}" with "from" is not part of expressions'
            raise Refused(
                _start(name), _end(name), message, 'separate arguments by ","'
            )
        return syntax.Call(
            Name("pg_catalog.extract", self.span(name)),
            (
                syntax.Literal("string", word.lower(), self.span(word)),
                self.expr(source),
            ),
            self.span(node),
        )

    def cast_to(self, node: _Node) -> Expr:
        operand, written = node.children
        type_ = cast(_Node, written)
        name = Name(type_text(type_), self.span(type_))
        return syntax.Cast(self.expr(operand), name, self.span(node))

    cast_as = cast_to

    # --- case

    def case(self, node: _Node) -> Expr:
        subject, *whens, otherwise = node.children
        return syntax.Case(
            _only(self, subject),
            tuple(
                syntax.When(*map(self.expr, cast(_Node, each).children))
                for each in whens
            ),
            _only(self, otherwise),
            self.span(node),
        )


# Functions that PostgreSQL's grammar calls without parentheses. `user` is one too, but
# a likelier name of a step or an input.
_CALLED_WITHOUT_PARENTHESES = frozenset(
    {
        "current_catalog",
        "current_date",
        "current_role",
        "current_schema",
        "current_time",
        "current_timestamp",
        "current_user",
        "localtime",
        "localtimestamp",
        "session_user",
    }
)


def _only(builder: _Builder, node: Token | _Node | None) -> Expr | None:
    return builder.expr(cast(_Node, node).children[0]) if node is not None else None


def _start(token: Token) -> int:
    assert token.start_pos is not None
    return token.start_pos


def _end(token: Token) -> int:
    assert token.end_pos is not None
    return token.end_pos
