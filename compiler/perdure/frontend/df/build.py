"""An expression of SQL to a df graph: operators and calls become nodes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from difflib import get_close_matches

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.df.fold import Folder, NotConstant
from perdure.frontend.df.nodes import (
    ALIASES,
    OPERATORS,
    SIGNATURES,
    START,
    Node,
    Signature,
    Start,
    Value,
)
from perdure.frontend.df.sqltree import (
    Argument,
    Binary,
    Call,
    Cast,
    Prefix,
    Sql,
    String,
    Word,
)
from perdure.source import Span, Text


class Wrong(Exception):
    """An expression that makes no graph."""

    def __init__(self, finding: Diagnostic) -> None:
        super().__init__(finding.message)
        self.finding = finding


@dataclass(slots=True)
class Builder:
    """Builds graphs; keeps the holes of all their texts."""

    folder: Folder = field(default_factory=Folder)

    def start(self, call: Call, where: Span) -> Start:
        """Return a call of df.start; raise `Wrong`."""
        bound = _bind("start", START, call.arguments, call)
        values = self.values(bound, ("fut",))
        label = values.pop("label", None)
        node = self.node(bound["fut"])
        given = label if isinstance(label, Text) else None
        return Start(node, given, values, call.span, where)

    def setvar(self, call: Call) -> tuple[str, Text] | None:
        """Return the name and the value of a variable; None if it is not constant."""
        try:
            name, value = (self.folder.text(each.value) for each in call.arguments[:2])
        except (NotConstant, ValueError):
            return None
        return name.value, value

    def node(self, sql: Sql) -> Node:
        """Return the node that an expression of type text stands for."""
        match sql:
            case Binary(op="||"):
                pass
            case Binary():
                return self.operator(sql)
            case Prefix(op="@>"):
                body = self.node(sql.operand)
                return Node("loop", sql.span, parts={"body": body})
            case Call() if _is_df(sql):
                return self.call(sql)
            case Cast() if not isinstance(sql.operand, String):
                return self.node(sql.operand)
        text = self.text(sql)
        if text.value.lstrip().startswith("{") and '"node_type"' in text.value:
            raise Wrong(_private(sql))
        return Node("sql", sql.span, values={"query": text})

    def operator(self, sql: Binary) -> Node:
        """Return the node of an operator."""
        if sql.op == "|=>":
            fut, name = self.node(sql.left), self.text(sql.right)
            return Node("as", sql.span, parts={"fut": fut}, values={"name": name})
        left = self.node(sql.left)
        if sql.op == "!>":
            if left.kind != "if" or "else_branch" in left.parts:
                raise Wrong(_stray_else(sql))
            parts = {**left.parts, "else_branch": self.node(sql.right)}
            return replace(left, span=sql.span, parts=parts)
        right = self.node(sql.right)
        if sql.op == "?>":
            parts = {"condition": left, "then_branch": right}
            return Node("if", sql.span, parts=parts)
        if sql.op in OPERATORS:
            kind = OPERATORS[sql.op]
            return Node(kind, sql.span, _flat(kind, left, right))
        raise Wrong(_no_operator(sql))

    def call(self, call: Call) -> Node:
        """Return the node of a call of a function of df."""
        kind = call.function[1]
        if kind not in SIGNATURES:
            raise Wrong(_unknown(call))
        signature = SIGNATURES[kind]
        if signature.arguments == ("**nodes",):
            children = [self.node(each.value) for each in call.arguments]
            if len(children) < signature.required:
                raise Wrong(_count(kind, call))
            name = "join" if kind == "join3" else kind
            return Node(name, call.span, tuple(_spread(name, children)))
        bound = _bind(kind, signature, call.arguments, call)
        nodes = [each[1:] for each in signature.arguments if each[0] == "*"]
        parts = {n: self.node(bound[n]) for n in nodes if _given(bound.get(n))}
        return Node(kind, call.span, parts=parts, values=self.values(bound, nodes))

    def values(self, bound: dict[str, Sql], nodes: Iterable[str]) -> dict[str, Value]:
        """Return the arguments that are no nodes."""
        try:
            return {
                name: self.folder.fold(each)
                for name, each in bound.items()
                if name not in nodes
            }
        except NotConstant as problem:
            raise Wrong(problem.finding) from None

    def text(self, sql: Sql) -> Text:
        """Return an argument that is text."""
        try:
            return self.folder.text(sql)
        except NotConstant as problem:
            raise Wrong(problem.finding) from None


def _is_df(call: Call) -> bool:
    return len(call.function) == 2 and call.function[0] == "df"


def _given(sql: Sql | None) -> bool:
    return sql is not None and not (isinstance(sql, Word) and sql.path == ("null",))


def _flat(kind: str, *nodes: Node) -> tuple[Node, ...]:
    """Take the children of a first node of the same kind instead of the node."""
    first, *others = nodes
    if first.kind == kind:
        return (*first.children, *others)
    return (first, *others)


def _spread(kind: str, children: list[Node]) -> Iterable[Node]:
    """Take the children of sequences in a sequence: it is associative."""
    for each in children:
        if kind == "seq" and each.kind == "seq":
            yield from each.children
        else:
            yield each


def _bind(
    kind: str, signature: Signature, arguments: tuple[Argument, ...], call: Call
) -> dict[str, Sql]:
    """Return the arguments by name."""
    names = [each.lstrip("*") for each in signature.arguments]
    bound: dict[str, Sql] = {}
    for at, argument in enumerate(arguments):
        name = argument.name or (names[at] if at < len(names) else "")
        name = ALIASES.get((kind, name), name)
        if name not in names:
            raise Wrong(_argument(kind, name, argument, names))
        bound[name] = argument.value
    if any(name not in bound for name in names[: signature.required]):
        raise Wrong(_count(kind, call))
    return bound


# --- findings -------------------------------------------------------------------


def _unknown(call: Call) -> Diagnostic:
    name = call.function[1]
    near = get_close_matches(name, SIGNATURES, 1)
    help_ = f"did you mean df.{near[0]}?" if near else "only nodes make a graph"
    message = f'df has no node "{name}"'
    return error("WF803", call.name_span, message, help=help_)


def _argument(kind: str, name: str, argument: Argument, names: list[str]) -> Diagnostic:
    takes = f"it takes {', '.join(names)}" if names else "it takes none"
    what = f'argument "{name}"' if name else "so many arguments"
    message = f"df.{kind} does not take {what}"
    return error("WF803", argument.value.span, message, takes)


def _count(kind: str, call: Call) -> Diagnostic:
    message = f"df.{kind} is given too few arguments"
    names = SIGNATURES.get(kind, START).arguments
    takes = f"it takes {', '.join(each.lstrip('*') for each in names)}"
    return error("WF803", call.name_span, message, takes)


def _stray_else(sql: Binary) -> Diagnostic:
    return error(
        "WF802",
        sql.op_span,
        "the left side of !> is no ?> expression",
        "operators are read from left to right, all with one precedence",
        help="write (condition ?> (...)) !> (...)",
    )


def _private(sql: Sql) -> Diagnostic:
    return error(
        "WF804",
        sql.span,
        "this is a graph in the private form of pg_durable",
        help="import the SQL that made it, or the graph of a run by --db",
    )


def _no_operator(sql: Binary) -> Diagnostic:
    return error(
        "WF802",
        sql.op_span,
        f'"{sql.op}" is no operator of df',
        help="they are ~> |=> & | ?> !> @>, with spaces between two",
    )
