"""Bytes of a file to text."""

from __future__ import annotations

from perdure.diagnostics import Diagnostic, error
from perdure.source import Source, Span

MAX_SIZE = 1_000_000
"""Largest workflow file, in bytes."""


def decode(path: str, data: bytes, *, limited: bool = True) -> Source | Diagnostic:
    """Decode a file as UTF-8, with or without a byte order mark.

    Line ends are kept, so that offsets are those of the file.
    """
    if limited and len(data) > MAX_SIZE:
        return too_large(path)
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _not_utf8(path, "the file is encoded as UTF-16, not as UTF-8")
    content = data.removeprefix(b"\xef\xbb\xbf")
    try:
        return Source(path, content.decode())
    except UnicodeDecodeError as failure:
        line = content.count(b"\n", 0, failure.start) + 1
        byte = content[failure.start]
        return _not_utf8(path, f"byte 0x{byte:02x} on line {line} is not UTF-8")


def too_large(path: str) -> Diagnostic:
    """Return the finding for a file over the limit."""
    return error(
        "WF105",
        Span(path, 0, 0),
        f"the file is larger than {MAX_SIZE:,} bytes",
        help="split the workflow into several",
    )


def _not_utf8(path: str, what: str) -> Diagnostic:
    # There is no text to point into, so the place is the file as a whole.
    return error("WF103", Span(path, 0, 0), what, help="save the file as UTF-8")
