"""Two interfaces compared, point by point, each point with its rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from perdure.ir.results import is_of_schema, result_of, returns_of
from perdure.ir.show import Shown, duration, shown, type_text
from perdure.ir.tree import Head, Input, Workflow
from perdure.ir.types import Field, Items, Record, Scalar, Type
from perdure.lower.ends import always_ends
from perdure.release.interface import Calls, Interface, Signal, interface, ways
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
    "character": ("character varying", "text"),
    "text": ("character varying",),
}
_LIMITS = re.compile(r"\((\d+)(?:,(-?\d+))?\)")
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


def points(
    old: Workflow, new: Workflow, place: Place, *, retyped: bool = False
) -> list[Point]:
    """Return the points in which the interface differs, in a fixed order.

    An old workflow that is `retyped` had other types than those that it has here.
    """
    switched = dict(_switched(ways(old), ways(new)))
    before, after = interface(old, switched), interface(new, switched)
    return list(_Comparison(before, after, place, switched, retyped).all())


def described(
    old: Workflow, new: Workflow, place: Place, paired: Iterable[tuple[Head, Head]]
) -> list[Point]:
    """Return what differs for readers only: descriptions, and the file.

    `paired` are the heads of the steps that are one step on both sides.
    """
    compare = _Comparison(Interface(old), Interface(new), place)
    return list(compare.metadata(paired))


class _Comparison:
    """Yields the points in which two interfaces differ."""

    def __init__(
        self,
        old: Interface,
        new: Interface,
        place: Place,
        switched: Mapping[str, _Switch] | None = None,
        retyped: bool = False,
    ) -> None:
        self.old, self.new, self.place = old, new, place
        self.switched, self.retyped = switched or {}, retyped

    def all(self) -> Iterator[Point]:
        yield from self.inputs()
        yield from self.returns()
        yield from self.calls()
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
        before, after = _result(old), _result(new)
        span = _result_span(new) or _result_span(old)
        texts: tuple[str | None, str | None]
        if self.retyped and is_of_schema(old):
            texts = ("not known", type_text(*after))
            yield self.point("returns-not-compared", "returns", None, texts, span)
            return
        if before == after and (old.returns is None) == (new.returns is None):
            return
        rule = _result_rule(old, new)
        texts = (type_text(*before), type_text(*after))
        if rule == "returns-added":
            texts = (None, texts[1])
        elif rule == "returns-removed":
            texts, span = (texts[0], None), _result_span(old)
        yield self.point(rule, "returns", None, texts, span)

    # --- signals --------------------------------------------------------------------

    def calls(self) -> Iterator[Point]:
        """Tell calls that were runs of their own and are taken in now, or were so."""
        for name, (came_in, heard) in sorted(self.switched.items()):
            taken_in = "taken in" + (f", waits for {', '.join(heard)}" if heard else "")
            what = "signals" if heard else "call"
            rule = f"{what}-taken-in" if came_in else f"{what}-on-its-own"
            texts = ("a run of its own", taken_in)
            both = texts if came_in else (taken_in, texts[0])
            yield self.point(rule, "call", name, both, self.new.calls.get(name))

    def signal(self, name: str) -> Iterator[Point]:
        old, new = self.old.signals.get(name, []), self.new.signals.get(name, [])
        before, after = _waits(old), _waits(new)
        if before == after:
            return
        span = (new or old)[0].span
        rule = _signal_rule(old, new)
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
                given = (self.new if name in new else self.old).workflow.options
                span = given.span(name) if given else None
                yield self.point(_option_rule(name, texts), name, None, texts, span)

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

    def metadata(self, paired: Iterable[tuple[Head, Head]]) -> Iterator[Point]:
        old, new = self.old.workflow, self.new.workflow
        rule = "description-changed"
        if old.description != new.description:
            texts = (old.description, new.description)
            yield self.point(rule, "description", None, texts, None)
        for was, step in paired:
            texts = (was.description, step.description)
            if texts[0] != texts[1]:
                name = step.name or step.path
                yield self.point(rule, "description", name, texts, step.span)
        listed = _listed(old), _listed(new)
        if listed[0] != listed[1] and _positions(old) == _positions(new):
            rule, span = "inputs-listed-otherwise", new.inputs[0].span
            yield self.point(rule, "inputs", None, listed, span)
        if old.path != new.path:
            yield self.point("file-moved", "file", None, (old.path, new.path), None)


_Switch = tuple[bool, list[str]]


def _switched(
    old: Mapping[str, Calls], new: Mapping[str, Calls]
) -> Iterator[tuple[str, _Switch]]:
    """Yield workflows that were runs of their own and are taken in, or were so.

    With each stands whether it is taken in now, and the signals that it waits for.
    """
    for name in old.keys() & new.keys():
        taken_in = new[name].taken_in - old[name].taken_in
        runs = new[name].runs - old[name].runs
        if taken_in * runs < 0:
            heard = new[name].heard if taken_in > 0 else old[name].heard
            yield name, (taken_in > 0, sorted(heard))


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
    """Say whether PostgreSQL takes every value of the old type for the new one.

    It does so in a call of a function, whose values have types: those of `json`, or
    of an enum, are not taken for `jsonb` and `text` there.
    """
    if not (isinstance(old, Scalar) and isinstance(new, Scalar)):
        return False
    before, after = old.name.removesuffix("[]"), new.name.removesuffix("[]")
    if (before != old.name) != (after != new.name):
        return False
    if Scalar(before).base == Scalar(after).base:
        return _longer(_limits(before), _limits(after))
    return after in _WIDER.get(Scalar(before).base, ())


def _limits(type_: str) -> tuple[int, int] | None:
    """Return how many digits or letters a type takes, and how many of a fraction."""
    found = _LIMITS.search(type_)
    return (int(found[1]), int(found[2] or 0)) if found else None


def _longer(old: tuple[int, int] | None, new: tuple[int, int] | None) -> bool:
    if new is None:  # numeric(10,2) -> numeric, varchar(5) -> varchar
        return True
    if old is None:
        return False
    return new[1] >= old[1] and new[0] - new[1] >= old[0] - old[1]


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


def _result(of: Workflow) -> tuple[Type, bool]:
    """Return what callers get; null where a path ends without `return`."""
    return result_of(of, always_ends(of.steps))


def _result_span(of: Workflow) -> Span | None:
    """Return where the type of a result is declared, else the first `return`."""
    first = next(iter(returns_of(of)), None)
    return of.returns_span or (first.head.span if first else None)


def _result_rule(old: Workflow, new: Workflow) -> str:
    if old.returns is not None and new.returns is None:
        return "returns-removed"
    (before, before_null), (after, after_null) = _result(old), _result(new)
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
    if each.nullable and default.startswith(" = cast(null as "):
        default = ""  # as it is for all that may be null
    return f"{type_text(each.type, each.nullable)}{default}"


def _positions(workflow: Workflow) -> list[str]:
    """Return the inputs in the order in which the function takes them."""
    ordered = sorted(workflow.inputs, key=optional)
    return [each.name for each in ordered]


def _listed(workflow: Workflow) -> str:
    """Return the inputs in the order in which the file has them."""
    return ", ".join(each.name for each in workflow.inputs)


def _option_rule(name: str, texts: tuple[str | None, str | None]) -> str:
    """Return the rule for a key of the workflow that says something else."""
    if name == "role" and None in texts:
        return "role-added" if texts[0] is None else "role-removed"
    return f"{name if name in ('schedule', 'role') else 'option'}-changed"


def _signal_rule(old: Sequence[Signal], new: Sequence[Signal]) -> str:
    """Return the rule for a signal that is waited for otherwise."""
    if not new:
        return "signal-removed"
    certain = all(each.timeout is not None for each in new)
    if not old:
        return "signal-added-timeout" if certain else "signal-added"
    before, after = {e.payload for e in old}, {e.payload for e in new}
    came = after - before
    if not all(accepts(taken, given) for taken in came for given in before):
        return "payload-restricted"
    if not certain and all(each.timeout is not None for each in old):
        return "signal-timeout-removed"
    return "payload-relaxed" if before != after else "signal-timeout-changed"


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


def _names(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    return sorted({*old, *new})
