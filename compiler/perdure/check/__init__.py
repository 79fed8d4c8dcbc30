"""Rules over IR: what is well-formed and still probably a mistake.

`RULES` is the table of contents, in the order of the codes; a rule is a function of
the workflow that yields findings, one small module per theme.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from perdure.check.addresses import Refuses, refused_address, unusable_url
from perdure.check.blocks import (
    never_once,
    not_in_transaction,
    repeated_request,
    swallowed_error,
    unread_collect,
)
from perdure.check.cleanup import exit_from_cleanup, undo_never_runs, undo_reads_rebound
from perdure.check.decided import decided_condition
from perdure.check.loops import endless_loop, fixed_condition, spinning_loop
from perdure.check.nullable import nullable_condition
from perdure.check.signals import endless_wait, unchecked_timeout
from perdure.check.statements import captured_star, missing_where
from perdure.check.unreachable import unreachable
from perdure.check.unused import unused_input
from perdure.diagnostics import Diagnostic
from perdure.ir.tree import Workflow

__all__ = ["RULES", "check"]

Rule = Callable[[Workflow], Iterator[Diagnostic]]

RULES: tuple[Rule, ...] = (
    unused_input,  # WF240
    nullable_condition,  # WF301
    unreachable,  # WF401
    endless_loop,  # WF402
    spinning_loop,  # WF403
    fixed_condition,  # WF404
    decided_condition,  # WF405
    missing_where,  # WF411
    captured_star,  # WF412
    endless_wait,  # WF421
    unchecked_timeout,  # WF422
    unusable_url,  # WF431
    exit_from_cleanup,  # WF440
    not_in_transaction,  # WF441
    swallowed_error,  # WF442
    repeated_request,  # WF443
    undo_reads_rebound,  # WF444
    unread_collect,  # WF445
    undo_never_runs,  # WF446
    never_once,  # WF447
)


def check(workflow: Workflow, refuses: Refuses | None = None) -> list[Diagnostic]:
    """Return the findings of all rules.

    `refuses` is what the worker judges hosts by; None where no worker of Perdure's
    sends requests.
    """
    found = [finding for rule in RULES for finding in rule(workflow)]
    if refuses is not None:
        found += refused_address(workflow, refuses)  # WF432
    return found
