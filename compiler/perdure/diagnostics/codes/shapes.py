"""3xx: nullability and cardinality."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
