"""The end of a message about a name that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def meant(word: str, known: Iterable[str], listed: str) -> str:
    """Return what was probably meant, or all that is known after the word `listed`.

    Empty when nothing is known.
    """
    from difflib import get_close_matches  # slow to import, and rarely needed

    names = list(known)
    near = get_close_matches(word, names, 1)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; {listed}: {', '.join(names)}" if names else ""
