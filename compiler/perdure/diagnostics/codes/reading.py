"""1xx: reading workflow files."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
