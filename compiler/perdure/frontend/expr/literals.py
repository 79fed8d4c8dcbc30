"""What PostgreSQL's constants mean: strings without their escapes, plain numbers."""

from __future__ import annotations

import re

_ESCAPE = re.compile(
    r"''|\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|(.))",
    re.DOTALL,
)
_LETTERS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


def plain_string(written: str) -> str:
    """Return the value of `'it''s'`."""
    return written[1:-1].replace("''", "'")


def escape_string(written: str) -> str:
    r"""Return the value of `E'a\nb'`.

    Raises ValueError for what is no text: a NUL, half of a surrogate pair, bytes that
    are not UTF-8.
    """
    raw = bytearray()
    rest = 0
    body = written[2:-1]
    for match in _ESCAPE.finditer(body):
        raw += body[rest : match.start()].encode() + _unescape(match)
        rest = match.end()
    raw += body[rest:].encode()
    if 0 in raw:
        raise ValueError("a string cannot hold the character of code 0")
    return _decode(bytes(raw))


def _unescape(match: re.Match[str]) -> bytes:
    octal, byte, short, long, letter = match.groups()
    if octal is not None:
        return bytes((int(octal, 8) & 0xFF,))
    if byte is not None:
        return bytes((int(byte, 16),))
    if short is not None or long is not None:
        return _character(int(short or long, 16))
    return (_LETTERS.get(letter, letter) if letter else "'").encode()


def _character(code: int) -> bytes:
    if code > 0x10FFFF:
        raise ValueError(f"there is no character of code {code:X}")
    # Surrogates stay as they are until both halves can be joined.
    return chr(code).encode("utf-8", "surrogatepass")


def _decode(raw: bytes) -> str:
    try:
        text = raw.decode("utf-8", "surrogatepass")
        return text.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError as problem:
        raise ValueError("the escapes do not make valid text") from problem


def number(written: str) -> str:
    """Return a number as every version of PostgreSQL reads it: `0x1F` is `31`.

    Underscores and the prefixes 0x, 0o and 0b came with PostgreSQL 16.
    """
    text = written.replace("_", "").lower()
    if text[:2] in {"0x", "0o", "0b"}:
        return _decimal(int(text, 0))
    return text


def _decimal(value: int) -> str:
    # `str` refuses more than 4,300 digits.
    digits = []
    while value >= 10**4000:
        value, low = divmod(value, 10**4000)
        digits.append(f"{low:04000d}")
    return "".join([str(value), *reversed(digits)])
