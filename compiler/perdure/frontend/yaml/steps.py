"""Readers of steps and of what holds steps."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import cast

from perdure.frontend.yaml.blocks import BUILDERS
from perdure.frontend.yaml.calls import CALL_BUILDERS
from perdure.frontend.yaml.context import (
    Context,
    Fields,
    entries,
    items,
    name_of,
    unknown_key,
    wrong_kind,
)
from perdure.frontend.yaml.language import (
    ARM,
    COMMON,
    KINDS,
    RETRY,
    Key,
    Kind,
    StepKind,
)
from perdure.frontend.yaml.nodes import MappingNode, Node, ScalarNode
from perdure.frontend.yaml.records import (
    bound_names,
    owners_of,
    read_record,
)
from perdure.frontend.yaml.values import read_count
from perdure.syntax.tree import (
    Arm,
    AssertStep,
    Branch,
    BreakStep,
    ContinueStep,
    Expect,
    FailStep,
    Head,
    HttpStep,
    IfStep,
    LetStep,
    LoopStep,
    ParallelStep,
    RaceStep,
    Retry,
    ReturnStep,
    SleepStep,
    SqlStep,
    Step,
    Template,
    WaitForSignalStep,
)

_NOTHING = 'for nothing to do, write "- let: {nothing: true}"'
_NO_BRANCH = "leave the branch out"
_LIST = 'begin each step with "- "'


DEFAULT_ATTEMPTS = 3
_STEPS_OF_BRANCH = Key("steps", Kind.STEPS, "The steps of a branch.", required=True)
_PARTS = ("POST", "PUT", "PATCH")
_BODIES = ("form", "multipart", "json", "body")
_OWN_TIMEOUT = ("http", "wait_for_signal")
"""Kinds whose `timeout` is not the failure of a step that takes too long."""

# --- lists of steps -------------------------------------------------------------


def read_steps(ctx: Context, node: Node, key: Key) -> tuple[Step, ...] | None:
    """Read a list of steps; those that can't be read are left out."""
    empty = _NO_BRANCH if key is _STEPS_OF_BRANCH else _NOTHING
    found = items(ctx, node, key, _LIST, empty)
    steps = [read_step(ctx, item) for item in found]
    return tuple(step for step in steps if step) if found else None


def read_branches(ctx: Context, node: Node, key: Key) -> tuple[Branch, ...] | None:
    """Read the branches of `parallel` and `race`."""
    branches = []
    for name, child in entries(ctx, node, key, "give each branch a name"):
        bound = name_of(ctx, name)
        steps = read_steps(ctx, child, _STEPS_OF_BRANCH)
        if bound and steps is not None:
            branches.append(Branch(bound, steps))
        else:
            ctx.unread.update(bound_names(child))
    return tuple(branches) or None


def read_arms(ctx: Context, node: Node, key: Key) -> tuple[Arm, ...]:
    """Read the further conditions of an `if`."""
    arms = []
    help_ = "write elif: as a list: - if: ... then: ..."
    for item in items(ctx, node, key, help_):
        if not isinstance(item, MappingNode):
            wrong_kind(ctx, item, "a mapping with if and then")
            continue
        record = read_record(ctx, item, ARM, 'an item of "elif"')
        if record:
            arms.append(Arm(record.values["if"], record.values["then"]))
        else:
            ctx.unread.update(bound_names(item))
    return tuple(arms)


def read_retry(ctx: Context, node: Node, key: Key) -> Retry | None:
    """Read `retry`: a number of attempts, or a mapping."""
    if isinstance(node, MappingNode):
        record = read_record(ctx, node, RETRY, '"retry"')
        return _retry(record.values if record else {}, node)
    if isinstance(node, ScalarNode) and re.fullmatch("[a-z_]\\w*", node.value, re.A):
        return _shared_retry(ctx, node)
    if isinstance(node, ScalarNode) and not node.nothing:
        count = read_count(ctx, node, key)
        return _retry({"max_attempts": count}, node) if count else None
    wrong_kind(ctx, node, key.kind.value)
    return None


def _shared_retry(ctx: Context, node: ScalarNode) -> Retry | None:
    """Return a policy of the shared definitions, by its name."""
    known = ctx.shared.retries if ctx.shared else {}
    if node.value not in known:
        meant = ctx.nearest(node.value, known)
        message = f'there is no shared retry policy "{node.value}"'
        help_ = "define it under retries: in the file of shared definitions"
        if meant:
            help_ = f'did you mean "{meant}"?'
        ctx.report("WF137", node.span, message, help=help_)
    return known.get(node.value)


