"""6xx: targets."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
