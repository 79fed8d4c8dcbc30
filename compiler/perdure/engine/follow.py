"""A run as a tree of steps: what the source map and the nodes say together.

A pure function of data, so that following live, showing a finished run and printing
JSON are one model. The runtime keeps rows of nodes that ran; steps are folded of them:

* the source map gives every step, in order, also those that have not run;
* a step's own nodes give its state, and for steps that hold steps also theirs;
* what the rows leave open (a branch not taken, a step that left nothing behind) is
  decided by what came after it, because steps of one list run in order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from perdure.engine.kinds import AROUND, EXCLUSIVE, HOLDERS, REPEATING, kind_of
from perdure.engine.runs import Called, Node, Place, Run

State = Literal[
    "pending", "running", "waiting", "completed", "failed", "cancelled", "skipped"
]
ACTIVE: tuple[State, ...] = ("running", "waiting")

# Nodes that wait for something other than PostgreSQL, and for what.
WAITS = {
    "SLEEP": "timer",
    "SLEEP_FOR": "timer",
    "SLEEP_UNTIL": "timer",
    "WAIT_SCHEDULE": "schedule",
    "SIGNAL": "signal",
    "HTTP": "response",
    "CALL": "run",
}


@dataclass(frozen=True, slots=True)
class Arm:
    """Steps that another step holds: `then`, `else`, a branch, a loop's body."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the workflow in one run.

    `waits_for` says for what while the state is `waiting`; `wake_at` until when, where
    that is known; `called` for which runs. `rows` is what the step's statement returned
    or changed.
    """

    path: str
    name: str | None
    kind: str
    state: State = "pending"
    file: str | None = None
    line: int | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    rows: int | None = None
    result: str | None = None
    error: str | None = None
    sqlstate: str | None = None
    detail: str | None = None
    sql: str | None = None
    attempts: int = 0
    executions: int = 0
    waits_for: str | None = None
    wake_at: datetime | None = None
    called: tuple[Called, ...] = ()
    arms: tuple[Arm, ...] = ()

    @property
    def label(self) -> str:
        """How the step is called: its name, else its kind."""
        return self.name or self.kind

    @property
    def place(self) -> str | None:
        """The step's `file:line`."""
        return f"{self.file}:{self.line}" if self.file and self.line else self.file

    def seconds(self, now: datetime) -> float | None:
        """Return how long the step took, or has taken up to `now`."""
        if self.started_at is None:
            return None
        end = self.finished_at if self.state not in ACTIVE else None
        if end is None and self.state not in ACTIVE:
            return None
        return max(((end or now) - self.started_at).total_seconds(), 0.0)


@dataclass(frozen=True, slots=True)
class Followed:
    """A run with its steps; `detail` is what is known more of why it failed.

    `callers` are the runs that wait for it.
    """

    run: Run
    steps: tuple[Step, ...]
    detail: str | None = None
    callers: tuple[Called, ...] = ()

    def seconds(self) -> float:
        """Return how long the run took, or has taken."""
        began = self.run.started_at or self.run.created_at
        end = self.run.completed_at or self.run.now
        return max((end - began).total_seconds(), 0.0)


def walk(steps: Iterable[Step]) -> Iterable[Step]:
    """Yield steps and what they hold, outer before inner."""
    for step in steps:
        yield step
        for arm in step.arms:
            yield from walk(arm.steps)


def follow(run: Run, places: Sequence[Place], nodes: Sequence[Node]) -> Followed:
    """Fold the nodes of a run into the steps of its workflow.

    Without a source map (a graph that somebody wrote by hand) every node that ran is
    a step of its own.
    """
    detail = _detail(run, nodes)
    if not places:
        bare = tuple(_bare(node) for node in nodes if _is_leaf(node))
        return Followed(run, bare, detail)
    rows = {node.id: node for node in nodes}
    steps = _close(_tree(places, rows), run.ended, run.status)
    return Followed(run, _spans(steps, run.started_at), detail)


