"""7xx: releases."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = ()
