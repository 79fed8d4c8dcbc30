"""The runtimes that plans can be compiled for, and what each can do.

The words for capabilities, in the order of the table that the docs show:

`nary`          sequences, joins and races of any number
`input`         inputs passed beside the graph, read as `$input.name`
`repeat`        loops with conditions on both sides and a pace, `continue`
`return`        ending the run from any depth
`retry`         trying a step again
`computed_time` sleeps by an interval that is computed, or below a second
`inbox`         a signal sent before its wait is kept
`computed_url`  a URL that is a reference as a whole
`every_method`  requests of any method
"""

from __future__ import annotations

import re

from perdure.plan.target import Target

PERDURE = Target(
    "perdure",
    (),
    frozenset(
        {
            *("nary", "input", "repeat", "return", "retry"),
            *("computed_time", "inbox", "computed_url", "every_method"),
        }
    ),
    max_depth=256,
    max_nodes=1_000_000,
    max_arguments=50,
)

_EXTENSION = "pg_durable"
_OLDEST = (0, 2, 5)
_DEEP = (0, 2, 6)
"""Before it, a graph deeper than 127 levels silently became the text of a statement.

It takes 256 levels since; 200 leave room for the passes, which recurse.
"""
_SPELLED = re.compile(r"([a-z_]+)\s*(?:>=\s*(\d+(?:\.\d+){0,3}))?")


def parse_target(text: str) -> Target | str:
    """Return the target of a configuration, or what is wrong with it."""
    found = _SPELLED.fullmatch(text.strip())
    if not found or found[1] not in (PERDURE.name, _EXTENSION):
        return f'unknown target "{text}", known are "perdure" and "pg_durable>=0.2.5"'
    if found[1] == PERDURE.name:
        if found[2]:
            return f'target "perdure" takes no version, found "{text}"'
        return PERDURE
    if not found[2]:
        return 'target "pg_durable" needs the oldest version to serve, as in ' + (
            '"pg_durable>=0.2.5"'
        )
    version = tuple(int(part) for part in found[2].split("."))
    if version < _OLDEST:
        return f'"{text}" is too old, the oldest version that is served is 0.2.5'
    depth = 200 if version >= _DEEP else 120
    return Target(_EXTENSION, version, frozenset(), max_depth=depth, max_nodes=10_000)
