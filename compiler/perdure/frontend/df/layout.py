"""Move a statement to the left, as far as white space has no meaning there."""

from __future__ import annotations

from perdure.frontend.sqltext import lex


def dedented(text: str) -> str:
    """Return a statement without the indentation that all its further lines share.

    A string of several lines keeps what it holds.
    """
    text = text.strip().removesuffix(";").rstrip()
    lines = text.split("\n")
    fixed = _fixed(text)
    free = [
        line for at, line in enumerate(lines) if at and at not in fixed and line.strip()
    ]
    if not free:
        return text
    depth = min(len(line) - len(line.lstrip()) for line in free)
    moved = [
        line if at == 0 or at in fixed else line[depth:]
        for at, line in enumerate(lines)
    ]
    hung = _hung(moved, fixed)
    return "\n".join(
        line if at + 1 in fixed else line.rstrip() for at, line in enumerate(hung)
    )


def _hung(lines: list[str], fixed: set[int]) -> list[str]:
    """Set further lines off from the first, unless they begin a clause."""
    return [
        f"  {line}" if at and at not in fixed and line.strip() else line
        for at, line in enumerate(lines)
    ]


def _fixed(text: str) -> set[int]:
    """Return the lines that begin inside of a string or a comment."""
    fixed: set[int] = set()
    line = 0
    for token in lex(text):
        breaks = token.text.count("\n")
        if token.kind != "space":
            fixed |= set(range(line + 1, line + breaks + 1))
        line += breaks
    return fixed
