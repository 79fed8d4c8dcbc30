"""Statements that cannot be a step, whatever PostgreSQL thinks of them.

Those that PostgreSQL refuses inside of a transaction, such as VACUUM, are not among
them: the runtimes execute them outside of one.
"""

from __future__ import annotations

import re

_REFUSED = tuple(
    (re.compile(pattern), reason, help)
    for pattern, reason, help in (
        (
            r"begin|commit|end|abort|rollback|savepoint|release|start transaction"
            r"|prepare transaction|set (?:local |session )?(?:transaction|constraints)"
            r"|set session characteristics",
            "a step is a transaction of its own, committed with its checkpoint",
            "put statements that must commit together into `transaction`",
        ),
        (
            r"listen|unlisten",
            "it belongs to a connection, and a step has none of its own",
            "wait for a signal instead",
        ),
        (
            r"set|reset|discard|prepare|execute|deallocate|declare|fetch|move|close|load",
            "it changes the session, which steps of other runs use too",
            None,
        ),
    )
)


def refusal(head: str) -> tuple[str, str, str | None] | None:
    """Return the words that are refused, why, and what to do instead."""
    for pattern, reason, help_ in _REFUSED:
        match = re.match(rf"(?:{pattern.pattern})\b", head)
        if match:
            return match.group(), reason, help_
    return None
