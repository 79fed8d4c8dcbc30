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
`catch`         handling a failure: `try`, and `undo`, which is made of it
`limit`         a time limit for a node
`foreach`       a body for each row of a query
`transaction`   statements of several nodes in one transaction
`sleep_until`   sleeping until a time
`call`          waiting for the end of another run
`options`       timeouts, keys, limits, schedules, roles and search paths of runs
`secrets`       values that only the worker knows
`ledger`        steps that may be repeated keep what they have done
`zones`         schedules in a time zone, and with both fields of days

What else versions of pg_durable differ in stands in `capabilities`.
"""

from __future__ import annotations

import re

from perdure.plan.target import Target
from perdure.targets.capabilities import OLDEST, spelled, version_of

PERDURE = Target(
    "perdure",
    (),
    frozenset(
        {
            *("nary", "input", "repeat", "return", "retry"),
            *("computed_time", "inbox", "computed_url", "every_method"),
            *("call", "options", "secrets"),
            *("catch", "limit", "foreach", "transaction", "sleep_until", "zones"),
            *("late_schedule", "multipart", "inner_loops"),
        }
    ),
    max_depth=256,
    max_nodes=1_000_000,
    max_arguments=50,
)

_EXTENSION = "pg_durable"
_SPELLED = re.compile(
    r"([a-z_]+)\s*(?:>=\s*(\d+(?:\.\d+){0,3})(\s*,\s*effects\s+once)?)?"
)
_EXAMPLE = "pg_durable>=0.2.5"


def parse_target(text: str) -> Target | str:
    """Return the target of a configuration, or what is wrong with it."""
    found = _SPELLED.fullmatch(text.strip())
    if not found or found[1] not in (PERDURE.name, _EXTENSION):
        return f'unknown target "{text}", known are "perdure" and "{_EXAMPLE}"'
    if found[1] == PERDURE.name:
        if found[2]:
            return f'target "perdure" takes no version, found "{text}"'
        return PERDURE
    if not found[2]:
        return 'target "pg_durable" needs the oldest version to serve, as in ' + (
            f'"{_EXAMPLE}"'
        )
    number = tuple(int(part) for part in found[2].split("."))
    if number < OLDEST:
        oldest = spelled(OLDEST)
        return f'"{text}" is too old, the oldest version that is served is {oldest}'
    return extension(number, once=found[3] is not None)


def extension(number: tuple[int, ...], *, once: bool = False) -> Target:
    """Return the target of pg_durable of a version that is served, and later.

    With `once`, what a step has done is kept, so that no step has an effect twice.
    """
    version = version_of(number)
    return Target(
        _EXTENSION,
        number,
        version.adds | ({"ledger"} if once else frozenset()),
        max_depth=version.depth,
        max_nodes=10_000,
        max_rounds=version.rounds,
    )
