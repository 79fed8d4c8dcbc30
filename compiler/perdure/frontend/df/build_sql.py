"""Lark's tree of an expression to ours."""

from __future__ import annotations

from typing import cast

from lark import Token, Tree

from perdure.frontend.df.literals import decode, join_texts
from perdure.frontend.df.sqltree import (
    Argument,
    Array,
    Binary,
    Call,
    Cast,
    Number,
    Other,
    Prefix,
    Sql,
    String,
    Word,
)
from perdure.source import Source, Span

_Child = Token | Tree[Token] | None


class SqlBuilder:
    """Builds expressions of one file."""

    def __init__(self, source: Source) -> None:
        self.source = source

    def build(self, tree: object) -> Sql:
        """Return the expression of a tree."""
        node = cast("Tree[Token]", tree)
        span = self.span(node)
        children: list[_Child] = list(node.children)
        match node.data:
            case "group" | "collated":
                return self.build(children[0])
            case "string":
                return self.string(cast("list[Token]", children))
            case "number":
                return Number(str(children[0]), span)
            case "constant":
                return Word((str(children[0]),), span)
            case "reference":
                return Word(self.path(children[0]), span)
            case "binary":
                return self.binary(children, span)
            case "prefix":
                return Prefix(str(children[0]), self.build(children[1]), span)
            case "cast" | "cast_as":
                operand, type_ = [c for c in children if isinstance(c, Tree)]
                return Cast(self.build(operand), self.type_name(type_), span)
            case "typed":
                literal = self.string([cast(Token, children[1])])
                return Cast(literal, ".".join(self.path(children[0])), span)
            case "call":
                return self.call(children, span)
            case "array":
                items = [c for c in children if isinstance(c, Tree)]
                return Array(tuple(self.argument(c).value for c in items), span)
        return Other(span)

    def span(self, node: Tree[Token]) -> Span:
        """Return the place of a tree."""
        first, last = node.meta.start_pos, node.meta.end_pos
        return Span(self.source.path, first, last)

    def string(self, tokens: list[Token]) -> String:
        """Return a literal, with those that go on with it on further lines."""
        rules = tokens[0][0].lower()
        prefix = {"e": "E", "u": "U&"}.get(rules, "")
        escape = tokens[-1][-1] if rules == "u" else "'"
        texts = []
        for token in tokens:
            literal = str(token)
            start = cast(int, token.start_pos)
            if literal[0] == "'":  # goes on by the rules of the first
                literal, start = prefix + literal, start - len(prefix)
            if escape != "'" and literal[-1] == "'":
                literal += escape
            texts.append(decode(self.source.path, literal, start))
        text = join_texts(texts)
        first, last = tokens[0].start_pos, tokens[-1].end_pos
        span = Span(self.source.path, cast(int, first), cast(int, last))
        return String(text, span)

    def binary(self, children: list[_Child], span: Span) -> Binary:
        """Return an operator with two operands."""
        left, op, right = children
        token = cast(Token, op)
        place = Span(span.path, cast(int, token.start_pos), cast(int, token.end_pos))
        return Binary(str(token), self.build(left), self.build(right), span, place)

    def path(self, tree: _Child) -> tuple[str, ...]:
        """Return a name, perhaps qualified."""
        return tuple(str(each) for each in cast("Tree[Token]", tree).children)

    def type_name(self, tree: Tree[Token]) -> str:
        """Return a type as written, in lower case."""
        text = self.source.text[tree.meta.start_pos : tree.meta.end_pos]
        name = " ".join(text.replace('"', "").lower().split())
        return name.removeprefix("pg_catalog.")

    def call(self, children: list[_Child], span: Span) -> Call:
        """Return a call."""
        name, *given = children
        arguments = tuple(self.argument(each) for each in given if each is not None)
        place = self.span(cast("Tree[Token]", name))
        return Call(self.path(name), arguments, span, place)

    def argument(self, child: _Child) -> Argument:
        """Return an argument, `variadic` or by name."""
        tree = cast("Tree[Token]", child)
        if tree.data == "variadic":
            return Argument(None, self.build(tree.children[-1]))
        name, *_, value = tree.children
        return Argument(str(name) if name is not None else None, self.build(value))
