"""Two interfaces compared, point by point, each point with its rule."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perdure.ir.results import result_of
from perdure.ir.show import Shown, duration, shown, type_text
from perdure.ir.tree import Input, Step, Workflow
from perdure.ir.types import Field, Items, Record, Scalar, Type
from perdure.release.interface import Interface, Signal, every_step, interface
from perdure.release.rules import RULES, Effect
from perdure.source import Span

Side = Literal["before", "after"]
Place = Callable[[Span | None, Side], str | None]

_WIDER: Mapping[str, tuple[str, ...]] = {
    "smallint": ("integer", "bigint", "numeric", "real", "double precision"),
    "integer": ("bigint", "numeric", "double precision"),
    "bigint": ("numeric",),
    "real": ("double precision",),
    "character varying": ("text",),
    "json": ("jsonb",),
}
_LISTS = ("call", "host", "reads", "writes", "secret")


@dataclass(frozen=True, slots=True)
class Point:
    """One point in which a workflow differs from what it was.

    `what` is a word of the workflow file (`input`, `returns`, `signal`, ...), `before`
    and `after` what it says there, None where it says nothing. `rule` is the name of
    the rule that gives `effect` and `reason`; `place` is `file:line`, where known.
    """

    what: str
    name: str | None
    before: str | None
    after: str | None
    rule: str
    effect: Effect
    reason: str
    place: str | None


def points(old: Workflow, new: Workflow, place: Place) -> list[Point]:
    """Return the points in which the interface differs, in a fixed order."""
    return list(_Comparison(interface(old), interface(new), place).all())


def described(old: Workflow, new: Workflow, place: Place) -> list[Point]:
    """Return what differs for readers only: descriptions, and the file."""
    compare = _Comparison(Interface(old), Interface(new), place)
    return list(compare.metadata())


class _Comparison:
    """Yields the points in which two interfaces differ."""

    def __init__(self, old: Interface, new: Interface, place: Place) -> None:
        self.old, self.new, self.place = old, new, place

    def all(self) -> Iterator[Point]:
        yield from self.inputs()
        yield from self.returns()
        for name in _names(self.old.signals, self.new.signals):
            yield from self.signal(name)
        yield from self.sent()
        yield from self.options()
        for what in _LISTS:
            yield from self.listed(what)

    def point(
        self,
        rule: str,
        what: str,
        name: str | None,
        texts: tuple[str | None, str | None],
        span: Span | None,
    ) -> Point:
        own = RULES[rule]
        side: Side = "before" if texts[1] is None else "after"
        where = self.place(span, side)
        return Point(what, name, *texts, rule, own.effect, own.reason, where)

    # --- inputs ---------------------------------------------------------------------

    def inputs(self) -> Iterator[Point]:
        old = {each.name: each for each in self.old.workflow.inputs}
        new = {each.name: each for each in self.new.workflow.inputs}
        for name, each in old.items():
            if name not in new:
                texts = (_declared(self.old, each), None)
                yield self.point("input-removed", "input", name, texts, each.span)
        for name, each in new.items():
            before = old.get(name)
            after = _declared(self.new, each)
            if before is None:
                rule = "input-added-" + ("optional" if optional(each) else "required")
                yield self.point(rule, "input", name, (None, after), each.span)
            elif (text := _declared(self.old, before)) != after:
                rule = input_rule(before, each)
                yield self.point(rule, "input", name, (text, after), each.span)
        yield from self.order()

    def order(self) -> Iterator[Point]:
        """Compare the places of values in calls that don't name the inputs."""
        old, new = _positions(self.old.workflow), _positions(self.new.workflow)
        required = {e.name for e in self.new.workflow.inputs if not optional(e)}
        if set(old) - set(new) or required - set(old):
            return  # callers must change their calls anyhow
        if new[: len(old)] != old:
            texts = (", ".join(old), ", ".join(new))
            span = self.new.workflow.inputs[0].span
            yield self.point("inputs-reordered", "inputs", None, texts, span)

    # --- result ---------------------------------------------------------------------

    def returns(self) -> Iterator[Point]:
        old, new = self.old.workflow, self.new.workflow
        before, after = result_of(old, True), result_of(new, True)
        texts: tuple[str | None, str | None]
        if before == after and (old.returns is None) == (new.returns is None):
            return
        rule = _result_rule(old, new)
        texts = (type_text(*before), type_text(*after))
        if rule == "returns-added":
            texts = (None, texts[1])
        elif rule == "returns-removed":
            texts = (texts[0], None)
        yield self.point(rule, "returns", None, texts, None)

    # --- signals --------------------------------------------------------------------

    def signal(self, name: str) -> Iterator[Point]:
        old, new = self.old.signals.get(name, []), self.new.signals.get(name, [])
        before, after = _waits(old), _waits(new)
        span = (new or old)[0].span
        if before == after:
            return
        if not old:
            certain = all(each.timeout is not None for each in new)
            rule = "signal-added-timeout" if certain else "signal-added"
        elif not new:
            rule = "signal-removed"
        elif _payload(old) == _payload(new):
            rule = "signal-timeout-changed"
        else:
            relaxed = accepts(_payload(new), _payload(old))
            rule = "payload-relaxed" if relaxed else "payload-restricted"
        yield self.point(rule, "signal", name, (before, after), span)

    def sent(self) -> Iterator[Point]:
        old, new = self.old.sent, self.new.sent
        for name in _names(old, new):
            if name not in new:
                texts = ("sent", None)
                yield self.point("sent-removed", "sends", name, texts, old[name])
            elif name not in old:
                texts_ = (None, "sent")
                yield self.point("sent-added", "sends", name, texts_, new[name])

    # --- the rest -------------------------------------------------------------------

    def options(self) -> Iterator[Point]:
        old, new = self.old.options, self.new.options
        for name in _names(old, new):
            texts = (old.get(name), new.get(name))
            if texts[0] != texts[1]:
                own = name if name in ("schedule", "role") else "option"
                yield self.point(f"{own}-changed", name, None, texts, None)

    def listed(self, what: str) -> Iterator[Point]:
        attribute = what if what in ("reads", "writes") else f"{what}s"
        old: Mapping[str, Span | None] = getattr(self.old, attribute)
        new: Mapping[str, Span | None] = getattr(self.new, attribute)
        for name in _names(old, new):
            if name not in new:
                texts = (name, None)
                yield self.point(f"{what}-removed", what, name, texts, old[name])
            elif name not in old:
                texts_ = (None, name)
                yield self.point(f"{what}-added", what, name, texts_, new[name])

    def metadata(self) -> Iterator[Point]:
        old, new = self.old.workflow, self.new.workflow
        rule = "description-changed"
        if old.description != new.description:
            texts = (old.description, new.description)
            yield self.point(rule, "description", None, texts, None)
        before = {each.head.path: each for each in every_step(old.steps)}
        for step in every_step(new.steps):
            was = before.get(step.head.path)
            if was is None or type(was) is not type(step):
                continue
            texts = (was.head.description, step.head.description)
            if texts[0] != texts[1]:
                name = _step_name(step)
                yield self.point(rule, "description", name, texts, step.head.span)
        if old.path != new.path:
            yield self.point("file-moved", "file", None, (old.path, new.path), None)


