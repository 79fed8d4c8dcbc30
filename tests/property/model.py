"""What a drawn workflow does, said by a small interpreter.

Branches share nothing but their past, so each is run by itself from the time at which
it forks; a join ends with its last branch, a race with its first. What the loser of a
race did later is forgotten, and what it did in the very moment of the decision may or
may not have happened. Where the language leaves the winner open, `Ambiguous` is raised.

Times are milliseconds after the start; `NEVER` is a wait that nothing ends.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, Literal

from tests.property import tree
from tests.property.tree import Call, Const, Expr, Ref, Scalar

NEVER = math.inf
Env = Mapping[str, Any]
Thread = tuple[tuple[int, int], ...]
"""The branches that an event stands in: number of the fork, number of the branch."""


class Ambiguous(Exception):
    """The language does not say what happens."""


@dataclass(frozen=True)
class Event:
    """A marker that was written; `certain` is False for a loser's last moment."""

    marker: str
    value: Any
    at: float
    thread: Thread
    certain: bool = True


@dataclass(frozen=True)
class End:
    """How a list of steps ended: when, with which names, and why."""

    kind: Literal["ok", "break", "continue", "return", "failed"]
    at: float
    env: Env
    value: Any = None


@dataclass(frozen=True)
class Prediction:
    """`status` is `running` for a run that waits for ever."""

    status: Literal["completed", "failed", "running"]
    value: Any
    events: tuple[Event, ...]
    end: float


def predict(workflow: tree.Workflow, name: str) -> Prediction:
    """Return what a run of the workflow does."""
    model = _Model(list(workflow.messages))
    env: dict[str, Any] = {
        each.name: _given(each, each.value) for each in workflow.inputs
    }
    env["run"] = {"workflow": name}
    end = model.steps(workflow.steps, env, 0, ())
    status: Literal["completed", "failed", "running"] = "completed"
    if end.at == NEVER:
        status = "running"
    elif end.kind == "failed":
        status = "failed"
    value = end.value if end.kind in ("return", "failed") else None
    return Prediction(status, value, tuple(model.events), end.at)


def _given(each: tree.Input, value: Scalar) -> Scalar:
    if each.given:
        return value
    return each.default.value if each.default else None


# --- steps ----------------------------------------------------------------------


