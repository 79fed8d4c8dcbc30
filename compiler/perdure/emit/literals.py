"""Quoting: the one place where text becomes a SQL constant or a name.

Text inside of a node's statement has a second reader, the runtime, which replaces
`$name` and `{name}` wherever they stand. Literals written here never contain either,
nor a carriage return: migrations are text, whose line ends programs on the way change.
"""

from __future__ import annotations

import re

from perdure.emit.reserved import RESERVED

REFERENCE_LIKE = re.compile(
    r"[$](?=[A-Za-z_])|[{](?=[A-Za-z_][A-Za-z0-9_]*[}])|(?<=[$])[{]"
)
"""A character that a runtime may take for the start of a reference, or a migration
tool for that of a placeholder."""

_PLAIN_NAME = re.compile(r"[a-z_][a-z0-9_]*")


def quote_literal(text: str) -> str:
    """Return a string constant; an escape string where it has to be one."""
    if not re.search(r"[\\\r]", text) and not REFERENCE_LIKE.search(text):
        return "'" + text.replace("'", "''") + "'"
    return escape_string(text)


def quote_text(text: str) -> str:
    """Return a string constant for SQL that no runtime reads a second time."""
    quoted = text.replace("'", "''")
    if not re.search(r"[\\\r]|[$][{]", text):
        return f"'{quoted}'"
    body = quoted.replace("\\", "\\\\").replace("\r", "\\r")
    return "E'" + body.replace("${", "$\\x7b") + "'"


def escape_string(text: str) -> str:
    """Return `E'...'`, with the characters that start references as escapes."""
    body = text.replace("\\", "\\\\").replace("'", "''").replace("\r", "\\r")
    return "E'" + REFERENCE_LIKE.sub(_hex, body) + "'"


def _hex(found: re.Match[str]) -> str:
    return f"\\x{ord(found.group()):02x}"


def quote_name(name: str) -> str:
    """Return an identifier, quoted where it has to be."""
    if _PLAIN_NAME.fullmatch(name) and name not in RESERVED:
        return name
    return quoted_name(name)


def quoted_name(name: str) -> str:
    """Return a quoted identifier; `U&"..."` where it could be taken for a reference."""
    body = name.replace('"', '""')
    if not REFERENCE_LIKE.search(name):
        return f'"{body}"'
    body = body.replace("\\", "\\\\")
    return 'U&"' + REFERENCE_LIKE.sub(_unicode, body) + '"'


def _unicode(found: re.Match[str]) -> str:
    return f"\\{ord(found.group()):04x}"


_MARK = re.compile(
    r"(?<=[$])(?=[{])"  # a placeholder of Flyway
    r"|(?<=-)(?=-[ \t]*(?:[+]goose|migrate:|atlas:))",  # markers, in any comment
    re.IGNORECASE,
)


def dollar_quote(text: str, tag: str) -> str:
    """Return a dollar-quoted constant; the tag is changed until nothing can end it.

    A text that a migration tool would read something of its own into is split into
    constants that are joined, where an expression can stand.
    """
    first, *others = _MARK.split(text)
    parts = _one(first, tag)
    for each in others:
        parts += _one(each, tag)
    return " || ".join(parts)


def dollar_body(text: str, tag: str) -> str:
    """Return one dollar-quoted constant, where no expression can stand."""
    return _quoted(text, tag)


def _one(text: str, tag: str) -> list[str]:
    """Quote a part; a brace at its start would make `${` with the tag before it."""
    if text.startswith("{"):
        return ["'{'", *_one(text[1:], tag)] if len(text) > 1 else ["'{'"]
    return [_quoted(text, tag)]


def _quoted(text: str, tag: str) -> str:
    name, count = tag, 1
    while f"${name}" in text:
        count += 1
        name = f"{tag}_{count}"
    return f"${name}${text}${name}$"