def _retry(fields: Fields, node: Node) -> Retry:
    return Retry(
        max_attempts=fields.get("max_attempts", DEFAULT_ATTEMPTS),
        backoff=fields.get("backoff"),
        factor=fields.get("factor"),
        max_backoff=fields.get("max_backoff"),
        jitter=fields.get("jitter"),
        on=fields.get("on"),
        span=node.span,
    )


# --- one step -------------------------------------------------------------------


def read_step(ctx: Context, node: Node) -> Step | None:
    """Read one step; note the names it would bind if it can't be read.

    A step with any mistake is not read, lest its missing parts lead to further
    findings, unless it holds steps, whose mistakes would then stay hidden.
    """
    if isinstance(node, ScalarNode) and not node.nothing:
        step = _bare_step(ctx, node)
    elif isinstance(node, MappingNode):
        step = _step(ctx, node)
    else:
        wrong_kind(ctx, node, "a step", "write a step as a mapping, such as sql: ...")
        step = None
    if step is None:
        ctx.unread.update(bound_names(node))
    return step


def _bare_step(ctx: Context, node: ScalarNode) -> Step | None:
    kind = KINDS.get(node.value)
    if kind and kind.bare:
        head = Head(None, None, node.span, node.span)
        return _BUILDERS[kind.name](ctx, head, {})
    if kind:
        message = f'"{node.value}" needs a value'
        ctx.report("WF118", node.span, message, help=f'write "{node.value}: ..."')
        return None
    bare = [each.name for each in KINDS.values() if each.bare]
    message = "expected a step, found text"
    meant = ctx.nearest(node.value, bare)
    help_ = f"steps of one word are {', '.join(bare)}"
    if meant:
        help_ = f'did you mean "{meant}"?'
    ctx.report("WF110", node.span, message, help=help_)
    return None


def _step(ctx: Context, node: MappingNode) -> Step | None:
    named = _kinds_of(node)
    if not named:
        _no_kind(ctx, node)
        return None
    if len(named) > 1:
        _several_kinds(ctx, named)
        return None
    return _step_of(ctx, node, named[0], KINDS[named[0].value])


def _step_of(
    ctx: Context, node: MappingNode, name: ScalarNode, kind: StepKind
) -> Step | None:
    keys = (*kind.keys, *COMMON)
    where = f'a step of kind "{kind.name}"'
    record = read_record(ctx, node, keys, where, in_step=True)
    if record is None or not (record.sound or kind.holds_steps):
        return None
    fields = record.values
    if "name" not in fields:
        ctx.unread.update(_own_name(node))
    head = Head(
        fields.get("name"),
        fields.get("description"),
        name.span,
        node.span,
        when=fields.get("when"),
        timeout=None if kind.name in _OWN_TIMEOUT else fields.get("timeout"),
        undo=fields.get("undo"),
        effects=fields.get("effects"),
    )
    return _BUILDERS[kind.name](ctx, head, fields)


def _kinds_of(node: MappingNode) -> list[ScalarNode]:
    """Return the keys that name a kind, not those that belong to another one there."""
    named = [key for key, _ in node.entries if key.value in KINDS]
    parts = {
        part.name
        for key in named
        if key.value in KINDS
        for part in KINDS[key.value].keys[1:]
    }
    return [key for key in named if key.value not in parts]


def _own_name(node: MappingNode) -> list[str]:
    """Return the name of a step, also one that is no proper name."""
    return [
        child.value
        for key, child in node.entries
        if key.value == "name" and isinstance(child, ScalarNode)
    ]


def _several_kinds(ctx: Context, named: list[ScalarNode]) -> None:
    first, second = named[0], named[1]
    listed = " and ".join(f'"{key.value}"' for key in named)
    message = f"a step does one thing, found {listed}"
    line, _ = ctx.source.position(first.span.start)
    note = f'"{first.value}" is on line {line}'
    help_ = f'make "{second.value}" a step of its own, with "- " before it'
    if {"loop", "do"} == {key.value for key in named}:
        help_ = 'the steps of a loop stand directly below "loop:", without "do"'
    ctx.report("WF116", second.span, message, note, help=help_)


_WAITS = (
    "wait_for_signal waits for a message, sleep for some time, sleep_until for a point "
    "in time, wait_for_schedule for the next time of a schedule"
)


