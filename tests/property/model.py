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
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tests.property import tree
from tests.property.tree import Scalar
from tests.property.values import Ambiguous, Env, divided, evaluate, fill, plain, result

NEVER = math.inf
Thread = tuple[tuple[int, int], ...]
"""The branches that an event stands in: number of the fork, number of the branch."""


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
    state: str | None = None


@dataclass(frozen=True)
class Prediction:
    """`status` is `running` for a run that waits for ever."""

    status: Literal["completed", "failed", "running"]
    value: Any
    events: tuple[Event, ...]
    end: float
    state: str | None = None


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
    state = end.state if end.kind == "failed" else None
    return Prediction(status, value, tuple(model.events), end.at, state)


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
        for index, step in enumerate(steps):
            guarded = step if isinstance(step, tree.Guarded) else None
            skipped = guarded and skips(guarded, end.env)
            end = self.step(step, end.env, end.at, thread)
            if end.kind != "ok" or end.at == NEVER:
                break
            if guarded and guarded.undo is not None and not skipped:
                rest = steps[index + 1 :]
                return self.undoable(guarded.undo, rest, end, thread)
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
            case tree.Fail(None, error):
                known = env[error or ""]
                return End("failed", at, env, known["message"], known["sqlstate"])
            case tree.Fail(tree.Template() as message):
                return End("failed", at, env, fill(message, env), "PD011")
            case tree.Assert(condition, message):
                if evaluate(condition, env) is True:
                    return End("ok", at, env)
                return End("failed", at, env, fill(message, env), "PD012")
            case tree.Leap(word):
                return End(word, at, env)
            case tree.Guarded():
                return self.guarded(step, env, at, thread)
            case tree.Switch() | tree.Try() | tree.Foreach() | tree.Group():
                return self.block(step, env, at, thread)
            case tree.Transaction():
                return self.transaction(step, env, at, thread)
            case tree.SleepUntil(until):
                return End("ok", max(at, evaluate(until, env) * 1000), env)
            case tree.Schedule():
                return End("ok", (at // 60_000 + 1) * 60_000, env)
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
                for row in sorted(rows_of(rows, env), key=lambda i: (i is None, i)):
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
                return End("failed", at, env, message, "PD010")
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
                    zero = ("division by zero", "22012")
                    return End("failed", at + waits * 1000, env, *zero)
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

    # --- guards -----------------------------------------------------------------

    def guarded(self, step: tree.Guarded, env: Env, at: float, thread: Thread) -> End:
        if skips(step, env):
            new = set(_names((step.step,))) - set(step.keeps)
            return End("ok", at, {**env, **dict.fromkeys(new)})
        before = len(self.events), len(self.taken)
        end = self.step(step.step, env, at, thread)
        limit = NEVER if step.timeout is None else at + step.timeout * 1000
        if end.at < limit or limit == NEVER:
            return end
        if end.at == limit:
            raise Ambiguous
        events, taken = self.events[before[0] :], self.taken[before[1] :]
        del self.events[before[0] :]
        del self.taken[before[1] :]
        self._keep(events, taken, limit, won=False)
        message = f"timed out after 00:00:{step.timeout:02}"
        return End("failed", limit, env, message, "PD031")

    def undoable(
        self, undo: tree.Steps, rest: tree.Steps, end: End, thread: Thread
    ) -> End:
        """Do what follows a step; when it fails, take the step back."""
        after = self.steps(rest, end.env, end.at, thread)
        if after.kind != "failed" or after.at == NEVER:
            return after
        undone = self.steps(undo, after.env, after.at, thread)
        return replace(after, at=undone.at)

    # --- blocks -----------------------------------------------------------------

    def block(self, step: tree.Step, env: Env, at: float, thread: Thread) -> End:
        match step:
            case tree.Switch(subject, cases, default):
                value = evaluate(subject, env)
                for text, steps in cases:
                    if value is not None and str(value) == text:
                        return self.steps(steps, env, at, thread)
                return self.steps(default or (), env, at, thread)
            case tree.Try():
                return self.attempt(step, env, at, thread)
            case tree.Group(steps, attempts, backoff):
                for done in itertools.count(1):
                    end = self.steps(steps, env, at, thread)
                    zero = end.kind == "failed" and end.state == "22012"
                    if not zero or done == attempts or end.at == NEVER:
                        return end
                    env, at = end.env, end.at + backoff * 2 ** (done - 1) * 1000
                raise AssertionError
            case tree.Foreach():
                return self.foreach(step, env, at, thread)
            case _:
                raise TypeError(step)

    def attempt(self, step: tree.Try, env: Env, at: float, thread: Thread) -> End:
        end = self.steps(step.steps, env, at, thread)
        if end.kind == "failed" and end.at < NEVER and step.handler is not None:
            error = {"message": end.value, "sqlstate": end.state}
            known = {**end.env, step.error or "": error}
            end = self.steps(step.handler, known, end.at, thread)
        if step.finally_ is None or end.at == NEVER:
            return end
        last = self.steps(step.finally_, end.env, end.at, thread)
        if last.kind != "ok":
            return last
        return replace(end, at=last.at, env=last.env)

    def transaction(
        self, step: tree.Transaction, env: Env, at: float, thread: Thread
    ) -> End:
        before = len(self.events)
        end = self.steps(step.steps, env, at, thread)
        if end.kind == "failed":
            del self.events[before:]
            return replace(end, env=env)
        return end

    def foreach(self, step: tree.Foreach, env: Env, at: float, thread: Thread) -> End:
        """Give each item to the place that is free first, until one does not go on."""
        fork, given = next(self.forks), []
        free = [at] * step.max_parallel
        stop: End | None = None
        for index, row in enumerate(rows_of(step.rows, env)):
            start = min(free)
            if stop is not None and start >= stop.at:
                if start == stop.at and free.count(start) > 1:
                    raise Ambiguous
                break
            inside = {**env, step.item: {"i": row}}
            end = self.steps(step.steps, inside, start, (*thread, (fork, index)))
            if end.at == NEVER:
                return End("ok", NEVER, env)
            if end.kind == "ok":
                given.append(evaluate(step.collect, end.env))
            elif end.kind != "continue" and stop is not None:
                raise Ambiguous
            elif end.kind != "continue":
                stop = end
            free[free.index(start)] = end.at
        bound = {**env, step.name: {"*": given}}
        if stop is None or stop.kind == "break":
            return End("ok", max(free), bound)
        return replace(stop, at=max(free), env=env)

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
            case tree.Loop(inner) | tree.Transaction(inner) | tree.Group(inner):
                todo += inner
            case tree.Switch(_, cases, default):
                todo += [each for _, steps in cases for each in steps]
                todo += default or ()
            case tree.Try(inner, _, handler, last):
                todo += (*inner, *(handler or ()), *(last or ()))
            case tree.Guarded(inside):
                todo.append(inside)
            case _:
                pass
        if isinstance(name := getattr(step, "name", None), str):
            yield name


def skips(step: tree.Guarded, env: Env) -> bool:
    """Say whether `when` skips a step."""
    return step.when is not None and evaluate(step.when, env) is not True


def rows_of(name: str, env: Env) -> Any:
    """Return the rows of a result; one that was skipped or lost has none."""
    return (env[name] or {"*": ()})["*"]