def _detail(run: Run, nodes: Sequence[Node]) -> str | None:
    """Return the detail of the error that a run failed with.

    The node that failed last with it knows most: what handled the error in between,
    an undo for instance, may have failed, too.
    """
    if run.error is None:
        return None
    wanted = (run.error, run.sqlstate)
    same = [node for node in nodes if (node.error, node.sqlstate) == wanted]
    ended = [(node.finished_at, node) for node in same if node.finished_at]
    last = max(ended, key=lambda each: each[0], default=None)
    return (last[1].detail or None) if last else None


# --- the tree ---------------------------------------------------------------------

_SEGMENT = re.compile(r"(?P<word>[^.\[\]]+(?:\[\d+\](?=\[))?)(?:\[(?P<index>\d+)\])?")


def split_path(path: str) -> tuple[str, ...]:
    """Split a step's path into list names and indices of steps, alternating.

    `steps[2].parallel.notify[0]` is `("steps", "2", "parallel.notify", "0")`: what
    stands before an index is the list. `elif[1]` is no step, but part of a list's name,
    as `cases[1]` is in `steps[0].cases[1][0]`.
    """
    parts: list[str] = []
    words: list[str] = []
    branch = False
    for segment in path.split("."):
        match = _SEGMENT.fullmatch(segment)
        word, index = (match["word"], match["index"]) if match else (segment, None)
        if index is None or (word == "elif" and not branch):
            words.append(segment)
        else:
            parts += [".".join((*words, word)), index]
            words = []
        branch = word in ("parallel", "race") and index is None
    return tuple(parts)


def _tree(places: Sequence[Place], rows: dict[str, Node]) -> tuple[Step, ...]:
    """Return the steps in order, each with its own nodes.

    A step that needs no node of its own (a `parallel` of one branch) is known by the
    steps that it holds.
    """
    own: dict[tuple[str, ...], list[Place]] = {}
    for place in places:
        key = split_path(place.path)
        for end in range(2, len(key) + 1, 2):
            own.setdefault(key[:end], [])
        if key:
            own[key].append(place)
    lists: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for key in own:
        lists.setdefault(key[:-1], []).append(key)

    def steps_of(of: tuple[str, ...]) -> tuple[Step, ...]:
        keys = sorted(lists.get(of, ()), key=lambda key: int(key[-1]))
        return tuple(build(key) for key in keys)

    def build(key: tuple[str, ...]) -> Step:
        held = [each for each in lists if each[:-1] == key]
        arms = tuple(Arm(_arm_name(each[-1]), steps_of(each)) for each in held)
        return _step(_join_path(key), own[key], rows, arms, [each[-1] for each in held])

    handler = steps_of(("on_failure",))
    if not any(place.node in rows for key in own if key[0] == "on_failure"
               for place in own[key]):  # fmt: skip
        return steps_of(("steps",))
    failed = Step("on_failure", None, "on_failure", arms=(Arm("do", handler),))
    return (*steps_of(("steps",)), failed)


def _join_path(key: tuple[str, ...]) -> str:
    pairs = zip(key[::2], key[1::2], strict=True)
    return ".".join(f"{name}[{index}]" for name, index in pairs)


def _arm_name(name: str) -> str:
    """Return how a list is called: a branch by its name, others as they are written."""
    return re.sub(r"^(parallel|race)\.", "", name)


def _step(
    path: str,
    places: Sequence[Place],
    rows: dict[str, Node],
    arms: tuple[Arm, ...],
    lists: Sequence[str],
) -> Step:
    first = next((place for place in places if place.file), None)
    main, kind = kind_of({place.role for place in places}, lists)
    step = Step(
        path=path,
        name=next((place.name for place in places if place.name), None),
        kind=kind,
        file=first.file if first else None,
        line=first.line if first else None,
        arms=arms,
    )
    own = [place for place in places if place.node in rows]
    if _is_refused(own, rows, arms):
        return replace(step, state="skipped")
    if kind in HOLDERS or (kind == "call" and arms):
        timers = [each for each in own if each.role == "timeout"]
        own = [place for place in own if place.role == main][:1] or [
            place for place in own if place.role not in AROUND
        ]
        own += [each for each in timers if rows[each.node].error and each not in own]
    else:
        own = [place for place in own if place.role not in AROUND]
    ran = [(place.role, rows[place.node]) for place in own]
    # The node that does what the step is for says its result, so it comes last.
    ran.sort(key=lambda each: each[0] == main)
    step = _with_nodes(step, [node for _, node in ran])
    return _decided(step, places, rows) if kind in EXCLUSIVE else step


