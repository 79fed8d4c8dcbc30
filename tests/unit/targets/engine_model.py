"""A model of pg_durable: what becomes of the text of a node, and of its result.

Written after the rules of ENGINE's second section as its source states them: variables
before results, in one pass; `$name` wherever it stands; numbers and booleans bare, the
rest quoted; conditions by the first column of the first row; results by the type of
their columns. `run` executes a plan on a real PostgreSQL, branches one after the other.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg.rows import dict_row

from perdure.emit.query import Splice, Values, chunks_of
from perdure.plan.query import Query
from perdure.plan.tree import Break, If, Join, Loop, Node, Race, Seq, Signal, Sleep, Sql

Connection = psycopg.Connection[Any]
_REFERENCE = re.compile(r"[$]([A-Za-z_][A-Za-z0-9_]*)")
_COLUMN = re.compile(r"[.]([A-Za-z_][A-Za-z0-9_]*)")


class Failed(Exception):
    """The run has failed."""


class Left(Exception):
    """A break."""


# --- text -----------------------------------------------------------------------


def variables(text: str, known: Mapping[str, str]) -> str:
    """Replace `{name}`; all from a brace to the next closing one is a name."""
    return re.sub(
        r"\{([^}]*)\}", lambda found: known.get(found[1], found[0]), text, flags=re.S
    )


def results(text: str, bound: Mapping[str, Any]) -> str:
    """Replace `$name` and its forms by results; what is not known stays."""
    out, at = "", 0
    for found in _REFERENCE.finditer(text):
        if found.start() < at:
            continue
        name = _longest(found[1], text[found.end() :], bound)
        if name is None:
            continue
        out += text[at : found.start()]
        end = found.start() + 1 + len(name)
        column = _COLUMN.match(text, end)
        if column:
            end = column.end()
        optional = text[end : end + 1] == "?"
        value = _value(bound[name], column[1] if column else None)
        if value is None and not optional:
            raise Failed(f"${name} is NULL")
        out += _spelled(value)
        at = end + optional
    return out + text[at:]


def _longest(word: str, after: str, bound: Mapping[str, Any]) -> str | None:
    """Return the longest known name that the text goes on with."""
    names = [name for name in bound if word.startswith(name)]
    for name in sorted(names, key=len, reverse=True):
        if name == word:
            return name
    return None


def _value(result: Any, column: str | None) -> Any:
    if isinstance(result, dict) and "rows" in result:
        if not result["rows"]:
            return None
        row = result["rows"][0]
        return next(iter(row.values())) if column is None else row[column]
    return result if column is None else result[column]


def _spelled(value: Any) -> str:
    match value:
        case None:
            return "NULL"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return "'" + value.replace("'", "''") + "'"
        case _:
            return "'" + json.dumps(value, ensure_ascii=False).replace("'", "''") + "'"


# --- results --------------------------------------------------------------------

_PLAIN = {16: bool, 20: int, 21: int, 23: int, 700: float, 701: float}
_TEXT = {19, 25, 1042, 1043, 1700, 2950, 1082, 1114, 1184}
_JSON = {114, 3802}
_VOID = 2278


def decoded(value: Any, oid: int) -> Any:
    """Return a value as the engine keeps it; a type that it does not know fails."""
    if oid in _PLAIN or oid in _TEXT or oid in _JSON or oid == _VOID:
        if value is None or oid == _VOID:
            return None
        if oid in _JSON:
            return value
        return _PLAIN[oid](value) if oid in _PLAIN else str(value)
    raise Failed(f"unsupported type {oid}")


def is_true(value: Any) -> bool:
    """Say what the engine takes for true."""
    if isinstance(value, str):
        word = value.strip().lower()
        if word in ("", "false", "f", "no"):
            return False
        try:
            return float(word) != 0
        except ValueError:
            return True
    return bool(value)


# --- runs -----------------------------------------------------------------------


@dataclass
class Engine:
    """Runs a plan; `inputs` are literals, as the function of a workflow makes them."""

    connection: Connection
    run_id: str
    inputs: Mapping[str, str]
    known: Mapping[str, str] = field(default_factory=dict)
    texts: list[str] = field(default_factory=list)

    def run(self, node: Node, bound: dict[str, Any]) -> Any:
        """Execute a node; what it binds is left in `bound`."""
        result = self._execute(node, bound)
        name = getattr(node, "result", None)
        if name is not None:
            bound[name] = result
        return result

    def _execute(self, node: Node, bound: dict[str, Any]) -> Any:
        match node:
            case Sql(query=query):
                return self.statement(query, bound)
            case Seq(nodes=nodes) | Join(branches=nodes):
                return [self.run(each, bound) for each in nodes][-1]
            case If(condition=test, then=then, otherwise=otherwise):
                arm = then if self._holds(test, bound) else otherwise
                return self.run(arm, bound) if arm else None
            case Loop():
                return self._loop(node, bound)
            case Race(branches=(first, *_)):
                return self.run(first, bound)
            case Break():
                raise Left
            case Sleep():
                time.sleep(0.01)  # loops that wait for a time need that it goes by
                return None
            case Signal():
                return None
            case _:
                raise TypeError(f"the extension has no {node!r}")

    def _loop(self, node: Loop, bound: dict[str, Any]) -> Any:
        result = None
        for _ in range(1000):
            try:
                result = self.run(node.body, bound)
            except Left:
                return result
            if node.condition is not None and not self._holds(node.condition, bound):
                return result
        raise Failed("the loop does not end")

    def _holds(self, test: Sql, bound: dict[str, Any]) -> bool:
        rows = self.statement(test.query, bound)["rows"]
        return bool(rows) and is_true(next(iter(rows[0].values())))

    def statement(self, query: Query, bound: Mapping[str, Any]) -> Any:
        """Execute a statement in a transaction of its own, its text replaced."""
        chunks = chunks_of(query, Values(1, {name: name for name in self.inputs}))
        parts = [
            self.inputs[each.variable] if isinstance(each, Splice) else each
            for each in chunks
        ]
        text = "".join(parts).replace("\ue000", "\n")
        known = {**self.known, "sys_instance_id": self.run_id, "sys_label": "demo@1"}
        text = results(variables(text, known), bound)
        self.texts.append(text)
        try:
            with self.connection.cursor(row_factory=dict_row) as cursor:
                cursor.execute(text.encode())
                return self._rows(cursor)
        except psycopg.Error as error:
            raise Failed(str(error)) from error

    def _rows(self, cursor: psycopg.Cursor[dict[str, Any]]) -> Any:
        if cursor.description is None:
            return {"rows": [], "row_count": 0}
        oids = {column.name: column.type_code for column in cursor.description}
        rows = [
            {name: decoded(value, oids[name]) for name, value in row.items()}
            for row in cursor.fetchall()
        ]
        return {"rows": rows, "row_count": len(rows)}
