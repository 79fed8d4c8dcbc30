"""Read fenced blocks and links out of Markdown, with their places."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `language` and `words` of its info string, `lines` inside.

    `first` is the number, from 0, of the line after the opening fence.
    """

    language: str
    words: tuple[str, ...]
    lines: tuple[str, ...]
    first: int

    @property
    def text(self) -> str:
        """The block as the text of a file."""
        return "".join(line + "\n" for line in self.lines)

    def option(self, name: str) -> str | None:
        """Return the value of `name=value` in the info string."""
        for word in self.words:
            key, found, value = word.partition("=")
            if found and key == name:
                return value
        return None


def pages() -> list[Path]:
    """Return every page that users read."""
    examples = ROOT.glob("examples/*/README.md")
    return [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/**/*.md")), *examples]


def blocks(text: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page in order."""
    lines = text.split("\n")
    number = 0
    while number < len(lines):
        opening = re.fullmatch(r"```(\w*) ?(.*)", lines[number])
        number += 1
        if not opening:
            continue
        first = number
        while number < len(lines) and lines[number] != "```":
            number += 1
        words = tuple(opening[2].split())
        yield Block(opening[1], words, tuple(lines[first:number]), first)
        number += 1


def prose(text: str) -> str:
    """Return a page without its fenced blocks and code spans."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`", "", text)


def links(text: str) -> Iterator[str]:
    """Yield the targets of the links that stand outside of code."""
    yield from re.findall(r"\]\(([^)\s]+)\)", prose(text))


def anchors(text: str) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
