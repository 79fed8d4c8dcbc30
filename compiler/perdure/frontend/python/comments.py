"""Find `# perdure: ignore[WF412] reason` in the comments of a Python file."""

from __future__ import annotations

import io
import tokenize
from collections.abc import Iterator

from perdure.diagnostics import Diagnostic
from perdure.frontend.python.places import Places
from perdure.frontend.yaml.comments import COMMENT, MEANT, read_ignore
from perdure.syntax.tree import Ignore


def read_ignores(places: Places) -> tuple[tuple[Ignore, ...], list[Diagnostic]]:
    """Read the ignores of a file that Python could parse."""
    ignores: list[Ignore] = []
    found: list[Diagnostic] = []
    if "perdure" not in places.text:
        return (), []
    for start in comments_in(places):
        match = COMMENT.match(places.text, start)
        if match is None or not MEANT.match(match.group()):
            continue
        read = read_ignore(places.source, match)
        if isinstance(read, Ignore):
            ignores.append(read)
        else:
            found.append(read)
    return tuple(ignores), found


def comments_in(places: Places) -> Iterator[int]:
    """Yield where comments begin."""
    tokens = tokenize.generate_tokens(io.StringIO(places.text, newline="").readline)
    try:
        for token in tokens:
            if token.type == tokenize.COMMENT:
                line, column = token.start
                yield places.line_start(line) + column
    except (tokenize.TokenError, SyntaxError):
        return
