"""4xx: durability and effects."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