def _is_refused(
    ran: Sequence[Place], rows: dict[str, Node], arms: tuple[Arm, ...]
) -> bool:
    """Say whether a step's `when` was false, and the step never ran before that."""
    others = {place.role for place in ran} - AROUND - {"when"}
    if others or any(_began(inner) for arm in arms for inner in arm.steps):
        return False
    return any(place.role == "when" and _is_false(rows[place.node]) for place in ran)


def _is_false(condition: Node) -> bool:
    """Say whether a condition was false when it last ran."""
    try:
        match json.loads(condition.result or "null"):
            case {"rows": [{"ok": False}]}:
                return condition.status == "completed"
    except ValueError:
        pass
    return False


def _decided(step: Step, places: Sequence[Place], rows: dict[str, Node]) -> Step:
    """Return a choice that begins with its first condition, each time anew."""
    nodes = (rows[each.node] for each in places if each.node in rows)
    first = next((node for node in nodes if node.type == "SQL"), None)
    if first is None or first.started_at is None:
        return step
    times = max(step.executions, first.executions or 0)
    return replace(step, started_at=first.started_at, executions=times)


def _with_nodes(step: Step, ran: Sequence[Node]) -> Step:
    if not ran:
        return step
    last_first = ran[::-1]
    active = next((node for node in last_first if node.status == "running"), None)
    failed = next((node for node in last_first if node.error), None)
    told = failed or active
    started = [node.started_at for node in ran if node.started_at]
    finished = [node.finished_at for node in ran if node.finished_at]
    spoken = failed or active or ran[-1]
    return replace(
        step,
        state=_own_state(ran),
        started_at=min(started, default=None),
        finished_at=max(finished, default=None),
        rows=next(
            (n for node in reversed(ran) if (n := _rows(node)) is not None), None
        ),
        result=next((node.result for node in reversed(ran) if node.result), None),
        error=told.error if told else None,
        sqlstate=told.sqlstate if told else None,
        detail=told.detail if told else None,
        sql=spoken.rendered_sql,
        attempts=max(node.attempts or 0 for node in ran),
        executions=max(node.executions or 0 for node in ran),
        waits_for=_waits_for(active) if active else None,
        wake_at=active.wake_at if active else None,
        called=active.called if active else (),
    )


def _rows(node: Node) -> int | None:
    """Return how many rows the user's statement gave or changed.

    The compiler carries many rows as one with the list `items`, and the rows that a
    statement changed as one with their number (see `perdure.lower.capture`).
    """
    try:
        kept = json.loads(node.result or "null")
        match kept:
            case {"rows": [{"rows_affected": int() as changed, **others}]} if (
                not others
            ):
                return changed
            case {"rows": [{"items": str() as listed, **others}]} if not others:
                items = json.loads(listed)
                return len(items) if isinstance(items, list) else node.rows
    except ValueError:  # cut, because it is long
        return None
    return node.rows


def _own_state(ran: Sequence[Node]) -> State:
    states = {node.status for node in ran}
    if "failed" in states:
        return "failed"
    if "running" in states or "pending" in states:
        running = [node for node in ran if node.status == "running"]
        return "waiting" if any(_waits_for(node) for node in running) else "running"
    return "cancelled" if "cancelled" in states else "completed"


def _waits_for(node: Node) -> str | None:
    if node.error and node.wake_at is not None:
        return "retry"
    return WAITS.get(node.type)


