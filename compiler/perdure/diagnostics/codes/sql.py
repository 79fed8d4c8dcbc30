"""5xx: SQL."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
