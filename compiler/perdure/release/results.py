"""Whether callers of a version can read what another one returns."""

from __future__ import annotations

from perdure.ir.results import Typed, result_of
from perdure.ir.show import type_text
from perdure.ir.tree import Workflow
from perdure.ir.types import JSONB
from perdure.lower.ends import always_ends
from perdure.release.classify import accepts


def result_text(of: Workflow) -> str:
    """Return the type of a result for people."""
    return type_text(*_result(of))


def is_unknown(of: Workflow) -> bool:
    """Say whether a result is JSON of unknown form."""
    return _result(of)[0] == JSONB


def fits(old: Workflow, new: Workflow) -> bool:
    """Say whether callers of a version can read the result of another one.

    Of JSON of unknown form it is not known what callers take out of it.
    """
    (taken, may_be_null), (given, null) = _result(old), _result(new)
    if null and not may_be_null:
        return False
    if taken == JSONB:
        return given == JSONB
    return accepts(taken, given, whole=True)


def _result(of: Workflow) -> Typed:
    return result_of(of, always_ends(of.steps))
