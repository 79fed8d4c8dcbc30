"""How a value of a type is carried so that it survives exactly.

Between steps, and from the caller to the first step, a value is JSON. Some types live
in JSON as they are, on every runtime; all others travel as the text that PostgreSQL
itself prints and reads. `numeric` and the floats are among the others (JSON numbers
pass through double precision, NaN becomes null), and so is JSON itself (its numbers,
and a JSON null inside of it). The rejected way was to carry whatever our own runtime
can, which makes the SQL of the two targets differ.

Dates and timestamps live in JSON, and in it they are the same in every session; but the
extension fails at a column of theirs that is infinite, before Christ or far away. So a
statement gives them as the text that JSON has for them.
"""

from __future__ import annotations

import re

_NATIVE = re.compile(
    r"boolean|smallint|integer|bigint|text|character varying(\(\d+\))?|uuid|date"
    r"|timestamp(\(\d\))? with(out)? time zone"
)
_TIME = re.compile(r"date|timestamp.*")


def native(type_name: str) -> bool:
    """Say whether a value of a type, in its canonical name, lives in JSON as it is."""
    return bool(_NATIVE.fullmatch(type_name))


def decoded(type_name: str) -> bool:
    """Say whether every runtime takes each value of a type from a statement's row."""
    return native(type_name) and not _TIME.fullmatch(type_name)
