"""A df graph: nodes with their arguments, by the names that the functions give them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perdure.source import Span, Text

Value = Text | int | float | bool | None | dict[str, "Value"] | list["Value"]
"""A constant argument; numbers in JSON keep their text (`Text` is a string)."""


@dataclass(frozen=True, slots=True)
class Node:
    """One node. `kind` is its function without `df.`, `as` included.

    `children` are the nodes of `seq`, `join`, `race`, `transaction`, else those
    arguments that are nodes stand in `parts`; all other arguments in `values`.
    """

    kind: str
    span: Span = field(compare=False)
    children: tuple[Node, ...] = ()
    parts: Mapping[str, Node] = field(default_factory=dict)
    values: Mapping[str, Value] = field(default_factory=dict)

    def text(self, name: str) -> Text | None:
        """Return an argument that is a string."""
        value = self.values.get(name)
        return value if isinstance(value, Text) else None


@dataclass(frozen=True, slots=True)
class Start:
    """`df.start(...)`: a graph with its label and its input."""

    node: Node
    label: Text | None
    options: Mapping[str, Value]
    span: Span = field(compare=False)
    where: Span = field(compare=False)  # the statement around it


@dataclass(frozen=True, slots=True)
class Signature:
    """What a function takes: `*` before a name for nodes, `**` for any number."""

    arguments: tuple[str, ...]
    required: int


def _signature(text: str, required: int) -> Signature:
    return Signature(tuple(text.split()), required)


SIGNATURES: dict[str, Signature] = {
    "sql": _signature("query", 1),
    "seq": _signature("**nodes", 1),
    "join": _signature("**nodes", 1),
    "join3": _signature("**nodes", 3),
    "race": _signature("**nodes", 1),
    "transaction": _signature("**nodes", 1),
    "as": _signature("*fut name", 2),
    "if": _signature("*condition *then_branch *else_branch", 2),
    "if_rows": _signature("result_name *then_branch *else_branch", 2),
    "loop": _signature("*body *condition continue_on_failure", 1),
    "repeat": _signature("*body *while_condition *until_condition every", 1),
    "break": _signature("value", 0),
    "continue": _signature("", 0),
    "return": _signature("query", 1),
    "sleep": _signature("seconds", 1),
    "sleep_for": _signature("query", 1),
    "sleep_until": _signature("query", 1),
    "wait_for_schedule": _signature("cron_expr timezone", 1),
    "wait_for_signal": _signature("name timeout_seconds", 1),
    "http": _signature("url method body headers timeout_seconds", 1),
    "http_multipart": _signature("url method parts headers timeout_seconds", 1),
    "retry": _signature(
        "*node max_attempts backoff factor max_backoff jitter retry_on", 1
    ),
    "try": _signature("*body *catch error_name *finally", 1),
    "raise": _signature("error_name", 0),
    "timeout": _signature("*node after", 2),
    "foreach": _signature("items *body item_name max_parallel collect", 2),
    "call": _signature("query", 1),
}
"""The functions that make nodes. Arguments are called as in the runtime."""

ALIASES: dict[tuple[str, str], str] = {
    ("as", "node"): "fut",
    ("loop", "body_node"): "body",
    ("loop", "cond"): "condition",
    ("if", "cond"): "condition",
    ("sql", "query_text"): "query",
    ("start", "node"): "fut",
}

START = _signature(
    "*fut label database transaction_mode input key concurrency_key "
    "concurrency_limit timeout run_now",
    1,
)
OPERATORS = {"~>": "seq", "&": "join", "|": "race"}
