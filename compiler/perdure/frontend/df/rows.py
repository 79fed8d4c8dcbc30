"""The graph of a run, as `df.nodes` shows it, to nodes.

Both runtimes show a node's type, its text or configuration, and the nodes below it:
`left_node` and `right_node`, further ones in the configuration; Perdure's also names
the parent. A listing of the nodes is the source that findings point into.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.df.build import Wrong
from perdure.frontend.df.context import Dialect
from perdure.frontend.df.fold import as_value
from perdure.frontend.df.importing import Imported, import_graph
from perdure.frontend.df.literals import plain
from perdure.frontend.df.nodes import Node, Value
from perdure.frontend.df.references import Found, in_sql, in_text
from perdure.frontend.df.scope import walk
from perdure.source import Source, Span, Text, verbatim

Row = Mapping[str, Any]
_KINDS = {
    "THEN": "seq",
    "JOIN": "join",
    "RACE": "race",
    "TRANSACTION": "transaction",
    "RETURN": "return",
    "SLEEP_FOR": "sleep_for",
    "SLEEP_UNTIL": "sleep_until",
    "CALL": "call",
    "SQL": "sql",
    "CONTINUE": "continue",
}
_PARTS = {
    "TRY": ("body", "catch", "finally"),
    "REPEAT": ("body", "while", "until"),
    "LOOP": ("body", "condition"),
    "TIMEOUT": ("node",),
    "RETRY": ("node",),
}


def import_rows(
    run: str,
    rows: Sequence[Row],
    root: str,
    dialect: Dialect,
    name: str | None = None,
) -> tuple[Imported | None, list[Diagnostic], Source]:
    """Return the workflow of a run's graph, findings, and what they point into."""
    graph = _Graph(f"run {run}", rows)
    source = Source(graph.path, graph.listing)
    try:
        node = graph.node(root)
    except Wrong as problem:
        return None, [problem.finding], source
    imported, found = import_graph(node, name or f"run_{run}", source, dialect)
    return imported, found, source


class _Graph:
    def __init__(self, path: str, rows: Sequence[Row]) -> None:
        self.path = path
        self.rows = {row["id"]: row for row in rows}
        self.order = [row["id"] for row in rows]
        self.texts: dict[str, Text] = {}
        self.spans: dict[str, Span] = {}
        self.listing = ""
        for row in rows:
            self._list(row)

    def _list(self, row: Row) -> None:
        head = f"{row['node_type']} "
        text = row["query"] or ""
        start = len(self.listing)
        self.texts[row["id"]] = verbatim(self.path, text, start + len(head))
        self.listing += head + text
        self.spans[row["id"]] = Span(self.path, start, len(self.listing))
        self.listing += "\n"

    def node(self, id_: str) -> Node:
        """Return a node with all below it, within `as` if it has a name."""
        row = self.rows.get(id_)
        if row is None:
            raise Wrong(error("WF805", None, f"node {id_} is missing", help=_BROKEN))
        node = self._bare(row)
        if row["result_name"] is None:
            return node
        name = plain(row["result_name"], node.span)
        return Node("as", node.span, parts={"fut": node}, values={"name": name})

    def _bare(self, row: Row) -> Node:
        kind, span, text = row["node_type"], self.spans[row["id"]], self._text(row)
        below = self._children(row)
        if kind in ("SQL", "RETURN", "SLEEP_FOR", "SLEEP_UNTIL", "CALL"):
            return Node(_KINDS[kind], span, values={"query": text})
        if kind in _KINDS:
            return Node(_KINDS[kind], span, tuple(self._flat(kind, below)))
        if kind == "SLEEP":
            return Node("sleep", span, values={"seconds": text})
        if kind == "FOREACH":
            return self._foreach(row, below)
        config = self._config(row)
        if kind == "IF":
            return self._if(row, config)
        values = _values(kind, config, span)
        if kind in _PARTS:
            parts = self._parts(kind, config, below)
            return Node(kind.lower(), span, parts=parts, values=values)
        if kind in _LEAVES:
            return Node(_LEAVES[kind], span, values=values)
        message = f'nodes of type "{kind}" can\'t be imported'
        raise Wrong(error("WF805", span, message, help="import its SQL instead"))

    def _flat(self, kind: str, below: Sequence[str]) -> list[Node]:
        """Return the children, those of a first one of the same kind in its place."""
        nodes: list[Node] = []
        for each in below:
            node = self.node(each)
            same = node.kind == _KINDS[kind] and (kind == "THEN" or not nodes)
            nodes += list(node.children) if same else [node]
        return nodes

    def _parts(
        self, kind: str, config: Mapping[str, Any], below: Sequence[str]
    ) -> dict[str, Node]:
        names = [
            each
            for at, each in enumerate(_PARTS[kind])
            if at == 0 or kind == "LOOP" or config.get(each)
        ]
        longer = {"while": "while_condition", "until": "until_condition"}
        return {
            longer.get(name, name): self.node(each)
            for name, each in zip(names, below, strict=False)
        }

    def _if(self, row: Row, config: Mapping[str, Any]) -> Node:
        span = self.spans[row["id"]]
        parts = {}
        for name, key in (("then_branch", "left_node"), ("else_branch", "right_node")):
            if row[key] is not None:
                parts[name] = self.node(row[key])
        if "result_name" in config:
            value = plain(config["result_name"], span)
            return Node("if_rows", span, parts=parts, values={"result_name": value})
        parts["condition"] = self.node(config["condition_node"])
        return Node("if", span, parts=parts)

    def _foreach(self, row: Row, below: Sequence[str]) -> Node:
        """Return a foreach; what its item is called shows in what reads it."""
        span = self.spans[row["id"]]
        body = self.node(below[0])
        values: dict[str, Value] = {"items": self._text(row)}
        if len(below) > 1:
            values["collect"] = self._text(self.rows[below[1]])
        name = self._item(row, body, values.get("collect"))
        values["item_name"] = plain(name, span)
        return Node("foreach", span, parts={"body": body}, values=values)

    def _item(self, row: Row, body: Node, collect: Value) -> str:
        """Return the name that the body reads, and nothing else gives."""
        given = {each["result_name"] for each in self.rows.values()} | {"input"}
        for each in walk(body):
            inner = each.text("item_name")
            given |= {inner.value} if inner else set()
        given |= {found.name for found in in_sql(row["query"])}
        texts = [value for each in walk(body) for value in each.values.values()]
        for text in (*texts, collect):
            for found in _read(text):
                if found.column and not found.variable and found.name not in given:
                    return found.name
        return "item"

    def _text(self, row: Row) -> Text:
        return self.texts[row["id"]]

    def _config(self, row: Row) -> Mapping[str, Any]:
        read = json.loads(row["query"]) if row["query"] else {}
        return read if isinstance(read, dict) else {}

    def _children(self, row: Row) -> list[str]:
        """Return the nodes below one, in order; of an if, this is not asked."""
        if "parent_node" in row:
            return [i for i in self.order if self.rows[i]["parent_node"] == row["id"]]
        below = [row[key] for key in ("left_node", "right_node") if row[key]]
        config = row["query"] if row["node_type"] in ("JOIN", "RACE", "LOOP") else None
        more = json.loads(config) if config else {}
        below += more.get("extra_nodes", [])
        if "condition_node" in more:
            below.append(more["condition_node"])
        return below