def input_rule(old: Input, new: Input) -> str:
    """Return the rule for an input that is declared otherwise."""
    if old.type != new.type and not wider(old.type, new.type):
        return "input-type-changed"
    if (optional(old) and not optional(new)) or (old.nullable and not new.nullable):
        return "input-made-required"
    if old.type != new.type:
        return "input-widened"
    if (optional(new) and not optional(old)) or (new.nullable and not old.nullable):
        return "input-made-optional"
    return "input-default-changed"


def optional(each: Input) -> bool:
    """Say whether calls may leave an input out."""
    return each.default is not None or each.nullable


def wider(old: Type, new: Type) -> bool:
    """Say whether PostgreSQL takes every value of the old type for the new one."""
    if not (isinstance(old, Scalar) and isinstance(new, Scalar)):
        return False
    before, _, limit = old.name.partition("(")
    after, _, other = new.name.partition("(")
    if before == after:  # numeric(10,2) -> numeric, varchar(5) -> varchar
        return bool(limit) and not other
    return after in _WIDER.get(before, ()) and not other


def accepts(taken: Type | None, given: Type | None, *, whole: bool = False) -> bool:
    """Say whether every JSON value of the type given is one of the type taken.

    None takes anything. With `whole`, members that may be null must be there, too.
    """
    if taken is None or taken == given:
        return True
    match taken, given:
        case Scalar("jsonb"), _:
            return True
        case Record(fields), Record(others):
            known = {each.name: each for each in others}
            return all(_takes(each, known.get(each.name), whole) for each in fields)
        case Items(item, nullable), Items(other, may_be_null):
            return (nullable or not may_be_null) and accepts(item, other, whole=whole)
        case Scalar(), Scalar():
            return wider(given, taken)
    return False


def _takes(taken: Field, given: Field | None, whole: bool) -> bool:
    if given is None:
        return taken.nullable and not whole
    if given.nullable and not taken.nullable:
        return False
    return accepts(taken.type, given.type, whole=whole)


def _result_rule(old: Workflow, new: Workflow) -> str:
    if old.returns is not None and new.returns is None:
        return "returns-removed"
    (before, before_null), (after, after_null) = (
        result_of(old, True),
        result_of(new, True),
    )
    if old.returns is None and new.returns is not None:
        kept = accepts(before, after, whole=True)
        return "returns-added" if kept else "returns-changed"
    if not accepts(before, after, whole=True):
        return "returns-changed"
    if after_null and not before_null:
        return "returns-may-be-null"
    if before == after:
        return "returns-never-null"
    return "returns-extended"


def _declared(of: Interface, each: Input) -> str:
    show: Shown = shown(of.workflow)
    default = f" = {show.expression(each.default)}" if each.default else ""
    return f"{type_text(each.type, each.nullable)}{default}"


def _positions(workflow: Workflow) -> list[str]:
    """Return the inputs in the order in which the function takes them."""
    ordered = sorted(workflow.inputs, key=optional)
    return [each.name for each in ordered]


def _payload(waits: Sequence[Signal]) -> Type | None:
    """Return what all waits for a signal take: None takes anything."""
    found = {each.payload for each in waits}
    return found.pop() if len(found) == 1 else None


def _waits(waits: Sequence[Signal]) -> str | None:
    """Return what waits for a signal say: the payload, and how long they wait."""
    if not waits:
        return None
    texts = []
    for each in waits:
        payload = "any payload" if each.payload is None else type_text(each.payload)
        limit = f", timeout: {duration(each.timeout)}" if each.timeout else ""
        texts.append(payload + limit)
    return "; ".join(dict.fromkeys(texts))


def _step_name(step: Step) -> str:
    return step.head.name or step.head.path


def _names(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return sorted({*old, *new})