@dataclass
class _Model:
    messages: list[tree.Message]
    events: list[Event] = field(default_factory=list)
    taken: list[tuple[float, tree.Message]] = field(default_factory=list)
    forks: Iterator[int] = field(default_factory=itertools.count)

    def steps(self, steps: tree.Steps, env: Env, at: float, thread: Thread) -> End:
        end = End("ok", at, env)
        for step in steps:
            end = self.step(step, end.env, end.at, thread)
            if end.kind != "ok" or end.at == NEVER:
                break
        return end

    def step(self, step: tree.Step, env: Env, at: float, thread: Thread) -> End:
        match step:
            case tree.Let(bindings):
                for name, expr in bindings:
                    env = {**env, name: evaluate(expr, env)}
                return End("ok", at, env)
            case tree.If(arms, otherwise):
                for condition, inner in arms:
                    if evaluate(condition, env) is True:
                        return self.steps(inner, env, at, thread)
                return self.steps(otherwise or (), env, at, thread)
            case tree.Parallel(branches):
                return self.parallel(branches, env, at, thread)
            case tree.Race():
                return self.race(step, env, at, thread)
            case tree.Loop():
                return self.loop(step, env, at, thread)
            case tree.Sleep(seconds):
                pause = seconds if isinstance(seconds, int) else evaluate(seconds, env)
                return End("ok", at + max(0, pause) * 1000, env)
            case tree.Wait():
                return self.wait(step, env, at)
            case tree.Return(value):
                return End("return", at, env, result(value, env))
            case tree.Fail(message):
                return End("failed", at, env, fill(message, env))
            case tree.Assert(condition, message):
                if evaluate(condition, env) is True:
                    return End("ok", at, env)
                return End("failed", at, env, fill(message, env))
            case tree.Leap(word):
                return End(word, at, env)
            case _:
                return self.statement(step, env, at, thread)

    def statement(self, step: tree.Step, env: Env, at: float, thread: Thread) -> End:
        def gives(name: str | None, **columns: Any) -> End:
            return End("ok", at, {**env, name: columns} if name else env)

        match step:
            case tree.Insert(marker, value, name):
                shown = evaluate(value, env)
                if value.type == "numeric" and shown is not None:
                    shown = plain(shown)
                self.events.append(Event(marker, shown, at, thread))
                return gives(name, rows_affected=1)
            case tree.InsertRows(marker, rows):
                for row in (env[rows] or {"*": ()})["*"]:
                    self.events.append(Event(marker, row, at, thread))
                return End("ok", at, env)
            case tree.Select(name, columns):
                return gives(name, **{c: evaluate(e, env) for c, e in columns})
            case tree.SelectIf(name, value, condition, expect):
                if evaluate(condition, env) is True:
                    return gives(name, x=evaluate(value, env))
                if expect == "maybe":
                    return gives(name, x=None)
                message = f'step "{name}" gave 0 rows, expected exactly one'
                return End("failed", at, env, message)
            case tree.SelectRows(name, count):
                numbers = list(range(1, (evaluate(count, env) or 0) + 1))
                return gives(name, **{"*": numbers})
            case tree.CountMarkers(name, marker):
                return gives(name, n=self.count(marker))
            case tree.Touch(name, marker):
                return gives(name, rows_affected=self.count(marker))
            case tree.Divide(name, value, attempts, backoff):
                divisor = evaluate(value, env)
                if divisor == 0:
                    waits = sum(backoff * 2**i for i in range(attempts - 1))
                    return End("failed", at + waits * 1000, env, "division by zero")
                return gives(name, q=divided(100, divisor))
            case _:
                raise TypeError(step)

    def count(self, marker: str) -> int:
        written = [event for event in self.events if event.marker == marker]
        if not all(event.certain for event in written):
            raise Ambiguous
        return len(written)

    def wait(self, step: tree.Wait, env: Env, at: float) -> End:
        over = at + step.timeout * 1000 if step.timeout else NEVER
        sent = [each for each in self.messages if each.signal == step.signal]
        first = min(sent, key=lambda each: each.at, default=None)
        if first is None or first.at >= over:
            return End(
                "ok", over, {**env, step.name: {"timed_out": True, "data": None}}
            )
        self.messages.remove(first)
        then = max(at, first.at)
        self.taken.append((then, first))
        payload = {"n": first.n, "s": first.s}
        return End(
            "ok", then, {**env, step.name: {"timed_out": False, "data": payload}}
        )

    def loop(self, step: tree.Loop, env: Env, at: float, thread: Thread) -> End:
        for rounds in itertools.count():
            if rounds > 60:
                raise Ambiguous
            if step.while_ and evaluate(step.while_, env) is not True:
                return End("ok", at, env)
            end = self.steps(step.steps, env, at, thread)
            if end.kind == "break":
                return replace(end, kind="ok")
            if end.kind in ("return", "failed") or end.at == NEVER:
                return end
            env = end.env
            if step.until and evaluate(step.until, env) is True:
                return End("ok", end.at, env)
            at = max(end.at, at + step.every * 1000) if step.every else end.at
        raise AssertionError

    # --- branches ---------------------------------------------------------------

    def parallel(self, branches: Any, env: Env, at: float, thread: Thread) -> End:
        fork = next(self.forks)
        ends = [
            self.steps(steps, env, at, (*thread, (fork, index)))
            for index, (_, steps) in enumerate(branches)
        ]
        last = max(end.at for end in ends)
        bound = dict(env)
        for end, (_, steps) in zip(ends, branches, strict=True):
            names = set(_names(steps))
            bound.update({n: v for n, v in end.env.items() if n in names})
        order = [end for end in ends if end.kind == "failed"]
        order += [end for end in ends if end.kind != "ok"]
        if order:
            return replace(order[0], at=last, env=bound)
        return End("ok", last, bound)

    def race(self, step: tree.Race, env: Env, at: float, thread: Thread) -> End:
        fork = next(self.forks)
        ends, did = [], []
        for index, (_, steps) in enumerate(step.branches):
            before = len(self.events), len(self.taken)
            ends.append(self.steps(steps, env, at, (*thread, (fork, index))))
            did.append((self.events[before[0] :], self.taken[before[1] :]))
            del self.events[before[0] :]
            del self.taken[before[1] :]
        first = min(end.at for end in ends)
        winners = [index for index, end in enumerate(ends) if end.at == first]
        if first < NEVER and len(winners) > 1:
            raise Ambiguous
        for index, (events, taken) in enumerate(did):
            self._keep(events, taken, first, won=index == winners[0])
        won = ends[winners[0]]
        names = [set(_names(steps)) for _, steps in step.branches]
        bound = {**env, **dict.fromkeys(set().union(*names))}
        bound |= {n: v for n, v in won.env.items() if n in names[winners[0]]}
        bound[step.name] = {"winner": step.branches[winners[0]][0]}
        return replace(won, env=bound)

    def _keep(self, events: Any, taken: Any, end: float, *, won: bool) -> None:
        """Keep what a branch of a race did before the end of the race."""
        for event in events:
            if won or event.at < end:
                self.events.append(event)
            elif event.at == end:
                self.events.append(replace(event, certain=False))
        for time, message in taken:
            if won or time < end:
                self.taken.append((time, message))
            elif time == end:
                raise Ambiguous
            else:
                self.messages.append(message)


