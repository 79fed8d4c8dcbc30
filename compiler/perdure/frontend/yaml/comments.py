"""Find `# perdure: ignore[WF412] reason` in the comments of a file.

libyaml does not report comments. They are what begins with `#` between scalars, for
outside of scalars YAML has no other use for that character; a `#` inside a scalar is
text of the user, also in a block scalar, where it only looks like a comment.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from perdure.diagnostics import Diagnostic, error
from perdure.frontend.yaml.nodes import ScalarNode
from perdure.frontend.yaml.scalars import header_end
from perdure.source import Source, Span
from perdure.syntax.expr import Name
from perdure.syntax.tree import Ignore

COMMENT = re.compile(r"#[^\r\n]*")
MEANT = re.compile(r"#\s*perdure(\s*:|\W*ignore)")
_IGNORE = re.compile(r"#\s*perdure:\s*ignore\[([^\]]*)\]\s*(.*?)\s*$")
_CODE = re.compile(r"[^\s,]+")


def read_ignores(
    source: Source, scalars: Iterable[ScalarNode]
) -> tuple[tuple[Ignore, ...], list[Diagnostic]]:
    """Read the ignores of a file whose scalars are given in order."""
    ignores: list[Ignore] = []
    found: list[Diagnostic] = []
    if "perdure" in source.text:
        for match in comments_in(source.text, scalars):
            if MEANT.match(match.group()):
                read = read_ignore(source, match)
                if isinstance(read, Ignore):
                    ignores.append(read)
                else:
                    found.append(read)
    return tuple(ignores), found


def comments_in(text: str, scalars: Iterable[ScalarNode]) -> Iterator[re.Match[str]]:
    """Yield the comments of a file whose scalars are given in order."""
    at = 0
    for scalar in scalars:
        start, end = scalar.span.start, scalar.span.end
        yield from COMMENT.finditer(text, at, start)
        if not scalar.plain and text[start : start + 1] in ("|", ">"):
            yield from COMMENT.finditer(text, start, header_end(text, start))
        at = end
    yield from COMMENT.finditer(text, at)


def read_ignore(source: Source, match: re.Match[str]) -> Ignore | Diagnostic:
    """Read a comment that begins with `# perdure`, as an ignore or a finding."""
    span = Span(source.path, match.start(), match.end())
    parts = _IGNORE.match(match.group())
    if not parts:
        message = "a comment to perdure that is no ignore[...]"
        return error("WF127", span, message, help=_HELP)
    start = match.start() + parts.start(1)
    codes = tuple(
        Name(each.group(), _span(source, start, each))
        for each in _CODE.finditer(parts.group(1))
    )
    for code in codes:
        if not re.fullmatch(r"WF\d{3}", code.text):
            message = f'"{code.text}" is not the code of a finding'
            return error("WF127", code.span, message, help=_HELP)
    if not codes:
        return error("WF127", span, "ignore[] names no finding", help=_HELP)
    line, _ = source.position(match.start())
    return Ignore(codes, parts.group(2), line, span)


def _span(source: Source, start: int, match: re.Match[str]) -> Span:
    return Span(source.path, start + match.start(), start + match.end())


_HELP = "write # perdure: ignore[WF412] reason"
