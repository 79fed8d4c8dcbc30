"""Put into words why a text is no expression.

First come mistakes with a known cure (`habits`), then what Lark found against what it
expected.
"""

from __future__ import annotations

import re

from lark import Token, UnexpectedCharacters, UnexpectedInput, UnexpectedToken

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.expr.habits import habitual
from perdure.frontend.expr.parser import KEY_WORDS
from perdure.source import Text

_QUERY = re.compile(r"\b(?:select|exists|over|filter|within)\b", re.IGNORECASE)
_QUOTED = re.compile(r"'(?:[^']|'')*'")
_WORDS = re.compile(r"[^\W\d][\w.]*(?:\s+[^\W\d][\w.]*)*\s*$")
_CAST = re.compile(r"::[\w\s]*$")

_AFTER_WORDS = {"PATH", "STRING", "ESCAPE_STRING"}
_OPERATORS = {"COMPARE", "OTHER", "SIGN"}
_SHOWN = {
    "NULL": '"null"',
    "TRUE": '"true"',
    "FALSE": '"false"',
    "UNKNOWN": '"unknown"',
    "_DISTINCT": '"distinct from"',
    "_IN": '"in"',
    "LIKE": '"like"',
    "_BETWEEN": '"between"',
    "AND": '"and"',
    "COMMA": '","',
    "LPAR": '"("',
    "RPAR": '")"',
    "RSQB": '"]"',
    "_FROM": '"from"',
    "_AS": '"as"',
    "_WHEN": '"when"',
    "_THEN": '"then"',
    "_ELSE": '"else"',
    "_END": '"end"',
    "$END": "the end",
}


def failure(text: Text, problem: UnexpectedInput) -> Diagnostic:
    """Return the diagnostic for the first thing that Lark could not read."""
    start, token = _found(text.value, problem)
    accepted = _accepted(problem)
    return (
        _query(text)
        or _nullable_cast(text, start)
        or _chained(text, start, token, accepted)
        or (None if _is_known(token) else habitual(text, start))
        or _quote(text, start)
        or _number(text, start)
        or _unclosed(text, start)
        or _two_words(text, start, accepted)
        or _unexpected(text, start, token, accepted)
    )


def _found(value: str, problem: UnexpectedInput) -> tuple[int, Token | None]:
    """Return the place of the failure and the token there, None at the end."""
    if isinstance(problem, UnexpectedCharacters):
        start = problem.pos_in_stream or 0
        return start, Token("CHARACTER", value[start])
    if isinstance(problem, UnexpectedToken) and problem.token.type != "$END":
        assert problem.token.start_pos is not None
        return problem.token.start_pos, problem.token
    return len(value.rstrip()), None


def _is_known(token: Token | None) -> bool:
    """Say whether the token belongs to the language, and only stands out of place."""
    strange = ("CHARACTER", "OPERATOR", "NULLABLE", "QUOTED_PATH", "LSQB")
    return token is not None and token.type not in strange


def _query(text: Text) -> Diagnostic | None:
    plain = _QUOTED.sub(lambda match: " " * len(match[0]), text.value)
    match = _QUERY.search(plain)
    if match is None:
        return None
    return error(
        "WF151",
        text.span(match.start(), match.end()),
        f'"{match.group().lower()}" is not part of expressions',
        help="name the query as an sql step and refer to its columns",
    )


def _nullable_cast(text: Text, start: int) -> Diagnostic | None:
    if text.value[start : start + 1] != "?" or not _CAST.search(text.value[:start]):
        return None
    message = '"?" is no part of the type of a cast'
    span = text.span(start, start + 1)
    return error("WF140", span, message, help='remove "?": a null stays null')


def _chained(
    text: Text, start: int, token: Token | None, accepted: set[str]
) -> Diagnostic | None:
    if token is None:
        return None
    span = text.span(start, start + len(token))
    if token == "*" and text.value[:start].rstrip().endswith("("):
        message = "aggregates are not part of expressions"
        return error("WF151", span, message, help="count in an sql step")
    if token.type == "COMPARE" and "NUMBER" not in accepted:
        message = f'expected "and", "or" or the end, found "{token}"'
        return error("WF140", span, message, help='join two comparisons by "and"')
    return None