def _names(steps: tree.Steps) -> Iterator[str]:
    """Yield the names that steps bind, at any depth."""
    todo = list(steps)
    while todo:
        step = todo.pop()
        match step:
            case tree.Let(bindings):
                yield from (name for name, _ in bindings)
            case tree.If(arms, otherwise):
                todo += [each for _, steps in arms for each in steps]
                todo += otherwise or ()
            case tree.Parallel(branches) | tree.Race(_, branches):
                todo += [each for _, steps in branches for each in steps]
            case tree.Loop(inner):
                todo += inner
            case _:
                pass
        if isinstance(name := getattr(step, "name", None), str):
            yield name


# --- values ---------------------------------------------------------------------


def evaluate(expr: Expr, env: Env) -> Any:
    """Return the value of an expression; null is None."""
    match expr:
        case Const():
            return expr.value
        case Ref(_, name):
            value: Any = env
            for part in name.split("."):
                value = None if value is None else value[part]
            return value
        case Call(_, text, args):
            return checked(OPERATORS[text](*[evaluate(arg, env) for arg in args]))


def checked(value: Any) -> Any:
    """Refuse numbers that would come near the limits of PostgreSQL's types."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) > 2**60:
        raise Ambiguous
    if isinstance(value, Decimal):
        if len(value.as_tuple().digits) > 25:
            raise Ambiguous
        return value.copy_abs() if value == 0 else value
    if isinstance(value, str) and len(value) > 10_000:
        raise Ambiguous
    return value


def strict(function: Any) -> Any:
    """Return a function that is null when an argument is."""

    def called(*args: Any) -> Any:
        return None if None in args else function(*args)

    return called


def divided(a: int, b: int | None) -> int | None:
    """Divide as PostgreSQL does: towards zero."""
    if b is None:
        return None
    return abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)


def rest(a: int, b: int) -> int:
    return abs(a) % abs(b) * (-1 if a < 0 else 1)


def both(a: Any, b: Any) -> Any:
    if a is False or b is False:
        return False
    return None if None in (a, b) else True


def negated(a: Any) -> Any:
    return None if a is None else not a


def in_list(a: Any, *items: Any) -> Any:
    if a is None:
        return None
    if any(item is not None and a == item for item in items):
        return True
    return None if None in items else False


def chosen(*args: Any) -> Any:
    return args[1] if args[0] is True else args[2]


OPERATORS: dict[str, Any] = {
    "{} + {}": strict(lambda a, b: a + b),
    "{} - {}": strict(lambda a, b: a - b),
    "{} * {}": strict(lambda a, b: a * b),
    "{} * {} % 1009": strict(lambda a, b: rest(a * b, 1009)),
    "abs({}) % 7": strict(lambda a: abs(a) % 7),
    "-{}": strict(lambda a: -a),
    "{} || {}": strict(lambda a, b: a + b),
    "left({}, 3)": strict(lambda a: a[:3]),
    "length({})::bigint": strict(len),
    "{}::text": strict(lambda a: as_text(a)),
    "{} = {}": strict(lambda a, b: a == b),
    "{} <> {}": strict(lambda a, b: a != b),
    "{} < {}": strict(lambda a, b: a < b),
    "{} >= {}": strict(lambda a, b: a >= b),
    "{} between {} and {}": lambda a, b, c: both(
        strict(lambda x, y: x >= y)(a, b), strict(lambda x, y: x <= y)(a, c)
    ),
    "{} in ({}, {})": in_list,
    "{} is null": lambda a: a is None,
    "{} is not null": lambda a: a is not None,
    "{} is distinct from {}": lambda a, b: a != b,
    "{} and {}": both,
    "{} or {}": lambda a, b: negated(both(negated(a), negated(b))),
    "not {}": negated,
    "coalesce({}, {})": lambda a, b: b if a is None else a,
    "case when {} then {} else {} end": chosen,
}
"""The forms of expressions that are drawn, and what they mean."""


def plain(value: Any) -> str:
    """Return a numeric as PostgreSQL prints it."""
    return format(value, "f")


def as_text(value: Scalar) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Decimal():
            return plain(value)
        case _:
            return str(value)


def fill(template: tree.Template, env: Env) -> str:
    """Return a text with its expression in it; null reads as nothing."""
    value = as_text(evaluate(template.expr, env))
    return template.before + value + template.after


def result(value: Any, env: Env) -> Any:
    """Return what `return` gives, as JSON."""
    match value:
        case None:
            return None
        case tuple():
            return {name: result(item, env) for name, item in value}
        case tree.Template():
            return fill(value, env)
        case _:
            return evaluate(value, env)
