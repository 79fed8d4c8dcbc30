"""What PostgreSQL has for the formats of Python's f-strings and of `strftime`.

Each is right for values longer than the format is wide, as it is in Python: `lpad`
and `to_char` alone would cut them off, or print `###`. A format without such a form
has no help but to leave it out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_ZEROS = re.compile(r":0(\d{1,2})d?")
_FIXED = re.compile(r":(\+?)(,?)\.(\d)f")
_WHOLE = re.compile(r":(\+?)(,?)d?")
_PERCENT = re.compile(r":\.(\d)%")
_ALIGNED = re.compile(r":(?:([^{}]?)([<>]))?([1-9]\d*)s?")
_FIRST = re.compile(r":\.(\d+)s")
_DIRECTIVE = re.compile(r"%(.)|([^%]+)|%$", re.DOTALL)
_BETWEEN = re.compile(r"[-/.,:; ]*")  # what to_char leaves as it is
_DIRECTIVES = {
    "%Y": "YYYY",
    "%y": "YY",
    "%m": "MM",
    "%d": "DD",
    "%j": "DDD",
    "%H": "HH24",
    "%I": "HH12",
    "%p": "AM",
    "%M": "MI",
    "%S": "SS",
    "%f": "US",
    "%B": "FMMonth",
    "%b": "Mon",
    "%A": "FMDay",
    "%a": "Dy",
}
_MOST = 19  # digits of a bigint
_NINES = "9" * (_MOST - 1)
_GROUPS = ",".join(["999"] * 6)


def instead_of_form(shown: str, form: str) -> str:
    """Return what to write for a field of an f-string, by its expression as text."""
    if form.startswith("="):
        return f'write "{shown}={{{shown}}}"'
    if form in ("!r", "!a"):
        return f"leave {form} out, or write func.quote_literal({shown})"
    for pattern, written in _FORMS:
        if found := pattern.fullmatch(form):
            return f"write {written(shown, found)}"
    if form.startswith(":%") and (fields := _fields_of_time(shown, form[1:])):
        return f"write {fields}"
    return f'leave "{form}" out, or format the value in an sql step'


def padded(shown: str, width: str, fill: str = " ", function: str = "lpad") -> str:
    """Return text that is filled up to a width, and that is no shorter than it was."""
    filled = f", '{fill}'" if fill != " " else ""
    wide = f"func.greatest({width}, func.length({shown}))"
    return f"func.{function}({shown}, {wide}{filled})"


def interval_of(unit: str, shown: str) -> str:
    """Return an interval of so many units, by the expression of their number."""
    factor = shown if re.fullmatch(r"[\w.]+", shown) else f"({shown})"
    return f'interval("1 {unit}") * {factor}'


def pattern_of_time(form: str) -> str | None:
    """Return the pattern of `to_char` for one of `strftime`, if there is one."""
    pieces = _pieces(form)
    if pieces is None or '"' in form or "\\" in form or "'" in form:
        return None
    return "".join(x if known else f'"{x}"' for known, x in pieces)


def _fields_of_time(shown: str, form: str) -> str | None:
    """Return fields of an f-string, letters between them outside of the patterns.

    In a pattern they stand in double quotes, which Python before 3.12 does not allow
    in a field.
    """
    pieces = _pieces(form)
    if pieces is None:
        return None
    written = [
        f"func.to_char({shown}, '{piece}')" if known else piece
        for known, piece in pieces
    ]
    if len(pieces) == 1:
        return written[0]
    return "".join(
        f"{{{each}}}" if known else each
        for (known, _), each in zip(pieces, written, strict=True)
    )


def _pieces(form: str) -> list[tuple[bool, str]] | None:
    """Return patterns of `to_char`, and what stands between them as text."""
    pieces: list[tuple[bool, str]] = []
    for found in _DIRECTIVE.finditer(form):
        known = found[2] is None or _BETWEEN.fullmatch(found[2]) is not None
        text = found[2] or _DIRECTIVES.get(found[0])
        if text is None:
            return None
        if pieces and pieces[-1][0] == known:
            text = pieces.pop()[1] + text
        pieces.append((known, text))
    return pieces


# --- one format each ------------------------------------------------------------


def _zeros(shown: str, found: re.Match[str]) -> str:
    width = min(int(found[1]), _MOST)
    pattern = "9" * (_MOST - width) + "0" * width
    return f"func.to_char({shown}, 'FM{pattern}'), a minus sign comes before the zeros"


def _fixed(shown: str, found: re.Match[str]) -> str:
    sign, comma, places = found.groups()
    if not sign and not comma:
        return f"cast(func.round(cast({shown}, 'numeric'), {places}), str)"
    point = f".{'0' * int(places)}" if places != "0" else ""
    return f"func.to_char({shown}, '{_digits(sign, comma)}{point}')"


def _whole(shown: str, found: re.Match[str]) -> str:
    sign, comma = found.groups()
    if not sign and not comma:
        return f"{shown}, without a format"
    return f"func.to_char({shown}, '{_digits(sign, comma)}') of a whole number"


def _digits(sign: str, comma: str) -> str:
    return f"FM{'SG' if sign else ''}{_GROUPS + ',990' if comma else _NINES + '0'}"


def _percent(shown: str, found: re.Match[str]) -> str:
    return f"{{func.round(cast({shown}, 'numeric') * 100, {found[1]})}}%"


def _aligned(shown: str, found: re.Match[str]) -> str:
    fill, side, width = found.groups()
    text = f"cast({shown}, str)"
    if side is None:
        left = padded(text, width, function="rpad")
        return f"{left} of text, {padded(text, width)} of a number"
    function = "rpad" if side == "<" else "lpad"
    return padded(text, width, "''" if fill == "'" else fill or " ", function)


_FORMS: tuple[tuple[re.Pattern[str], Callable[[str, re.Match[str]], str]], ...] = (
    (_ZEROS, _zeros),
    (_FIXED, _fixed),
    (_WHOLE, _whole),
    (_PERCENT, _percent),
    (re.compile(":x"), lambda shown, _: f"func.to_hex({shown})"),
    (re.compile(":X"), lambda shown, _: f"func.upper(func.to_hex({shown}))"),
    (re.compile(":s|!s"), lambda shown, _: f"{shown}, without a format"),
    (_FIRST, lambda shown, found: f"func.left({shown}, {found[1]})"),
    (_ALIGNED, _aligned),
)
