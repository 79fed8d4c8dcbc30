"""Valid workflows over `tests/golden/schema.sql`, drawn.

`workflows()` draws a workflow together with the inputs and the signals of one run of
it. Every name is used once, except for `let`s that are bound again on purpose; what is
read is bound on every path. Races have a winner: all branches but one begin with a
long sleep or with a wait for a signal that comes late or never.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, get_args

from hypothesis import strategies as st

from tests.property import blocks, tree
from tests.property.tree import Call, Const, Expr, Ref, Step, Steps, Template, Type

Draw = Callable[[st.SearchStrategy[Any]], Any]

TYPES: tuple[Type, ...] = get_args(Type)
TEXTS = ["", "a", "it's", "$a", "$s1.x", "{a}", "{sys_label}", "\\", "--", "/*", "$$"]
TEXTS += ["line\nbreak", '"q"', "é", "${a}", "$${", "%", ": ", "null", "$input.a", "?"]

INTEGERS = st.integers(-9, 9)
NUMERICS = st.decimals(-99, 99, places=2).map(lambda d: d.copy_abs() if d == 0 else d)
STRINGS = st.lists(st.sampled_from(TEXTS), max_size=2).map("".join)
VALUES: dict[Type, st.SearchStrategy[Any]] = {
    "bigint": INTEGERS,
    "numeric": NUMERICS,
    "text": STRINGS,
    "boolean": st.booleans(),
}
ARITHMETIC = ("{} + {}", "{} - {}")
COMPARISONS = ("{} = {}", "{} <> {}", "{} < {}", "{} >= {}", "{} is distinct from {}")


@dataclass(frozen=True)
class Scope:
    """What can be used at one point.

    `lets` may be bound again here, `signals` waited for again; `markers` have certainly
    been dealt with before. Nothing returns from a `sealed` part, other items of a
    `foreach` run beside one that is not `alone`, `error` was caught.
    """

    refs: tuple[Ref, ...] = ()
    lets: tuple[Ref, ...] = ()
    signals: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    markers: tuple[str, ...] = ()
    in_loop: bool = False
    depth: int = 0
    sealed: bool = False
    alone: bool = True
    error: str | None = None

    def adding(self, *refs: Ref) -> Scope:
        return replace(self, refs=(*self.refs, *refs))

    def inner(self, **changes: Any) -> Scope:
        return replace(self, depth=self.depth + 1, **changes)

    def branch(self) -> Scope:
        """Return the scope at the start of a branch, which rebinds nothing outer."""
        return self.inner(lets=(), signals=())


DrawStep = Callable[[Scope], tuple[Steps, Scope | None]]


@dataclass
class Drawer:
    """Draws steps; `left` is how many more there may be."""

    draw: Draw
    left: int
    count: int = 0
    messages: list[tree.Message] = field(default_factory=list)
    inputs: frozenset[str] = frozenset()

    def name(self, letter: str) -> str:
        self.count += 1
        return f"{letter}{self.count}"

    def pick(self, options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def often(self, times: int = 3, of: int = 4) -> bool:
        return bool(self.draw(st.integers(1, of)) <= times)

    # --- expressions ------------------------------------------------------------

    def expr(self, scope: Scope, type: Type | None = None, depth: int = 2) -> Expr:
        type = type or self.pick(TYPES)
        known = [ref for ref in scope.refs if ref.type == type]
        if known and (depth == 0 or self.often(1, 2)):
            known_expr: Expr = self.pick(known)
            return known_expr
        if depth == 0 or self.often(1, 4):
            return Const(type, self.draw(VALUES[type]))
        return self.call(scope, type, depth - 1)

    def call(self, scope: Scope, type: Type, depth: int) -> Expr:
        def args(*types: Type) -> tuple[Expr, ...]:
            return tuple(self.expr(scope, each, depth) for each in types)

        if self.often(1, 6):
            return Call(type, "coalesce({}, {})", args(type, type))
        if self.often(1, 6):
            chosen = args("boolean", type, type)
            return Call(type, "case when {} then {} else {} end", chosen)
        match type:
            case "bigint":
                form = self.pick((*ARITHMETIC, "{} * {} % 1009", "-{}", "abs({}) % 7"))
                if form in ("-{}", "abs({}) % 7"):
                    return Call(type, form, args(type))
                return Call(type, form, args(type, type))
            case "numeric":
                form = self.pick((*ARITHMETIC, "{} * {}"))
                return Call(type, form, args(type, type))
            case "text":
                if self.often(1, 3):
                    return Call(type, "left({}, 3)", args(type))
                if self.often(1, 3):
                    return Call(type, "{}::text", args(self.pick(TYPES)))
                return Call(type, "{} || {}", args(type, type))
            case _:
                return self.condition(scope, depth)

    def condition(self, scope: Scope, depth: int = 1) -> Expr:
        def made(form: str, *types: Type) -> Expr:
            parts = tuple(self.expr(scope, each, depth) for each in types)
            return Call("boolean", form, parts)

        operand = self.pick(("bigint", "bigint", "numeric", "text"))
        forms = COMPARISONS if operand != "text" else (*COMPARISONS[:2], COMPARISONS[4])
        match self.draw(st.integers(0, 7)):
            case 0:
                return made(self.pick(("{} is null", "{} is not null")), operand)
            case 1:
                return made("{} between {} and {}", "bigint", "bigint", "bigint")
            case 2:
                return made("{} in ({}, {})", operand, operand, operand)
            case 3:
                return made(self.pick(("{} and {}", "{} or {}")), "boolean", "boolean")
            case 4:
                return made("not {}", "boolean")
            case _:
                return made(self.pick(forms), operand, operand)

    def template(self, scope: Scope) -> Template:
        before, after = (self.draw(STRINGS) for _ in range(2))
        # A lone expression would keep its type, white space at the ends is YAML's, and
        # a dollar before an expression makes it literal.
        return Template(f"<{before}|", self.expr(scope, depth=1), f"{after}>")

    # --- steps ------------------------------------------------------------------

    def steps(self, scope: Scope, least: int = 1) -> tuple[Steps, Scope | None]:
        """Draw steps; return what can be used after them, None if nothing follows."""
        drawn: list[Step] = []
        for index in range(self.draw(st.integers(least, 4 if scope.depth else 7))):
            if self.left <= 0 and index >= least:
                break
            self.left -= 1
            step, after = self.step(scope)
            drawn += step
            if after is None:
                return tuple(drawn), None
            scope = after
        return tuple(drawn), scope

    def step(self, scope: Scope) -> tuple[Steps, Scope | None]:
        simple: list[DrawStep] = [self.insert, self.insert, self.select, self.let]
        simple += [self.reading, self.reading, self.sleep, self.ending]
        simple += [self.wait] if scope.alone else []
        simple += [partial(blocks.transaction, self), partial(blocks.time, self)]
        nested: list[DrawStep] = [self.branch, self.parallel, self.race, self.loop]
        nested += [partial(blocks.switch, self), partial(blocks.attempt, self)] * 2
        nested += [partial(blocks.foreach, self), partial(blocks.group, self)]
        deep = scope.depth < 3 and self.left > 0
        chosen: DrawStep = self.pick([*simple, *nested * 2] if deep else simple)
        return blocks.guarded(self, scope, chosen)

    def insert(self, scope: Scope) -> tuple[Steps, Scope]:
        marker = self.name("m")
        scope = replace(scope, markers=(*scope.markers, marker))
        if scope.rows and self.often(1, 4):
            return (tree.InsertRows(marker, self.pick(scope.rows)),), scope
        name = self.name("i") if self.often(1, 4) else None
        step = tree.Insert(marker, self.expr(scope), name)
        if name:
            scope = scope.adding(Ref("bigint", f"{name}.rows_affected"))
        return (step,), scope

    def select(self, scope: Scope) -> tuple[Steps, Scope]:
        name = self.name("s")
        if self.often(1, 5):
            count = Call("bigint", "abs({}) % 7", (self.expr(scope, "bigint", 1),))
            step = tree.SelectRows(name, count)
            return (step,), replace(scope, rows=(*scope.rows, name))
        columns = tuple(
            (column, self.expr(scope)) for column in ("x", "y")[: 1 + self.often(1, 2)]
        )
        refs = [Ref(expr.type, f"{name}.{column}") for column, expr in columns]
        return (tree.Select(name, columns),), scope.adding(*refs)

    def reading(self, scope: Scope) -> tuple[Steps, Scope]:
        """Draw statements whose result depends on more than their references."""
        name = self.name("s")
        match self.draw(st.integers(0, 5)):
            case 0 if scope.markers and scope.alone:
                count = tree.CountMarkers(name, self.pick(scope.markers))
                return (count,), scope.adding(Ref("bigint", f"{name}.n"))
            case 1 if scope.markers and scope.alone:
                touch = tree.Touch(name, self.pick(scope.markers))
                return (touch,), scope.adding(Ref("bigint", f"{name}.rows_affected"))
            case 2 | 3:
                attempts, backoff = self.draw(st.integers(1, 3)), 2
                value = self.expr(scope, "bigint", 1)
                divide = tree.Divide(name, value, attempts, backoff)
                return (divide,), scope.adding(Ref("bigint", f"{name}.q"))
            case _:
                value, condition = self.expr(scope), self.condition(scope)
                expect = self.pick(("maybe", "maybe", "one"))
                step = tree.SelectIf(name, value, condition, expect)
                return (step,), scope.adding(Ref(value.type, f"{name}.x"))

    def let(self, scope: Scope) -> tuple[Steps, Scope]:
        if scope.lets and self.often(1, 2):
            ref = self.pick(scope.lets)
            return (tree.Let(((ref.name, self.expr(scope, ref.type)),)),), scope
        bindings = []
        for _ in range(1 + self.often(1, 4)):
            name, expr = self.name("a"), self.expr(scope)
            bindings.append((name, expr))
            ref = Ref(expr.type, name)
            scope = replace(scope.adding(ref), lets=(*scope.lets, ref))
        return (tree.Let(tuple(bindings)),), scope

    def sleep(self, scope: Scope) -> tuple[Steps, Scope]:
        if self.often(1, 3):
            value = self.expr(scope, "bigint", 1)
            length = Call("bigint", "coalesce({}, {})", (value, Const("bigint", 1)))
            return (tree.Sleep(Call("bigint", "abs({}) % 7", (length,))),), scope
        return (tree.Sleep(self.draw(st.integers(1, 9))),), scope

    def wait(self, scope: Scope) -> tuple[Steps, Scope]:
        signal = None
        if scope.signals and self.often(1, 3):
            signal = self.pick(scope.signals)
        step = self.waiting(late=False, signal=signal)
        number = Ref("bigint", f"{step.name}.data.n")
        text = Ref("text", f"{step.name}.data.s")
        scope = scope.adding(Ref("boolean", f"{step.name}.timed_out"), number, text)
        scope = replace(scope, signals=(*scope.signals, step.signal))
        if self.often(1, 2):
            return (step, tree.Insert(self.name("m"), number)), scope
        return (step,), scope

    def waiting(self, *, late: bool, signal: str | None = None) -> tree.Wait:
        """Draw a wait, and the messages that are sent to it."""
        name, signal = self.name("w"), signal or self.name("go")
        for _ in range(self.draw(st.integers(0, 2))):
            # Messages come at thousandths of their own, so that no two things that
            # matter happen at the same time.
            second = self.draw(st.integers(100, 200) if late else st.integers(-3, 9))
            at = 0 if second < 0 else second * 1000 + len(self.messages) + 1
            text = self.draw(st.none() | STRINGS)
            number = self.draw(INTEGERS)
            self.messages.append(tree.Message(signal, at, number, text))
        timed = late or self.often(9, 10)
        return tree.Wait(name, signal, self.draw(st.integers(2, 12)) if timed else None)

    def ending(self, scope: Scope) -> tuple[Steps, Scope | None]:
        """Draw what may end the run or the round, mostly under a condition."""
        if self.often(1, 3):
            condition = self.condition(scope)
            return (tree.Assert(condition, self.template(scope)),), scope
        if scope.depth == 0 or self.often(3, 4):
            self.left -= 1
            arm = (self.condition(scope), (self.end(scope),))
            return (tree.If((arm,), None),), scope
        return (self.end(scope),), None

    def end(self, scope: Scope) -> Step:
        options = ["fail"] if scope.sealed else ["return", "return", "fail"]
        if scope.error:
            options += ["again", "again"]
        if scope.in_loop:
            options += ["break", "continue", "break", "continue"]
        match self.pick(options):
            case "return":
                return self.returning(scope)
            case "fail":
                return tree.Fail(self.template(scope))
            case "again":
                return tree.Fail(None, scope.error)
            case word:
                return tree.Leap(word)

    def returning(self, scope: Scope) -> tree.Return:
        def item() -> Expr | Template:
            return self.template(scope) if self.often(1, 4) else self.expr(scope)

        match self.draw(st.integers(0, 3)):
            case 0:
                return tree.Return(item())
            case 1 if self.often(1, 2):
                return tree.Return(None)
            case _:
                keys = ["k", "it's", "$a", "{a}"][: self.draw(st.integers(1, 4))]
                return tree.Return(tuple((key, item()) for key in keys))

    # --- steps with steps in them -----------------------------------------------

    def branch(self, scope: Scope) -> tuple[Steps, Scope | None]:
        ends, arms = [], []
        for _ in range(self.draw(st.integers(1, 3))):
            condition = self.condition(scope)
            steps, after = self.steps(scope.inner())
            arms.append((condition, steps))
            ends.append(after)
        otherwise: Steps | None = None
        if self.often(1, 2):
            otherwise, after = self.steps(scope.inner())
            ends.append(after)
        else:
            ends.append(scope.inner())
        live = [end for end in ends if end is not None]
        if not live:
            return (tree.If(tuple(arms), otherwise),), None
        for end in live:
            scope = self.seen(scope, end)
        if otherwise is not None and len(live) == len(ends) and self.often(1, 3):
            return self._twin(scope, arms, otherwise)
        return (tree.If(tuple(arms), otherwise),), scope

    def _twin(
        self, scope: Scope, arms: list[Any], otherwise: Steps
    ) -> tuple[Steps, Scope]:
        """Bind the same name in every arm, so that it can be read after them."""
        ref = Ref(self.pick(TYPES), self.name("a"))

        def bound() -> tree.Let:
            return tree.Let(((ref.name, self.expr(scope, ref.type, 1)),))

        step = tree.If(
            tuple((condition, (*steps, bound())) for condition, steps in arms),
            (*otherwise, bound()),
        )
        return (step,), replace(scope.adding(ref), lets=(*scope.lets, ref))

    def seen(self, scope: Scope, end: Scope) -> Scope:
        """Return the scope with the markers of a part that has ended."""
        new = [each for each in end.markers if each not in scope.markers]
        return replace(scope, markers=(*scope.markers, *new))

    def parallel(self, scope: Scope) -> tuple[Steps, Scope | None]:
        branches, ends = [], []
        for _ in range(self.draw(st.integers(1, 3))):
            steps, end = self.steps(scope.branch())
            if end is not None and self.often(1, 4):
                steps, end = (*steps, self.end(end)), None
            branches.append((self.name("b"), steps))
            ends.append(end)
        step = tree.Parallel(tuple(branches))
        live = [end for end in ends if end is not None]
        if len(live) < len(ends):
            return (step,), None
        for end in live:
            scope = self.seen(scope, end)
            scope = self.bound(scope, end)
        return (step,), scope

    def bound(self, scope: Scope, end: Scope) -> Scope:
        """Return the scope with the names that a branch has bound."""
        refs = [each for each in end.refs if each not in scope.refs]
        rows = [each for each in end.rows if each not in scope.rows]
        return replace(
            scope,
            refs=(*scope.refs, *refs),
            rows=(*scope.rows, *rows),
            lets=(*scope.lets, *end.lets),
        )

    def race(self, scope: Scope) -> tuple[Steps, Scope | None]:
        name, count = self.name("r"), self.draw(st.integers(1, 3))
        quick, branches, ends = self.draw(st.integers(0, count - 1)), [], []
        for index in range(count):
            start: Steps = ()
            if index != quick:
                late = tree.Sleep(self.draw(st.integers(100, 999)))
                slept = not scope.alone or self.often(1, 2)
                start = (late if slept else self.waiting(late=True),)
            steps, end = self.steps(scope.branch(), least=0 if start else 1)
            branches.append((self.name("b"), (*start, *steps)))
            ends.append(end)
        live = [end for end in ends if end is not None]
        winner = Ref("text", f"{name}.winner")
        if not live:
            return (tree.Race(name, tuple(branches)),), None
        for end in live:
            scope = self.bound(scope, replace(end, lets=()))
        scope = scope.adding(winner)
        return (tree.Race(name, tuple(branches)),), scope

    def loop(self, scope: Scope) -> tuple[Steps, Scope]:
        """Draw a loop that counts its rounds and ends by that at the latest."""
        counter = Ref("bigint", self.name("a"))
        begin = tree.Let(((counter.name, Const("bigint", 0)),))
        one = Const("bigint", 1)
        more = tree.Let(((counter.name, Call("bigint", "{} + {}", (counter, one))),))
        limit = Const("bigint", self.draw(st.integers(1, 3)))
        inside = scope.adding(counter).inner(in_loop=True)
        steps, end = self.steps(inside)
        every = self.draw(st.none() | st.integers(1, 9))
        reached = Call("boolean", "{} >= {}", (counter, limit))
        match self.draw(st.integers(0, 2)):
            case 1 if end is not None:
                loop = tree.Loop((more, *steps), until=reached, every=every)
            case 0:
                going = Call("boolean", "{} < {}", (counter, limit))
                loop = tree.Loop((more, *steps), while_=going, every=every)
            case _:
                leave = tree.If(((reached, (tree.Leap("break"),)),), None)
                loop = tree.Loop((leave, more, *steps), every=every)
        scope = self.seen(scope.adding(counter), end or inside)
        return (begin, loop), scope


@st.composite
def workflows(draw: Draw, steps: int = 20) -> tree.Workflow:
    """Draw a workflow of about so many steps, with one run's inputs and signals."""
    drawer = Drawer(draw, steps)
    inputs = tuple(_input(drawer) for _ in range(draw(st.integers(0, 3))))
    drawer.inputs = frozenset(each.name for each in inputs)
    scope = Scope(refs=tuple(Ref(each.type, each.name) for each in inputs))
    scope = scope.adding(Ref("text", "run.workflow"))
    body, after = drawer.steps(scope)
    if after is not None and drawer.often():
        # What the steps have bound is seen; more of it than a drawn value would show.
        seen = tuple((f"k{i}", ref) for i, ref in enumerate(after.refs[-12:]))
        body = (*body, tree.Return(seen))
    return tree.Workflow(inputs, body, tuple(drawer.messages))


def _input(drawer: Drawer) -> tree.Input:
    type: Type = drawer.pick(TYPES)
    nullable = drawer.often(1, 2)
    default = None
    if drawer.often(1, 3):
        default = Const(type, drawer.draw(VALUES[type]))
    given = drawer.often(2, 3) or (default is None and not nullable)
    values = st.none() | VALUES[type] if nullable else VALUES[type]
    value = drawer.draw(values) if given else None
    return tree.Input(drawer.name("a"), type, nullable, default, given, value)
