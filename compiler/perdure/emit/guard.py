"""The user's tokens, written so that no runtime takes them for references.

Runtimes replace `$name` and `{name}` wherever they stand: in strings, dollar-quoted
bodies, comments, identifiers and dollar-quote tags. Tokens with neither, almost all,
are emitted as they are. The others are spelled another way that PostgreSQL reads as
the same value: strings with escapes, dollar-quoted bodies as ordinary strings,
identifiers as `U&"..."`; in comments the character gets a space after it. Strings with
a carriage return are, too, see `emit.literals`.

Splitting a string in two with `||` was rejected: it changes its type and does not
work where the grammar wants a constant (`interval '...'`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from perdure.emit.literals import REFERENCE_LIKE, escape_string, quoted_name
from perdure.syntax.sql import Token

_RESPELLED = re.compile(rf"{REFERENCE_LIKE.pattern}|\r")
_STRINGS = ("string", "escape_string", "unicode_string")


@dataclass(frozen=True, slots=True)
class Spelled:
    """Text of the user's as it is emitted; `space` may be indented anew."""

    text: str
    space: bool = False


def guard(tokens: Sequence[Token]) -> list[Spelled]:
    """Return the tokens, spelled so that they contain no references."""
    written: list[Spelled] = []
    at = 0
    while at < len(tokens):
        spelled, at = _next(tokens, at)
        if written and _touches(written[-1].text, spelled.text):
            written.append(Spelled(" ", space=True))
        written.append(spelled)
    return written


def _touches(left: str, right: str) -> bool:
    """Say whether a reference would begin where two tokens meet."""
    return left.endswith("$") and bool(re.match(r"[A-Za-z_]", right))


def _next(tokens: Sequence[Token], at: int) -> tuple[Spelled, int]:
    token = tokens[at]
    if token.kind in _STRINGS:
        return _string(tokens, at)
    if token.kind == "quoted" and token.text[:2].lower() == "u&":
        return _unicode(tokens, at, at + 1, '"')
    return _single(token), at + 1


def _single(token: Token) -> Spelled:
    text = token.text
    if token.kind == "space":
        return Spelled(text, space=True)
    strings = token.kind == "dollar_string"
    if not (_RESPELLED if strings else REFERENCE_LIKE).search(text):
        return Spelled(text)
    match token.kind:
        case "comment":
            return Spelled(REFERENCE_LIKE.sub(lambda found: f"{found.group()} ", text))
        case "dollar_string":
            tag = text.index("$", 1) + 1
            return Spelled(escape_string(text[tag:-tag]))
        case "quoted":
            return Spelled(quoted_name(text[1:-1].replace('""', '"')))
        case "word":
            return Spelled(quoted_name(_folded(text)))
        case _:
            return Spelled(text)


def _folded(word: str) -> str:
    """Fold a name as PostgreSQL does: only ASCII letters."""
    return re.sub(r"[A-Z]+", lambda found: found.group().lower(), word)


# --- strings, which may go on on the next line ----------------------------------


def _string(tokens: Sequence[Token], at: int) -> tuple[Spelled, int]:
    end = _end_of_string(tokens, at)
    chain = [token for token in tokens[at:end] if token.kind in _STRINGS]
    if not any(_RESPELLED.search(token.text) for token in chain):
        return Spelled(tokens[at].text), at + 1
    if chain[0].kind == "unicode_string":
        return _unicode(tokens, at, end, "'")
    body = "".join(_body(token.text, "'") for token in chain)
    if chain[0].kind == "escape_string":
        return Spelled("E'" + _escaped(body) + "'"), end
    national = "nchar " if chain[0].text[0] in "nN" else ""
    return Spelled(national + escape_string(body.replace("''", "'"))), end


def _end_of_string(tokens: Sequence[Token], at: int) -> int:
    """Return the end of a string constant with its continuations on later lines."""
    end = at + 1
    while True:
        gap = end
        while gap < len(tokens) and (
            tokens[gap].kind == "space" or tokens[gap].text.startswith("--")
        ):
            gap += 1
        between = "".join(token.text for token in tokens[end:gap])
        goes_on = gap < len(tokens) and tokens[gap].kind in _STRINGS
        if not goes_on or "\n" not in between or not tokens[gap].text.startswith("'"):
            return end
        end = gap + 1


def _body(text: str, quote: str) -> str:
    return text[text.index(quote) + 1 : -1]


def _escaped(body: str) -> str:
    r"""Replace the characters in the body of an escape string, `\$` as a whole."""

    def replaced(found: re.Match[str]) -> str:
        text = found.group()
        char = text[-1]
        return f"\\x{ord(char):02x}" if char in "${\r" else text

    return re.sub(r"\\.|[${\r]", replaced, body, flags=re.DOTALL)


# --- U& strings and names, whose escape character may be chosen -------------------


def _unicode(
    tokens: Sequence[Token], at: int, end: int, quote: str
) -> tuple[Spelled, int]:
    """Spell a `U&` constant or name with the usual escape character."""
    chain = [token for token in tokens[at:end] if token.kind == tokens[at].kind]
    chain += [t for t in tokens[at:end] if t.kind == "string" and t is not tokens[at]]
    escape, after = _uescape(tokens, end)
    text = "".join(token.text for token in tokens[at:after])
    if not _RESPELLED.search(text):
        return Spelled(tokens[at].text), at + 1
    body = "".join(_body(token.text, quote) for token in chain)
    return Spelled(f"U&{quote}{_with_backslash(body, escape)}{quote}"), after


def _uescape(tokens: Sequence[Token], at: int) -> tuple[str, int]:
    """Return the escape character of a constant that ends at `at`, and its end."""
    rest = list(_significant(tokens, at))[:2]
    if len(rest) == 2 and tokens[rest[0]].text.lower() == "uescape":
        return _body(tokens[rest[1]].text, "'"), rest[1] + 1
    return "\\", at


def _significant(tokens: Sequence[Token], at: int) -> Iterator[int]:
    for index in range(at, len(tokens)):
        if tokens[index].kind not in ("space", "comment"):
            yield index


def _with_backslash(body: str, escape: str) -> str:
    """Return a body whose escapes begin with a backslash."""
    pattern = re.escape(escape)
    units = rf"{pattern}({pattern}|\+[0-9A-Fa-f]{{6}}|[0-9A-Fa-f]{{4}})|(.)"

    def replaced(found: re.Match[str]) -> str:
        if found[1] and found[1] != escape:
            return "\\" + found[1]
        char = found[1] or found[2]
        if char == "\\":
            return "\\\\"
        return f"\\{ord(char):04x}" if char in "${\r" else char

    return re.sub(units, replaced, body, flags=re.DOTALL)
