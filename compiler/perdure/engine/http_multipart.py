"""The body of a multipart/form-data request, from parts whose content is base64.

Names and file names are escaped as browsers do it, so that none can end its quotes or
its line and begin a header of its own.
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_MEDIA_TYPE = re.compile(
    r"[\w!#$&^.+-]+/[\w!#$&^.+-]+( *; *[\w-]+=[^;\x00-\x1f\x7f]+)*"
)
_ESCAPES = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})
_BLANK = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form; with a file name it is a file."""

    name: str
    data_b64: str
    filename: str | None = None
    content_type: str | None = None


def read_parts(rows: Iterable[Mapping[str, str]] | None) -> tuple[Part, ...]:
    """Return the parts of a claimed request."""
    return tuple(
        Part(
            name=row.get("name", ""),
            data_b64=row.get("data_b64", ""),
            filename=row.get("filename"),
            content_type=row.get("content_type"),
        )
        for row in rows or ()
    )


def encode(parts: Iterable[Part]) -> tuple[str, bytes]:
    """Return the content type, with its boundary, and the body.

    Raises ValueError for content that is not base64, or a content type that is none.
    """
    boundary = secrets.token_hex(24)
    body = b"".join(
        b"--%s\r\n%s\r\n\r\n%s\r\n" % (boundary.encode(), _head(part), _content(part))
        for part in parts
    )
    media_type = f"multipart/form-data; boundary={boundary}"
    return media_type, body + b"--%s--\r\n" % boundary.encode()


def _head(part: Part) -> bytes:
    lines = f'content-disposition: form-data; name="{part.name.translate(_ESCAPES)}"'
    if part.filename is not None:
        lines += f'; filename="{part.filename.translate(_ESCAPES)}"'
    if part.content_type is not None:
        if not _MEDIA_TYPE.fullmatch(part.content_type):
            raise ValueError(f"part {part.name!r} has no valid content type")
        lines += f"\r\ncontent-type: {part.content_type}"
    return lines.encode()


def _content(part: Part) -> bytes:
    try:
        return base64.b64decode(_BLANK.sub("", part.data_b64), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"part {part.name!r} is not base64: {error}") from error
