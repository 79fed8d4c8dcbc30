"""What a step is called, by the roles of its nodes in the source map."""

from __future__ import annotations

from collections.abc import Sequence

# The role of the node that does what a step is for, and what such a step is called. The
# first that a step has counts: a step with `when` has an `if` around it, for instance.
_KINDS = {
    "sql": "sql",
    "http": "http",
    "send": "signal",
    "signal": "wait_for_signal",
    "at": "sleep_until",
    "sleep": "sleep",
    "sleep_until": "sleep_until",
    "schedule": "wait_for_schedule",
    "call": "call",
    "start": "start",
    "foreach": "foreach",
    "transaction": "transaction",
    "race": "race",
    "parallel": "parallel",
    "loop": "loop",
    "subject": "switch",
    "case": "switch",
    "do": "do",
    "assert": "assert",
    "return": "return",
    "break": "break",
    "continue": "continue",
    "try": "try",
    "fail": "fail",
    "value": "let",
    "if": "if",
    "timed": "do",
    "timeout": "do",
}
# Steps whose state is that of one node, whatever became of what is inside.
HOLDERS = {
    "foreach",
    "transaction",
    "race",
    "parallel",
    "loop",
    "switch",
    "do",
    "try",
    "if",
}
EXCLUSIVE = ("if", "switch")
REPEATING = ("loop", "foreach")
# Roles of nodes around a step: its condition, and what takes it back.
AROUND = {"undo", "again", "scope", "skipped", "ran", "then", "if", "winner", "result"}


def kind_of(roles: set[str], lists: Sequence[str]) -> tuple[str, str]:
    """Return the role that says what a step is, and the kind of the step.

    A step that has no node of its own (a `parallel` of one branch) is known by the
    lists that it holds.
    """
    called = any(each.startswith("call.") for each in lists)
    for role, kind in _KINDS.items():
        if role == "if" and "do" in lists:  # a `do` with `when`
            kind = "do"
        if role in roles and not (called and role == "call"):
            return role, "call" if called else kind
    if called:
        return "call", "call"
    held = [each.partition(".")[0] for each in lists if each != "undo"]
    other = next(iter(held), None) or min(roles - AROUND, default="let")
    return other, other
