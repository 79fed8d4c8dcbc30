"""Whether two statements that the compiler wrote differ only in what they keep.

A statement keeps of its result what later steps read, so that a step that reads another
column makes another statement of one that comes before it (see `perdure.lower.capture`,
whose forms are read here). What such a statement does is the same, and so it is no
reason to leave a run on its version; what it has kept may be too little for the other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_LITERAL = r"""
      \b[eE]'(?:[^'\\]|''|\\.)*'
    | '(?:[^']|'')*'
    | "(?:[^"]|"")*"
    | (?<![\w$])\$(?P<tag>[A-Za-z_]\w*)?\$.*?\$(?(tag)(?P=tag))\$
"""
TOKEN = re.compile(rf" --[^\n]* | {_LITERAL} | [(),] ", re.DOTALL | re.VERBOSE)
_BLANKS = re.compile(
    rf" (?: \s | --[^\n]* )+ | (?P<kept> {_LITERAL} ) ", re.DOTALL | re.VERBOSE
)
_WRAPPED = re.compile(
    r"""
    (?P<head> with[ ] | .*,\ )
    (?P<cte> step(?:_\d+)? )[ ]as[ ]\([ ]
    (?P<user> .*? )
    (?: [ ]returning[ ]1[ ]as[ ]ok )? [ ]\)[ ]
    select[ ](?P<columns> .* )[ ]from[ ]
    (?P<tail>
      (?P=cte)(?:[ ]having[ ]perdure\.expect\(.*\))?
    | \(select[ ]count\(\*\)[ ]as[ ]n[ ]from[ ](?P=cte)\)[ ]as[ ]c[ ](?:left[ ])?join[ ]
      (?P=cte)[ ]as[ ]s[ ]on[ ]true[ ]where[ ]perdure\.expect\(.*\)
    | \(select[ ].*[ ]from[ ](?P=cte)\)[ ]as[ ]s(?:[ ]having[ ]perdure\.expect\(.*\))?
    )
    """,
    re.DOTALL | re.VERBOSE,
)
_EXPECT = re.compile(r"perdure\.expect\((?:count\(\*\)|c\.n), '(\w+)'")
_NUMBERED = re.compile(r"\br\d+_")
_NUMBERED_NAME = re.compile(r"\br\d+_\w+")
_NAMES = frozenset({"n", "of", "item", "err"})
"""Keys of a node's configuration and its references that name a result."""
_DERIVED = frozenset({"catches", "again", "shown"})
"""Keys of a configuration that come from the rest of the graph, or of it."""
_LAST_NAME = re.compile(r'("(?:[^"]|"")+"|\w+)$')
ROWS = "items"
"""The column that all rows of a result are kept in, as JSON."""


Words = Callable[[str], str]
"""Gives a statement without its layout."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a node of a graph does, and the columns that it keeps; None for its own."""

    essence: tuple[object, ...]
    text: str
    kept: frozenset[str] | None

    def lacks(self, columns: frozenset[str]) -> list[str]:
        """Return those of some columns that it doesn't keep."""
        if self.kept is None:
            return sorted(columns & {ROWS})
        return sorted(columns - self.kept)


def said(
    node: Mapping[str, Any], words: Words, renamed: Mapping[str, str] | None = None
) -> Said:
    """Read a node as the runtime stores it: its statement and what it keeps of it.

    `renamed` are names of results and those that they count as.
    """
    text = _collapsed("\0".join(node["parts"] or [])).strip()
    wrapped = _WRAPPED.fullmatch(text)
    expect, kept, own = None, None, text
    if wrapped is not None:
        head = wrapped["head"].removesuffix(", ") + " "
        own = wrapped["user"] if wrapped["head"] == "with " else head + wrapped["user"]
        found = _EXPECT.search(f"{wrapped['columns']} {wrapped['tail']}")
        expect = found[1] if found else None
        nothing = wrapped["columns"].startswith("perdure.expect(")
        kept = frozenset(() if nothing else _names(wrapped["columns"]))
    if node["name"] is None:
        kept = frozenset()
    config = {k: v for k, v in (node["config"] or {}).items() if k not in _DERIVED}
    refs = node["refs"] or []
    rest = _counted([refs, config], renamed or {})
    own = _with_tables(own, refs, renamed or {})
    shown = _NUMBERED.sub("", _filled(own, refs))
    essence = (node["op"], words(own), expect, json.dumps(rest, sort_keys=True))
    return Said(essence, shown, kept)


def renames(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, str]:
    """Return the names that two nodes give to what is the same, the new to the old."""
    pairs = [(before["name"], after["name"])]
    old, new = before["config"] or {}, after["config"] or {}
    pairs += [(old.get(key), new.get(key)) for key in ("item", "err")]
    return {b: a for a, b in pairs if a is not None and b is not None}


def _counted(value: Any, renamed: Mapping[str, str]) -> Any:
    """Return data of a node with the names that count, and without nodes' numbers."""
    if isinstance(value, list):
        return [_counted(each, renamed) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _that_counts(each, renamed)
        if key in _NAMES and isinstance(each, str)
        else _counted(each, renamed)
        for key, each in value.items()
        if not (key == "b" and isinstance(each, list))
    }


def _that_counts(name: str, renamed: Mapping[str, str]) -> str:
    """Return what counts of the name of a result."""
    return _NUMBERED.sub("", renamed.get(name, name))


def _with_tables(
    text: str, refs: list[dict[str, Any]], renamed: Mapping[str, str]
) -> str:
    """Give a statement the names that count for the results that are tables in it."""
    names = {each.get("n") for each in refs}
    return _NUMBERED_NAME.sub(
        lambda found: (
            _that_counts(found[0], renamed) if found[0] in names else found[0]
        ),
        text,
    )


def read_columns(graph: str, name: str | None) -> frozenset[str]:
    """Return the columns of a result that a graph reads by its name.

    >>> sorted(read_columns("select $r1_a.x, ($r1_a.y?)::text, $r1_ab.z", "r1_a"))
    ['x', 'y']
    """
    if name is None:
        return frozenset()
    return frozenset(re.findall(rf"\$\{{?{re.escape(name)}\.(\w+)", graph))


def _filled(text: str, refs: list[dict[str, Any]]) -> str:
    """Put references back where they stood."""
    pieces = text.split("\0")
    names = [".".join(filter(None, (e.get("n"), e.get("c")))) for e in refs]
    names += [""] * len(pieces)
    return "".join(
        f"{a}{'$' + b if b else ''}" for a, b in zip(pieces, names, strict=False)
    )


def _collapsed(text: str) -> str:
    """Make one blank of all white space and comments that are in no literal."""
    return _BLANKS.sub(lambda found: found["kept"] or " ", text)


def _names(columns: str) -> Iterator[str]:
    """Yield the names of the columns of a select list that the compiler wrote."""
    depth, start = 0, 0
    for token in TOKEN.finditer(columns):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if token[0] == "," and depth == 0:
            yield _name(columns[start : token.start()])
            start = token.end()
    yield _name(columns[start:])


def _name(column: str) -> str:
    found = _LAST_NAME.search(column.strip())
    return found[1].strip('"').replace('""', '"') if found else ""
