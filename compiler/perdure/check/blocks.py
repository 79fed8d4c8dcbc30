"""WF441 to WF443, WF445, WF447: transactions, catches, groups, foreach, effects."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.check.walk import Steps, every_step, own_lists, references
from perdure.diagnostics import Diagnostic, error, warning
from perdure.diagnostics.wording import word, worded
from perdure.ir import tree as ir
from perdure.ir.show import kind
from perdure.syntax.sql import Token

_MOST = 90
"""PostgreSQL takes at most 100 arguments in a call, some are kept for others."""

_FITS = (ir.SqlStep, ir.LetStep, ir.AssertStep)
_WAITS = (
    ir.SleepStep,
    ir.SleepUntilStep,
    ir.WaitForScheduleStep,
    ir.WaitForSignalStep,
)
_LEAVES = (ir.ReturnStep, ir.BreakStep, ir.ContinueStep)
_SENT_ONCE = ("POST", "PATCH")


# --- transaction ----------------------------------------------------------------


def not_in_transaction(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report what cannot be part of a transaction."""
    for step in every_step(workflow.steps):
        if isinstance(step, ir.TransactionStep):
            for inner in step.steps:
                yield from _misplaced(inner)
            if len(step.steps) > _MOST:
                message = (
                    f"a transaction takes {_MOST} steps, this has {len(step.steps)}"
                )
                help_ = "put some of them into one statement"
                yield error("WF441", step.head.span, message, help=help_)


def _misplaced(step: ir.Step) -> Iterator[Diagnostic]:
    if not isinstance(step, _FITS) and step.head.when is None:
        yield error(
            "WF441",
            step.head.span,
            f"a step of kind `{word(step.head.span, kind(step))}` cannot be part of a "
            "transaction",
            _reason(step),
            help="put it before or after the transaction",
        )
        return
    for option, reason in _options(step):
        yield error(
            "WF441",
            step.head.span,
            f"a step in a transaction has no `{option}` of its own",
            reason,
            help=f"put `{option}` on the transaction"
            if option != "when"
            else "say it in the statement, with `where`",
        )
    if isinstance(step, ir.SqlStep) and _stands_alone(step):
        message = f"`{step.statement.keyword}` cannot be part of a transaction here"
        why = "PostgreSQL executes this statement outside of any transaction"
        help_ = "put it before or after the transaction"
        yield error("WF441", step.head.span, message, why, help=help_)


def _stands_alone(step: ir.SqlStep) -> bool:
    """Say whether PostgreSQL refuses a statement inside of a transaction."""
    tokens = [part for part in step.statement.parts if isinstance(part, Token)]
    words = [token.text.lower() for token in tokens if token.kind == "word"][:6]
    return (
        words[:1] == ["vacuum"]
        or words[:2] == ["alter", "system"]
        or (words[:1] in _DEFINE and words[1:2] in _WHOLE)
        or (words[:1] in (*_DEFINE, ["reindex"]) and "concurrently" in words)
    )


_DEFINE = (["create"], ["drop"])
_WHOLE = (["database"], ["tablespace"])


def _options(step: ir.Step) -> Iterator[tuple[str, str]]:
    if step.head.when is not None:
        yield "when", "nothing can be decided between two of its steps"
    if step.head.timeout is not None:
        yield "timeout", "its steps are one, for the time that they take, too"
    if step.head.undo:
        yield "undo", "its steps are undone together, by the rollback"
    if isinstance(step, ir.SqlStep) and step.retry is not None:
        yield "retry", "a failure takes back all of its steps"
    if step.head.once:
        yield "effects", "all of its steps happen together"


def _reason(step: ir.Step) -> str:
    if isinstance(step, _WAITS):
        return "it would keep the transaction open while it waits"
    if isinstance(step, ir.HttpStep):
        return "a request cannot be taken back, and would keep the transaction open"
    if isinstance(step, _LEAVES):
        return "it would leave the transaction before its end"
    return "its steps are SQL, one after the other; nothing else happens in between"


# --- effects --------------------------------------------------------------------


def never_once(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report `effects: once` on what no transaction can hold."""
    for step in every_step(workflow.steps):
        if isinstance(step, ir.SqlStep) and step.head.once and _stands_alone(step):
            keyword = step.statement.keyword
            yield error(
                "WF447",
                step.head.span,
                f"the effects of this `{keyword}` cannot be promised to happen once",
                "PostgreSQL executes this statement outside of any transaction, so "
                "nothing can be noted together with it",
                help="leave out `effects`, and write what does no harm when it runs "
                "twice",
            )


# --- catch ----------------------------------------------------------------------


def swallowed_error(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report a handler that forgets what went wrong."""
    for step in every_step(workflow.steps):
        if isinstance(step, ir.TryStep) and step.error is not None:
            handler = list(every_step(step.handler or ()))
            if any(isinstance(each, ir.FailStep) for each in handler):
                continue
            read = {ref.variable for each in handler for ref in references(each)}
            place = step.head.span
            if step.error not in read:
                yield warning(
                    "WF442",
                    step.head.span,
                    "this `try` forgets every failure, its "
                    f"`{worded(place, 'catch', 'except')}` never looks at one",
                    help="keep the message of the error somewhere, or look at its "
                    f"sqlstate and `{word(place, 'fail')}` "
                    + worded(place, "with ", "")
                    + "those that were not expected",
                )


# --- retry of a group -----------------------------------------------------------


def repeated_request(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report requests that a failure after them would send again."""
    for step in every_step(workflow.steps):
        if isinstance(step, ir.GroupStep) and step.retry is not None:
            yield from _repeated(step.steps)


def _repeated(steps: Steps) -> Iterator[Diagnostic]:
    """Report requests of a group; what has an undo was taken back before the next try.

    The undos themselves are due once for each try.
    """
    for request in _forward(steps):
        if not isinstance(request, ir.HttpStep) or request is steps[-1]:
            continue
        if request.head.undo is not None and any(each is request for each in steps):
            continue
        named = {name.lower() for name, _ in request.headers}
        if request.method in _SENT_ONCE and "idempotency-key" not in named:
            yield warning(
                "WF443",
                request.head.span,
                f"this {request.method} is sent again when a later step of its group "
                "fails",
                "each try of the group sends a new request",
                help="put `retry` on the steps themselves, or send a header "
                "Idempotency-Key that stays the same",
            )


def _forward(steps: Steps) -> Iterator[ir.Step]:
    """Yield all steps, at any depth, but those of undos."""
    for step in steps:
        yield step
        for inner in own_lists(step):
            yield from _forward(inner)


# --- foreach --------------------------------------------------------------------


def unread_collect(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report `collect` that nothing can read."""
    for step in every_step(workflow.steps):
        if isinstance(step, ir.ForeachStep) and step.collect and not step.head.name:
            yield warning(
                "WF445",
                step.head.span,
                f"nothing can read what this `{word(step.head.span, 'foreach')}` "
                "collects, it has no name",
                help=worded(
                    step.head.span,
                    "give the step a name, or remove `collect`",
                    "write name = collect(...), or remove it",
                ),
            )
