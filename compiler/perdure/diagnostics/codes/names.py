"""2xx: names and types."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
