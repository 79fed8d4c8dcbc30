"""The outline of a statement: where it begins and ends, its `with` list, RETURNING.

Found by words and balanced parentheses, not by a grammar of SQL: PostgreSQL judges
the statement itself later, and nothing here may refuse what it would take.
"""

from __future__ import annotations

from dataclasses import dataclass

from perdure.frontend.sqltext.lexer import significant
from perdure.syntax.sql import Token

_RETURNING = frozenset({"insert", "update", "delete", "merge"})
_ROUTINE = ("create function", "create procedure")
_ROUTINE_REPLACED = (
    "create or replace function",
    "create or replace procedure",
)


@dataclass(frozen=True, slots=True)
class Outline:
    """See `SqlText`; `head` holds the first words of the statement proper."""

    first: int
    last: int
    main: int
    keyword: str
    returning: bool
    has_with: bool
    recursive: bool
    head: str


def statements(tokens: list[Token]) -> list[list[int]]:
    """Return the indexes of the tokens of each statement, cut at semicolons.

    Semicolons in parentheses (rules) and in `begin atomic ... end` (routines) are part
    of their statement, as in psql.
    """
    found: list[list[int]] = [[]]
    depth = blocks = 0
    indexes = significant(tokens)
    while indexes and tokens[indexes[-1]].text == ";":
        indexes.pop()
    if not any(token.text == ";" for token in tokens):
        return [indexes] if indexes else []
    for index in indexes:
        text = tokens[index].text.lower()
        depth += (text == "(") - (text == ")")
        if text in ("atomic", "case", "end"):
            blocks += _block(tokens, found[-1], text, blocks)
        if text == ";" and depth <= 0 and blocks <= 0:
            found.append([])
        else:
            found[-1].append(index)
    return [each for each in found if each]


def _block(tokens: list[Token], before: list[int], text: str, blocks: int) -> int:
    """Return by how much a word opens or closes blocks of a routine's body."""
    if text == "atomic":
        head = _words(tokens, before)
        begins = bool(before) and tokens[before[-1]].text.lower() == "begin"
        return int(begins and head.startswith(_ROUTINE + _ROUTINE_REPLACED))
    return 0 if blocks <= 0 else 1 if text == "case" else -1


def outline(tokens: list[Token], indexes: list[int]) -> Outline:
    """Return the outline of the statement made of the tokens at `indexes`."""
    words = [
        tokens[i].text.lower() if tokens[i].kind == "word" else tokens[i].text
        for i in indexes
    ]
    has_with = words[0] == "with"
    recursive = has_with and words[1:2] == ["recursive"]
    main = _after_with(words, 2 if recursive else 1) if has_with else 0
    main = main if main < len(words) else 0
    keyword = _keyword(tokens, indexes, main)
    return Outline(
        first=indexes[0],
        last=indexes[-1] + 1,
        main=indexes[main],
        keyword=keyword,
        returning=keyword in _RETURNING and _has_returning(words[main:]),
        has_with=has_with,
        recursive=recursive,
        head=_words(tokens, indexes[main:]),
    )


def _keyword(tokens: list[Token], indexes: list[int], main: int) -> str:
    token = tokens[indexes[main]]
    if token.text == "(":
        return "select"  # only a query can begin with a parenthesis
    return token.text.lower() if token.kind == "word" else ""


def _words(tokens: list[Token], indexes: list[int]) -> str:
    """Return the words that the statement begins with, lower case."""
    shown = []
    for index in indexes[:12]:
        if tokens[index].kind != "word":
            break
        shown.append(tokens[index].text.lower())
    return " ".join(shown)


def _after_with(words: list[str], at: int) -> int:
    """Return the place after the `with` list whose first query is named at `at`.

    name [(columns)] as [[not] materialized] (query) [search ... set name]
    [cycle ... [set name to value default value] using name] [, ...]
    """
    while at < len(words):
        at += 1
        if words[at : at + 1] == ["("]:
            at = _after_group(words, at)
        while at < len(words) and words[at] in ("as", "not", "materialized"):
            at += 1
        at = _after_group(words, at)
        if words[at : at + 1] == ["search"]:
            at = _after_word(words, at, "set") + 1
        if words[at : at + 1] == ["cycle"]:
            at = _after_word(words, at, "using") + 1
        if words[at : at + 1] != [","]:
            return at
        at += 1
    return at


def _after_group(words: list[str], at: int) -> int:
    """Return the place after the parenthesis that closes the one at `at`."""
    depth = 0
    for index in range(at, len(words)):
        depth += (words[index] == "(") - (words[index] == ")")
        if depth <= 0:
            return index + 1
    return len(words)


def _after_word(words: list[str], at: int, word: str) -> int:
    return words.index(word, at) + 1 if word in words[at:] else len(words)


def _has_returning(words: list[str]) -> bool:
    depth = 0
    for index, word in enumerate(words):
        depth += (word == "(") - (word == ")")
        if word == "returning" and depth == 0 and words[index - 1] not in (".", "as"):
            return True
    return False
