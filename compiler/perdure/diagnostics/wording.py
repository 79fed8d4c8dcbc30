"""How to say in the language of a file what to write there.

Most findings read the same for YAML and for Python: they name columns, types and
PostgreSQL's own syntax. Where one shows what to write, it shows both, here, and the
place of the mistake decides. The rejected way, a table of Python's words that is laid
over the findings of YAML, breaks whenever one of them is reworded.
"""

from __future__ import annotations

from perdure.source import Span


def worded(place: Span | None, yaml: str, python: str) -> str:
    """Return what to say about a place, in YAML's words or in Python's."""
    return python if is_python(place) else yaml


def is_python(place: Span | None) -> bool:
    """Say whether a place is in a Python file."""
    return place is not None and place.path.endswith(".py")


def cast_to(place: Span | None, type_: str) -> str:
    """Return how a value is cast, with `...` in its place."""
    return worded(place, f"(...)::{type_}", f"cast(..., '{type_}')")


def word(place: Span | None, kind: str) -> str:
    """Return the word that begins a step of a kind, which YAML calls so."""
    return worded(place, kind, _WORDS.get(kind, kind))


_WORDS = {
    "fail": "raise",
    "foreach": "for",
    "loop": "while",
    "switch": "match",
    "do": "group",
    "let": "assignment",
}