def _quote(text: Text, start: int) -> Diagnostic | None:
    """A word that stands against the end of a string: `'it's late'`."""
    word = re.compile(r"\w+").match(text.value, start)
    if not word or text.value[start - 1 : start] != "'":
        return None
    span = text.span(start - 1, word.end())
    message = f'a string ends before "{word.group()}"'
    return error("WF141", span, message, help="write a quote in a string twice: ''")


def _number(text: Text, start: int) -> Diagnostic | None:
    """Letters that stand against a number: `10days`, `1.2.3`."""
    before = re.search(r"[\w.]*[0-9.]\Z", text.value[:start])
    after = re.compile(r"[\w.]+").match(text.value, start)
    if not before or not after or not before.group()[0].isdigit():
        return None
    whole = before.group() + after.group()
    span = text.span(before.start(), after.end())
    return error("WF145", span, f'"{whole}" is no number')


def _unclosed(text: Text, start: int) -> Diagnostic | None:
    """A parenthesis without its other half."""
    plain = _QUOTED.sub(lambda match: " " * len(match[0]), text.value)
    opened: list[int] = []
    for match in re.finditer(r"[()]", plain[:start]):
        if match.group() == "(":
            opened.append(match.start())
        elif opened:
            opened.pop()
    if start >= len(plain.rstrip()) and opened:
        span = text.span(opened[-1], opened[-1] + 1)
        return error("WF140", span, '"(" is not closed', help='add ")"')
    if plain[start : start + 1] == ")" and not opened:
        span = text.span(start, start + 1)
        return error("WF140", span, '")" closes nothing', help='remove ")"')
    return None


def _two_words(text: Text, start: int, accepted: set[str]) -> Diagnostic | None:
    """Names side by side, read as a type that waits for its literal."""
    run = _WORDS.search(text.value[:start])
    if not run or not accepted or accepted - _AFTER_WORDS:
        return None
    words = list(re.finditer(r"\S+", run.group()))
    while any(word.group().lower() in KEY_WORDS for word in words):
        words.pop(0)
    if len(words) < 2:
        return None
    first, second = words[0].group(), words[1].group()
    return error(
        "WF140",
        text.span(run.start() + words[1].start(), run.start() + words[1].end()),
        f'expected an operator between "{first}" and "{second}"',
        help=_advice(second),
    )


def _unexpected(
    text: Text, start: int, token: Token | None, accepted: set[str]
) -> Diagnostic:
    shown = "the end" if token is None else f'"{token}"'
    span = text.span(start, start + len(token or ""))
    if token is not None and token.type == "OPERATOR":
        return error("WF142", span, f"{shown} is not part of expressions")
    expected = _expected(accepted)
    message = f"expected {expected}, found {shown}" if expected else f"found {shown}"
    return error("WF140", span, message, help=_advice(token or ""))


def _accepted(problem: UnexpectedInput) -> set[str]:
    if isinstance(problem, UnexpectedToken):
        return set(problem.accepts or ())
    return set()


def _advice(word: str) -> str | None:
    match word.lower():
        case "none" | "nil" | "undefined":
            return 'write "null"'
        case "if":
            return "write case when condition then a else b end"
        case "contains" | "includes":
            return "write a like '%b%', or a in (b, c)"
    return None


def _expected(accepted: set[str]) -> str:
    words = []
    if "NUMBER" in accepted:
        words.append("a value")
        accepted = accepted & {"RPAR", "RSQB"}
    elif "QUOTED_PATH" in accepted:
        words.append("a type")
    elif accepted & _OPERATORS:
        words.append("an operator")
        accepted = accepted - {"_IN", "LIKE", "_BETWEEN", "LPAR"}
        accepted -= {"AND"} if accepted & {"$END", "RPAR"} else set()
    words += [shown for terminal, shown in _SHOWN.items() if terminal in accepted]
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} or {words[-1]}"