def _read(text: Value) -> Iterator[Found]:
    if isinstance(text, Text):
        yield from in_sql(text.value)
        yield from in_text(text.value)


_LEAVES = {
    "BREAK": "break",
    "WAIT_SCHEDULE": "wait_for_schedule",
    "SIGNAL": "wait_for_signal",
    "HTTP": "http",
    "HTTP_MULTIPART": "http_multipart",
    "RAISE": "raise",
}
_RENAMED = {
    "BREAK": {"break_value": "value"},
    "WAIT_SCHEDULE": {
        "cron_expr": "cron_expr",
        "tz": "timezone",
        "timezone": "timezone",
    },
    "SIGNAL": {"signal_name": "name", "timeout_seconds": "timeout_seconds"},
    "RAISE": {"of": "error_name"},
    "TRY": {"err": "error_name"},
    "TIMEOUT": {"after": "after"},
    "LOOP": {
        "continue_on_failure": "continue_on_failure",
        "go_on": "continue_on_failure",
    },
    "RETRY": {
        "max": "max_attempts",
        "factor": "factor",
        "jitter": "jitter",
        "on": "retry_on",
    },
}
_SECONDS = {
    "RETRY": {"backoff": "backoff", "max_backoff": "max_backoff"},
    "REPEAT": {"every": "every"},
}
_REQUEST = ("url", "method", "body", "headers", "parts", "timeout_seconds")
_BROKEN = "the graph is not whole; import its SQL instead"


def _values(kind: str, config: Mapping[str, Any], span: Span) -> dict[str, Value]:
    """Return the arguments of a node that its configuration holds."""
    names = dict(_RENAMED.get(kind, {}))
    if kind in ("HTTP", "HTTP_MULTIPART"):
        names = {each: each for each in _REQUEST}
    found = {
        argument: as_value(config[key], span)
        for key, argument in names.items()
        if config.get(key) is not None
    }
    for key, argument in _SECONDS.get(kind, {}).items():
        if config.get(key) is not None:
            length = f"{float(config[key]) * 1000:.0f} ms"
            found[argument] = plain(length, span)
    return found