def _is_leaf(node: Node) -> bool:
    return node.type in ("SQL", *WAITS)


def _bare(node: Node) -> Step:
    step = Step(path=node.id, name=None, kind=node.type.lower())
    return _with_nodes(step, [node])


# --- what the rows leave open -----------------------------------------------------


def _close(steps: Sequence[Step], over: bool, outcome: str) -> tuple[Step, ...]:
    """Decide the state of steps that hold steps, and of those that left no row.

    `over` says that nothing of this list will run any more.
    """
    closed: list[Step] = []
    for step in reversed(steps):
        done = over or any(_began(later) for later in closed)
        closed.append(_close_one(step, done, outcome))
    return tuple(reversed(closed))


def _close_one(step: Step, over: bool, outcome: str) -> Step:
    if not step.arms:
        return _end(step, outcome) if over else step
    taken = [arm for arm in step.arms if any(map(_began, arm.steps))]
    exclusive = step.kind in EXCLUSIVE
    arms = tuple(
        replace(
            arm,
            steps=_close(
                arm.steps,
                over
                or step.state == "skipped"
                or (exclusive and bool(taken) and arm not in taken),
                outcome,
            ),
        )
        for arm in step.arms
    )
    inner = [each for arm in arms for each in walk(arm.steps)]
    step = replace(step, arms=arms, state=_held_state(step.state, inner))
    return _end(step, outcome) if over else step


def _began(step: Step) -> bool:
    return step.state not in ("pending", "skipped") or any(
        _began(inner) for arm in step.arms for inner in arm.steps
    )


def _held_state(own: State, inner: Sequence[Step]) -> State:
    """Return the state of a step that holds steps: its own, or what they make of it."""
    states = {step.state for step in inner}
    if "running" in states:
        return "running"
    if "waiting" in states:
        return "waiting"
    if own in ("completed", "failed", "cancelled"):
        return own
    if own == "pending" and states <= {"pending", "skipped"}:
        return "pending"
    if own == "pending" and "failed" in states:
        return "failed"
    return "running" if own == "pending" else own


def _spans(steps: Sequence[Step], began: datetime | None) -> tuple[Step, ...]:
    """Return steps of a list with the times of what they hold.

    A row tells of the last time that its node ran. Steps of a list run in order, so
    what a step holds and what ended before the step in front of it is of an earlier
    round. `began` is when the list did, where that is known.
    """
    timed: list[Step] = []
    for step in steps:
        timed.append(_span(step, began) if step.arms else step)
        ends = (began, timed[-1].finished_at)
        began = max((end for end in ends if end), default=None)
    return tuple(timed)


def _span(step: Step, began: datetime | None) -> Step:
    decided = step.started_at if step.kind in EXCLUSIVE else None
    began = max((time for time in (began, decided) if time), default=None)
    first = None if step.kind in REPEATING else began
    arms = tuple(replace(arm, steps=_spans(arm.steps, first)) for arm in step.arms)
    held = [step]
    for arm in arms:
        held += walk(arm.steps) if arm.name != "undo" else ()
    ends = [each.finished_at for each in held if each.finished_at]
    if began is not None and max(ends, default=began) >= began:
        held = [each for each in held if not _is_over(each, began)]
    starts = [each.started_at for each in held if each.started_at]
    if starts and began is not None and step.kind in REPEATING:
        starts.append(began)
    return replace(
        step,
        arms=arms,
        started_at=min(starts, default=None),
        finished_at=max(ends, default=None),
    )


def _is_over(step: Step, time: datetime) -> bool:
    """Say whether a step had ended before a time."""
    return step.finished_at is not None and step.finished_at < time


def _end(step: Step, outcome: str) -> Step:
    """Return the step as it is when nothing of it will run any more."""
    if step.state == "pending":
        return replace(step, state="skipped")
    if step.state in ACTIVE:
        cancelled = outcome == "cancelled" or not step.arms
        return replace(step, state="cancelled" if cancelled else "completed")
    return step
