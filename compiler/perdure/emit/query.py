"""A node's statement as text: pieces quoted, references spelled, white space indented.

Line ends in the compiler's code and in the user's white space are soft: they may be
indented. Those inside of strings and comments are part of a value and stay.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from perdure.emit.guard import guard
from perdure.emit.literals import quote_literal, quote_name
from perdure.plan.query import (
    Code,
    Identifier,
    InputRef,
    Piece,
    Query,
    Quoted,
    ResultRef,
    RunRef,
    StringLiteral,
    WorkflowRef,
)
from perdure.syntax.sql import Token

SOFT = "\ue000"
"""Stands for a soft line end until the statement is indented."""

_RUN_ID = "'{sys_instance_id}'"
_MARKS = re.compile(
    r"[$][A-Za-z_][A-Za-z0-9_]*(?:\.(?:[A-Za-z_][A-Za-z0-9_]*|[*]))?[?]?"
    r"|[{][A-Za-z_][A-Za-z0-9_]*[}]"
)


@dataclass(frozen=True, slots=True)
class Splice:
    """A place where the generated function puts the text of a local variable."""

    variable: str


Chunk = str | Splice
Chunks = tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class Values:
    """How facts that are not results are read: inputs and the run's own.

    `splices` names the local variable that holds the literal of an input; without
    one, the input is read from beside the graph, as `$input.name`. `functions` are
    those that start the workflows that are called, by name.
    """

    version: int
    splices: Mapping[str, str]
    functions: Mapping[str, str] = field(default_factory=dict)


def chunks_of(query: Query, values: Values) -> Chunks:
    """Return a statement; line ends that may be indented are `SOFT`."""
    written: list[Chunk] = []
    hanging = ""
    for is_user, group in groupby(query, lambda piece: isinstance(piece, Token)):
        if is_user:
            written.append(_user(list(group), hanging))
            continue
        for piece in group:
            if isinstance(piece, Code) and "\n" in piece.text:
                hanging = re.sub(r"\S.*", "", piece.text.rsplit("\n", 1)[1])
            chunk = _piece(piece, values)
            if isinstance(piece, RunRef) and _brace_is_open(written):
                written.append("/*}*/")
            written.append(chunk)
    _check_references(query, written)
    return _joined(written)


def _brace_is_open(written: Sequence[Chunk]) -> bool:
    """Say whether a brace of the user's own stands open in the text so far.

    pg_durable takes all from a brace to the next closing one for one name, a reference
    that follows included, and would not replace that.
    """
    text = "".join(chunk for chunk in written if isinstance(chunk, str))
    return text.rfind("{") > text.rfind("}")


def _user(pieces: Sequence[Piece], hanging: str) -> str:
    tokens = [piece for piece in pieces if isinstance(piece, Token)]
    return "".join(
        re.sub(r"\r?\n", SOFT + hanging, spelled.text)
        if spelled.space
        else spelled.text
        for spelled in guard(tokens)
    )


def _piece(piece: Piece, values: Values) -> Chunk:
    match piece:
        case Code(text):
            return text.replace("\n", SOFT)
        case StringLiteral(value):
            return quote_literal(value)
        case Identifier(value):
            return quote_name(value)
        case ResultRef():
            return reference(piece)
        case InputRef(name):
            local = values.splices.get(name)
            return Splice(local) if local else f"$input.{name}"
        case WorkflowRef(name):
            return values.functions[name]
        case RunRef(what):
            return _of_run(what, values)
        case Quoted(query):
            return quote_literal(_constant(query, values))
        case _:
            raise TypeError(f"a token outside of the user's text: {piece!r}")


def _constant(query: Query, values: Values) -> str:
    """Return a statement whose text is known when it is compiled."""
    texts = [chunk for chunk in chunks_of(query, values) if isinstance(chunk, str)]
    if len(texts) != 1:
        raise ValueError(f"a value in a statement that is a constant: {query!r}")
    return texts[0]


def reference(ref: ResultRef) -> str:
    """Return a reference as the runtime spells it."""
    if ref.rows:
        return f"${ref.name}.*"
    column = f".{ref.column}" if ref.column else ""
    return f"${ref.name}{column}{'?' if ref.optional else ''}"


def _of_run(what: str, values: Values) -> str:
    match what:
        case "id":
            return _RUN_ID
        case "version":
            return str(values.version)
        case "started_at":
            return f"select created_at from df.instances where id = {_RUN_ID}"
        case _:
            raise ValueError(f"a run has no {what}")


def _joined(written: Sequence[Chunk]) -> Chunks:
    """Join neighbouring texts; white space at both ends goes."""
    joined: list[Chunk] = []
    for is_text, group in groupby(written, lambda chunk: isinstance(chunk, str)):
        if is_text:
            joined.append("".join(text for text in group if isinstance(text, str)))
        else:
            joined += group
    if joined and isinstance(joined[0], str):
        joined[0] = joined[0].lstrip(f" \t{SOFT}")
    if joined and isinstance(joined[-1], str):
        joined[-1] = joined[-1].rstrip(f" \t{SOFT}")
    return tuple(joined)


def _check_references(query: Query, written: Sequence[Chunk]) -> None:
    """Raise when a runtime would replace anything but the references of the query."""
    text = "".join(chunk if isinstance(chunk, str) else " " for chunk in written)
    found = [mark for mark in _MARKS.findall(text) if mark != "{sys_instance_id}"]
    meant = [
        reference(piece) if isinstance(piece, ResultRef) else f"$input.{piece.name}"
        for piece in query
        if isinstance(piece, (ResultRef, InputRef))
    ]
    if [mark for mark in found if mark in meant] != found:
        raise ValueError(f"text that reads as a reference is left in: {text!r}")
