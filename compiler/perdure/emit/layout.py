"""Calls and how they stand on the page: one argument a line, unless it is short."""

from __future__ import annotations

from dataclasses import dataclass

from perdure.emit.literals import dollar_quote
from perdure.emit.query import SOFT, Chunks, Splice

_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement as an argument."""

    chunks: Chunks


@dataclass(frozen=True, slots=True)
class Named:
    """`name => argument`."""

    name: str
    argument: Argument


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a function; `comment` stands on the line before it."""

    function: str
    arguments: tuple[Argument, ...]
    comment: str | None = None


Argument = str | Statement | Named | Call


def show(argument: Argument, indent: int) -> str:
    """Return an argument's text; its first line begins where the caller stands."""
    match argument:
        case str():
            return argument
        case Statement():
            return _statement(argument, indent)
        case Named(name, inner):
            return f"{name} => {show(inner, indent)}"
        case Call():
            return _call(argument, indent)


def _call(call: Call, indent: int) -> str:
    hugged = _hugged(call)
    if hugged or not _has_comments(call):
        texts = [show(argument, indent) for argument in call.arguments]
        line = f"{call.function}({', '.join(texts)})"
        fits = "\n" not in line and len(line) + indent <= _WIDTH
        if hugged or fits:
            return line
    inner = " " * (indent + 2)
    parts = []
    for argument in call.arguments:
        comment = _comment_of(argument)
        note = f"{inner}-- {comment}\n" if comment else ""
        parts.append(f"{note}{inner}{show(argument, indent + 2)}")
    return f"{call.function}(\n" + ",\n".join(parts) + "\n" + " " * indent + ")"


def _hugged(call: Call) -> bool:
    """Say whether the only argument is a statement, which opens on the same line."""
    return len(call.arguments) == 1 and isinstance(call.arguments[0], Statement)


def _comment_of(argument: Argument) -> str | None:
    match argument:
        case Named(_, inner):
            return _comment_of(inner)
        case Call():
            return argument.comment
        case _:
            return None


def _has_comments(call: Call) -> bool:
    return any(
        _comment_of(argument) is not None
        or (isinstance(argument, Call) and _has_comments(argument))
        or (
            isinstance(argument, Named)
            and isinstance(argument.argument, Call)
            and _has_comments(argument.argument)
        )
        for argument in call.arguments
    )


def _statement(statement: Statement, indent: int) -> str:
    """Return a dollar-quoted statement, on one line if it fits there."""
    texts = [chunk for chunk in statement.chunks if isinstance(chunk, str)]
    length = sum(map(len, texts)) + indent + 16
    if not any(SOFT in text or "\n" in text for text in texts) and length <= _WIDTH:
        return _quoted(statement.chunks, "", "")
    inner = " " * (indent + 2)
    block = tuple(
        chunk.replace(SOFT, "\n" + inner) if isinstance(chunk, str) else chunk
        for chunk in statement.chunks
    )
    return _quoted(block, "\n" + inner, "\n" + " " * indent)


def _quoted(chunks: Chunks, before: str, after: str) -> str:
    """Return constants joined with the texts that are spliced between them."""
    written = []
    last = len(chunks) - 1
    for at, chunk in enumerate(chunks):
        if isinstance(chunk, Splice):
            written.append(chunk.variable)
            continue
        opened = before if at == 0 else ""
        closed = after if at == last else ""
        written.append(dollar_quote(f"{opened}{chunk}{closed}", "sql"))
    return " || ".join(written)
