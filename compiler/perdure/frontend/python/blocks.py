"""Blocks that are written with `with`: branches, groups, and options of a step.

    with parallel(timeout="5m"):        with transaction(retry=5):
        with branch("reserve"):             taken = sql("...")
            ...                             assert taken.rows_affected > 0
        with branch("notify"):          with step(when=order.total > 100):
            ...                             rebate = order.total / 10

A block of Python opens no scope, so names that are bound in it are read after it as
they are in YAML, and `return`, `break` and `continue` mean what they say.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from perdure.frontend.python import branches, calls, rounds, statements, texts
from perdure.frontend.python.context import Context, Round, name_of, report_missing
from perdure.frontend.yaml.language import COMMON, KINDS, Key
from perdure.frontend.yaml.rows import TIMEOUT_KEY, UNDO_KEY
from perdure.source import Span
from perdure.syntax import tree
from perdure.syntax.expr import Name
from perdure.syntax.tree import Branch, GroupStep, Head, Step, TransactionStep

_BRANCHES = ("parallel", "race")
_GROUPS = {"transaction": "transaction", "group": "do"}
_KINDS: Mapping[type[object], str] = {
    tree.SqlStep: "sql",
    tree.HttpStep: "http",
    tree.CallStep: "call",
    tree.StartStep: "start",
    tree.SendStep: "signal",
    tree.SleepStep: "sleep",
    tree.WaitForSignalStep: "wait_for_signal",
    tree.LetStep: "let",
    tree.IfStep: "if",
    tree.ParallelStep: "parallel",
    tree.RaceStep: "race",
    tree.LoopStep: "loop",
    tree.SwitchStep: "switch",
    tree.TryStep: "try",
    tree.ForeachStep: "foreach",
    tree.TransactionStep: "transaction",
    tree.GroupStep: "do",
    tree.SleepUntilStep: "sleep_until",
    tree.WaitForScheduleStep: "wait_for_schedule",
    tree.BreakStep: "break",
    tree.ContinueStep: "continue",
    tree.ReturnStep: "return",
    tree.FailStep: "fail",
    tree.AssertStep: "assert",
}
_ANY: Mapping[str, Key] = {key.name: key for key in (*COMMON, TIMEOUT_KEY, UNDO_KEY)}


def block(ctx: Context, node: ast.With) -> Step | None:
    """Read a statement `with`; `with a, b:` is one in the other."""
    node = _nested(node)
    item = node.items[0]
    kind = calls.block_kind(ctx, item.context_expr)
    if kind is None or kind not in (*_BRANCHES, *_GROUPS, "step"):
        _other_block(ctx, node, kind)
        return None
    call_ = item.context_expr
    assert isinstance(call_, ast.Call)
    for arg in call_.args:
        _argument(ctx, arg, kind)
    name = _result(ctx, item.optional_vars, kind)
    if kind in _BRANCHES:
        return _of_branches(ctx, node, call_, kind, name)
    if kind in _GROUPS:
        return _of_steps(ctx, node, call_, kind)
    return _with_options(ctx, node, call_)


def _nested(node: ast.With) -> ast.With:
    """Return `with a, b:` as one block in the other."""
    item, *others = node.items
    if not others:
        return node
    inner = ast.copy_location(ast.With(others, node.body), others[0].context_expr)
    inner.end_lineno, inner.end_col_offset = node.end_lineno, node.end_col_offset
    return ast.copy_location(ast.With([item], [inner]), node)


def _argument(ctx: Context, arg: ast.expr, kind: str) -> None:
    if kind in _BRANCHES:
        message = f'"{kind}" has its branches in the block or as arguments, not both'
        ctx.report("WF193", ctx.span(arg), message, help=f"write with {kind}():")
        return
    message = f'"{kind}" takes its options by name'
    ctx.report("WF193", ctx.span(arg), message, help=f"write with {kind}(timeout=...):")


def _other_block(ctx: Context, node: ast.With, kind: str | None) -> None:
    if kind is not None:
        branches.misplaced(ctx, node.items[0].context_expr, kind)
        return
    if report_missing(ctx, node.items[0].context_expr):
        return
    what = ctx.shown(node.items[0].context_expr)
    message = f'"with {what}" is no part of a workflow: no Python process runs it'
    help_ = (
        "with is for parallel(), race(), branch(...), transaction(), group(), step()"
    )
    ctx.report("WF172", ctx.places.head(node), message, help=help_)


def _result(ctx: Context, target: ast.expr | None, kind: str) -> Name | None:
    if target is None:
        return None
    if kind != "race":
        message = f"{kind} has no result"
        ctx.report("WF176", ctx.span(target), message, help='leave out "as"')
        return None
    if isinstance(target, ast.Name):
        return name_of(ctx, target.id, ctx.span(target))
    ctx.report("WF176", ctx.span(target), "the result of race is bound to one name")
    return None


# --- branches -------------------------------------------------------------------


def _of_branches(
    ctx: Context, node: ast.With, made: ast.Call, kind: str, name: Name | None
) -> Step | None:
    known = calls.options_of(kind)
    for keyword in made.keywords:
        if branches.is_branch(ctx, keyword):
            _argument(ctx, keyword.value, kind)
            return None
    fields = calls.read_options(ctx, made.keywords, known, kind)
    found = _branches(ctx, node.body)
    place, whole = ctx.span(made.func), ctx.span(node)
    head = calls.head_of(fields, kind, name, place, whole)
    return branches.made(ctx, kind, head, tuple(found))


def _branches(
    ctx: Context, body: Sequence[ast.stmt], around: tuple[Round, ...] = ()
) -> list[Branch]:
    """Read the branches of a block; a loop over constants may stand around them."""
    found: list[Branch] = []
    for node in body:
        loop = rounds.written_out(ctx, node) if isinstance(node, ast.For) else None
        if isinstance(node, ast.For) and loop is not None:
            for each in loop:
                found += _branches(ctx, node.body, (*around, each))
            continue
        read = _branch_of_rounds(ctx, node, around)
        found += [read] if read is not None else []
    return found


def _branch_of_rounds(
    ctx: Context, node: ast.stmt, around: tuple[Round, ...]
) -> Branch | None:
    """Read a branch, which binds what its SQL reads of the rounds around it itself."""
    before = ctx.rounds
    own = [Round(each.given, apart=True) for each in around]
    for old, new in zip(around, own, strict=True):
        same = [name for name in old.given if ctx.rounds.get(name) is old]
        ctx.rounds = {**ctx.rounds, **dict.fromkeys(same, new)}
    with ctx.apart():
        read = _branch(ctx, node)
    ctx.rounds = before
    if read is None:
        return None
    steps = read.steps
    for each in reversed(own):
        steps = rounds.with_names(each, steps)
    return replace(read, steps=steps)


def _branch(ctx: Context, node: ast.stmt) -> Branch | None:
    """Read `with branch("name"):`."""
    if isinstance(node, ast.FunctionDef):
        branches.define(ctx, node)
        return None
    if isinstance(node, ast.Pass):
        return None
    node = _nested(node) if isinstance(node, ast.With) else node
    item = node.items[0] if isinstance(node, ast.With) else None
    kind = calls.block_kind(ctx, item.context_expr) if item else None
    if not isinstance(node, ast.With) or kind != "branch" or item is None:
        message = "every step of this block belongs to a branch"
        help_ = 'write with branch("name"): around it'
        ctx.report("WF194", ctx.places.head(node), message, help=help_)
        return None
    assert isinstance(item.context_expr, ast.Call)
    if item.optional_vars is not None:
        message = "a branch has no result"
        ctx.report("WF176", ctx.places.head(node), message, help='leave out "as"')
    args = calls.positional(ctx, item.context_expr, 'branch("name")', 1)
    text = texts.constant_text(ctx, args[0], "the name of the branch") if args else None
    name = name_of(ctx, text.value, text.span()) if text is not None else None
    steps = statements.read_body(ctx, node.body, "the branch", ctx.places.head(node))
    return Branch(name, steps) if name is not None else None


# --- groups ---------------------------------------------------------------------


def _of_steps(ctx: Context, node: ast.With, made: ast.Call, kind: str) -> Step | None:
    """Read `with transaction():` and `with group():`."""
    before = len(ctx.found)
    known = calls.options_of(_GROUPS[kind])
    fields = calls.read_options(ctx, made.keywords, known, kind)
    steps = statements.read_body(ctx, node.body, "the block", ctx.places.head(node))
    if not steps and len(ctx.found) > before:
        return None
    place, whole = ctx.span(made.func), ctx.span(node)
    head = calls.head_of(fields, kind, None, place, whole)
    maker = TransactionStep if kind == "transaction" else GroupStep
    return maker(head, steps, fields.get("retry"))


# --- options of any step --------------------------------------------------------


def _with_options(ctx: Context, node: ast.With, made: ast.Call) -> Step | None:
    """Read `with step(...):`, which holds one step and says more about it."""
    before = len(ctx.found)
    fields = calls.read_options(ctx, made.keywords, _ANY, "step")
    steps = statements.read_statements(ctx, node.body)
    if any(each.severity == "error" for each in ctx.found[before:]):
        return None
    place = ctx.span(made.func)
    if len(steps) != 1:
        message = f"step gives options to one step, found {len(steps)}"
        help_ = "for several steps as one, write with group(...):"
        ctx.report("WF194", place, message, help=help_)
        return None
    if not _fit(ctx, steps[0], fields, made):
        return None
    return replace(steps[0], head=_extended(steps[0].head, fields, ctx.span(node)))


def _extended(head: Head, fields: Mapping[str, Any], whole: Span) -> Head:
    return replace(head, **fields, whole=whole)


def _fit(ctx: Context, found: Step, fields: Mapping[str, Any], made: ast.Call) -> bool:
    """Say whether a step can have all options that a block gives it."""
    kind = _KINDS[type(found)]
    known = {key.name: key for key in (*KINDS[kind].keys[1:], *COMMON)}
    good = True
    for keyword in made.keywords:
        option = keyword.arg or ""
        if option not in fields:
            continue
        word = calls.word_of(ctx, keyword)
        key = known.get(option)
        if key is None or key.kind is not _ANY[option].kind:
            message = f'option "{option}" does not belong to "{kind}"'
            help_ = f"write {kind}(..., {option}=...)" if key is not None else None
            ctx.report("WF115", word, message, help=help_)
            good = False
        elif getattr(found.head, option) is not None:
            message = f'the step has a "{option}" of its own'
            ctx.report("WF112", word, message, help="leave one of them out")
            good = False
    return good
