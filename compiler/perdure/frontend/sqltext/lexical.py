"""What a single token can have wrong."""

from __future__ import annotations

import re
from itertools import pairwise

from perdure.diagnostics import Diagnostic, error
from perdure.diagnostics.wording import worded
from perdure.frontend.mend import mend
from perdure.frontend.sqltext.lexer import STRINGS, closed, ends_operand, significant
from perdure.source import Text
from perdure.syntax.sql import Token

_NAME = r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*"
_PLACEHOLDER = re.compile(
    rf"\$\{{\s*({_NAME})\s*\}}|\{{\{{\s*({_NAME})\s*\}}\}}|\$({_NAME})|\{{({_NAME})\}}"
)
_TEMPLATE = re.compile(r"\$\{[^}]*\}?|\{\{.*?\}\}")
_PERCENT = re.compile(rf"%(?:s\b|\(({_NAME})\)s\b)")
_MARK = re.compile(
    r"\?(?=\s*(?:$|[,);]|::|(?:and|or|limit|offset|order|group|returning|from|where|on"
    r"|as|then|else|end)\b))",
    re.IGNORECASE,
)
_OPERATOR = re.compile(r"\boperator\s*\(\s*(?:\w+\s*\.\s*)?$", re.IGNORECASE)
_PSQL = re.compile(r"\\[A-Za-z?!]+")
_PSQL_VARIABLE = re.compile(rf":['\"]({_NAME})['\"]")
_OPENING = re.compile(r"/\*|\w*&?['\"]|\$\w*\$")
_PUNCTUATION = frozenset(("..", *"()[],;.:"))
_WHAT = {
    "comment": ("the comment", "*/"),
    "quoted": ("the quoted name", '"'),
    "dollar_string": ("the dollar-quoted body", ""),
}


def lexical(text: Text, tokens: list[Token]) -> list[Diagnostic]:
    """Return findings on tokens: no end, `$1`, `%s`, foreign words and characters."""
    if tokens and not closed(tokens[-1]):
        return [_unclosed(text, tokens)]
    found: list[Diagnostic] = []
    reported: set[str] = set()  # of strange characters the first is enough
    done = 0
    for token in tokens:
        if token.kind == "parameter":
            found.append(_parameter(text, token.start, token.end))
        elif (
            token.kind == "punctuation"
            and token.text not in _PUNCTUATION
            and token.start >= done
        ):
            diagnostic, done = _unknown(text, token)
            if diagnostic.code == "WF166" or diagnostic.code not in reported:
                found.append(diagnostic)
            reported.add(diagnostic.code)
    found += _of_drivers(text, tokens) + _psql_variables(text, tokens)
    return found + _unbalanced(text, tokens)


def _unclosed(text: Text, tokens: list[Token]) -> Diagnostic:
    token = tokens[-1]
    what, end = _WHAT.get(token.kind, ("the string", "'"))
    if token.kind == "dollar_string":
        end = token.text[: token.text.index("$", 1) + 1]
    opening = _OPENING.match(token.text)
    assert opening is not None
    span = text.span(token.start, token.start + opening.end())
    message = f"{what} that begins here has no end"
    help_ = f"add {end}"
    if end == "'" and any(map(_runs_on, pairwise(tokens))):
        help_ = "write a quote in a string twice: ''"
    return error("WF160", span, message, help=help_)


def _runs_on(pair: tuple[Token, Token]) -> bool:
    """Say whether a word stands against the end of a string: `'it's late'`."""
    return pair[0].kind in STRINGS and pair[1].kind == "word"


def _of_drivers(text: Text, tokens: list[Token]) -> list[Diagnostic]:
    """`%s`, `%(name)s` and `?`, where they are no operators between two operands."""
    meant = [tokens[i] for i in significant(tokens)]
    found = []
    for token, before in zip(meant, [None, *meant], strict=False):
        if token.text not in ("%", "?", "=%", "=?"):
            continue
        at = token.end - 1
        between = at == token.start and before is not None and ends_operand(before)
        match = _PERCENT.match(text.value, at) or _MARK.match(text.value, at)
        if match is None or between or _OPERATOR.search(text.value[:at]):
            continue
        if match.lastindex:
            found.append(_foreign(text, match, f":{match[1]}"))
        else:
            found.append(_parameter(text, *match.span()))
    return found


def _parameter(text: Text, start: int, end: int) -> Diagnostic:
    return error(
        "WF163",
        text.span(start, end),
        f'"{text.value[start:end]}" refers to a parameter, and a step has none',
        help="name the value: :order_id, or :step.column",
    )


def _unknown(text: Text, token: Token) -> tuple[Diagnostic, int]:
    """Return a finding, and the offset up to which it speaks of the text."""
    if match := _PLACEHOLDER.match(text.value, token.start):
        name = next(group for group in match.groups() if group)
        return _foreign(text, match, f":{name}"), match.end()
    if match := _TEMPLATE.match(text.value, token.start):
        return _foreign(text, match, None), match.end()
    if match := _PSQL.match(text.value, token.start):
        message = f'"{match[0]}" is a command of psql, not SQL'
        return error("WF167", text.span(*match.span()), message), match.end()
    shown = token.text if token.text.isprintable() else f"U+{ord(token.text):04X}"
    span = text.span(token.start, token.end)
    return error("WF167", span, f'unexpected character "{shown}"'), token.end


def _foreign(text: Text, match: re.Match[str], instead: str | None) -> Diagnostic:
    span = text.span(*match.span())
    help_ = "compute the value " + worded(
        span, "by let, and refer to it as :name", "before, name = ..., and write :name"
    )
    fix = None
    if instead:
        help_ = f"write {instead}"
        fix = mend(text, *match.span(), instead)
    message = f'"{match[0]}" is no reference in SQL'
    return error("WF166", span, message, help=help_, fix=fix)


def _psql_variables(text: Text, tokens: list[Token]) -> list[Diagnostic]:
    """psql's `:'name'` and `:"name"`, which quote a variable there."""
    if ":'" not in text.value and ':"' not in text.value:
        return []
    found = []
    for before, token in pairwise(tokens):
        if before.text == ":" and not _is_operand(tokens, before):
            match = _PSQL_VARIABLE.match(text.value, before.start)
            if match and match.end() == token.end:
                found.append(_foreign(text, match, f":{match[1]}"))
    return found


def _is_operand(tokens: list[Token], colon: Token) -> bool:
    """Say whether an operand, such as the key of a JSON object, ends at the colon."""
    earlier = [tokens[i] for i in significant(tokens) if tokens[i].end <= colon.start]
    return bool(earlier) and ends_operand(earlier[-1])


def _unbalanced(text: Text, tokens: list[Token]) -> list[Diagnostic]:
    pairs = {")": "(", "]": "["}
    opened: list[Token] = []
    for token in tokens:
        if token.kind != "punctuation":
            continue
        if token.text in "([":
            opened.append(token)
        elif token.text in pairs:
            if not opened or opened[-1].text != pairs[token.text]:
                message = f'"{token.text}" closes nothing'
                return [error("WF168", text.span(token.start, token.end), message)]
            opened.pop()
    return [
        error(
            "WF168", text.span(token.start, token.end), f'"{token.text}" is not closed'
        )
        for token in opened[-1:]
    ]