def _no_kind(ctx: Context, node: MappingNode) -> None:
    """Report the key that was meant to name the kind, or that there is none."""
    known = [*KINDS]
    common = {key.name for key in COMMON}
    others = [key for key, _ in node.entries if key.value not in common]
    for key in others:
        if not owners_of(key.value) and ctx.nearest(key.value, known):
            unknown_key(ctx, key, "a step", known)
            return
    for key in others:
        owners = owners_of(key.value)
        if owners:
            message = f'key "{key.value}" stands in a step without "{owners[0]}"'
            ctx.report("WF115", key.span, message, help=_same_step(key.value, owners))
            return
    if others and others[0].value == "wait":
        message = 'unknown key "wait" in a step'
        ctx.report("WF111", others[0].span, message, help=_WAITS)
        return
    if others:
        unknown_key(ctx, others[0], "a step", known)
        return
    span = node.entries[0][0].span if node.entries else node.span
    help_ = "add what it does, for example sql"
    ctx.report("WF117", span, "this step does nothing", help=help_)


def _same_step(part: str, owners: list[str]) -> str:
    listed = " or ".join(f'"{owner}"' for owner in owners)
    return f'write "{part}" in the same step as {listed}, without "- "'


# --- builders, by kind ----------------------------------------------------------


def _sql(ctx: Context, head: Head, fields: Fields) -> Step:
    expect = fields.get("expect")
    return SqlStep(
        head,
        fields["sql"] if "sql" in fields else fields["sql_file"],
        cast("Expect", expect.text) if expect else None,
        expect.span if expect else None,
        fields.get("retry"),
    )


def _http(ctx: Context, head: Head, fields: Fields) -> Step:
    method, url = fields["http"]
    bodies = [key for key in _BODIES if key in fields]
    if len(bodies) > 1:
        listed = " or ".join(f'"{key}"' for key in bodies)
        span = getattr(fields[bodies[-1]], "span", method.span)
        ctx.report("WF124", span, f"a request has {listed}, not both")
    if "multipart" in fields and method.text not in _PARTS:
        message = f"a {method.text} request has no parts"
        ctx.report("WF123", method.span, message, help=f"it is {', '.join(_PARTS)}")
    return HttpStep(
        head,
        method,
        url,
        fields.get("headers", ()),
        fields.get("json"),
        fields.get("body"),
        fields.get("timeout"),
        fields.get("retry"),
        fields.get("form"),
        fields.get("multipart"),
        fields.get("returns"),
        fields.get("expect_status"),
    )


def _wait_for_signal(ctx: Context, head: Head, fields: Fields) -> Step:
    return WaitForSignalStep(
        head, fields["wait_for_signal"], fields.get("payload"), fields.get("timeout")
    )


def _if(ctx: Context, head: Head, fields: Fields) -> Step:
    arms = (Arm(fields["if"], fields["then"]), *fields.get("elif", ()))
    return IfStep(head, arms, fields.get("else"))


def _loop(ctx: Context, head: Head, fields: Fields) -> Step:
    return LoopStep(
        head,
        fields["loop"],
        fields.get("while"),
        fields.get("until"),
        fields.get("every"),
    )


def _fail(ctx: Context, head: Head, fields: Fields) -> FailStep:
    message = fields.get("fail")
    return FailStep(head, message if isinstance(message, Template) else None)


_BUILDERS: dict[str, Callable[[Context, Head, Fields], Step]] = {
    "sql": _sql,
    "sql_file": _sql,
    "http": _http,
    "sleep": lambda ctx, head, fields: SleepStep(head, fields["sleep"]),
    "wait_for_signal": _wait_for_signal,
    "let": lambda ctx, head, fields: LetStep(head, fields["let"]),
    "if": _if,
    "parallel": lambda ctx, head, fields: ParallelStep(head, fields["parallel"]),
    "race": lambda ctx, head, fields: RaceStep(head, fields["race"]),
    "loop": _loop,
    **BUILDERS,
    **CALL_BUILDERS,
    "break": lambda ctx, head, fields: BreakStep(head),
    "continue": lambda ctx, head, fields: ContinueStep(head),
    "return": lambda ctx, head, fields: ReturnStep(head, fields.get("return")),
    "fail": _fail,
    "assert": lambda ctx, head, fields: AssertStep(
        head, fields["assert"], fields.get("message")
    ),
}
