"""How a run is shown: as a tree on a terminal, as lines elsewhere, as JSON.

The tree is the same while the run goes on and when it has ended. Where there is no
terminal, one line is written for each change of a step's state, so that a log of it
reads in order and two runs of the same kind give the same lines but for the times.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from perdure.cli.project import coloured
from perdure.engine.follow import ACTIVE, Arm, Followed, Step, walk

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.tree import Tree

    from perdure.engine.runs import Called

MARKS = {
    "pending": ("·", "dim"),
    "running": ("●", "cyan"),
    "paused": ("‖", "yellow"),
    "waiting": ("◷", "yellow"),
    "completed": ("✓", "green"),
    "failed": ("✗", "red"),
    "cancelled": ("⊘", "yellow"),
    "skipped": ("–", "dim"),
}
SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
SPINS_PER_SECOND = 10
VALUE_CHARACTERS = 72
CALLED = 3
"""How many of the runs that a step waits for, or that wait for a run, are shown."""


class View(Protocol):
    """Shows a run as it changes."""

    def show(self, followed: Followed) -> None:
        """Show the run as it is now."""


# --- words ------------------------------------------------------------------------


def duration(seconds: float) -> str:
    """Return a length of time for people: `8 ms`, `2.4 s`, `3 min 20 s`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes = int(seconds) // 60
    if minutes < 60:
        return f"{minutes} min {int(seconds) % 60} s"
    if minutes < 60 * 24:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // 1440} d {minutes % 1440 // 60} h"


def facts(step: Step, now: datetime) -> list[str]:
    """Return what is known of a step beside its state, in the order it is shown."""
    said = []
    seconds = step.seconds(now)
    if seconds is not None:
        said.append(duration(seconds))
    if step.executions > 1:
        said.append(f"{step.executions} times")
    if step.attempts > 1:
        said.append(f"{step.attempts} attempts")
    if step.rows is not None and step.kind == "sql":
        said.append("1 row" if step.rows == 1 else f"{step.rows} rows")
    if step.state == "waiting" and step.wake_at is not None:
        left = (step.wake_at - now).total_seconds()
        said.append(f"until {step.wake_at:%H:%M:%S} ({duration(max(left, 0))} left)")
    if step.state == "waiting":
        said += _runs(step.called)
    return said


def _runs(called: Sequence[Called]) -> list[str]:
    """Return runs for people, the first few of them."""
    said = [
        f"{each.id} {each.label or 'run'} {each.status}" for each in called[:CALLED]
    ]
    if more := called[CALLED:]:
        said.append(f"and {len(more)} more")
    return said


def state(step: Step) -> str:
    """Return a step's state in words: `waiting for signal`, `completed`."""
    if step.state == "waiting" and step.waits_for:
        return f"waiting for {step.waits_for}"
    return step.state


def compact(value: Any) -> str:
    """Return a value as JSON in one line that is not too long."""
    import simplejson

    text = simplejson.dumps(value, ensure_ascii=False, default=str, use_decimal=True)
    short = len(text) <= VALUE_CHARACTERS
    return text if short else text[: VALUE_CHARACTERS - 1] + "…"


# --- the tree ---------------------------------------------------------------------


def tree(followed: Followed, result: Any = None, spin: int | None = None) -> Tree:
    """Return the run as a tree; `spin` counts the turns of the spinner."""
    from rich.text import Text
    from rich.tree import Tree

    run = followed.run
    head = Text(no_wrap=True, overflow="ellipsis")
    mark, style = MARKS.get(run.status, MARKS["pending"])
    head.append(f"{_spun(mark, run.status, spin)} ", style)
    head.append(run.label or "run", "bold")
    head.append(f" {run.id}  ", "dim")
    head.append(run.status, style)
    head.append(f"  {duration(followed.seconds())}", "dim")
    if run.note:
        head.append(f"  {run.note}", "yellow")
    if followed.callers:
        head.append(f"  called by {', '.join(_runs(followed.callers))}", "dim")
    root = Tree(head, guide_style="dim")
    for step in followed.steps:
        _add(root, step, run.now, spin)
    if run.error and not _is_told(followed):
        _add_error(root, run.error, run.sqlstate, followed.detail)
    elif run.status == "completed":
        root.add(Text.assemble(("result ", "dim"), compact(result)))
    return root


def _spun(mark: str, status: str, spin: int | None) -> str:
    if spin is None or status not in ACTIVE:
        return mark
    return SPINNER[spin % len(SPINNER)]


def _add(parent: Tree, step: Step, now: datetime, spin: int | None) -> None:
    from rich.text import Text

    mark, style = MARKS[step.state]
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{_spun(mark, step.state, spin)} ", style)
    line.append(step.label, "dim" if step.state in ("pending", "skipped") else "bold")
    if step.name:
        line.append(f" {step.kind}", "dim")
    line.append(f"  {state(step)}", style)
    for fact in facts(step, now):
        line.append(f"  {fact}", "dim")
    if step.place and step.state in ("failed", *ACTIVE):
        line.append(f"  {step.place}", "dim")
    below = parent.add(line)
    if step.error and step.state != "completed":
        _add_error(below, step.error, step.sqlstate, step.detail)
    for arm in step.arms:
        _add_arm(below, step, arm, now, spin)


def _add_arm(
    parent: Tree, step: Step, arm: Arm, now: datetime, spin: int | None
) -> None:
    from rich.text import Text

    if step.kind == "loop":
        below = parent
    elif all(inner.state == "skipped" for inner in arm.steps):
        parent.add(Text(f"{arm.name}  not taken", "dim"))
        return
    else:
        below = parent.add(Text(arm.name, "italic"))
    for inner in arm.steps:
        _add(below, inner, now, spin)


def _is_told(followed: Followed) -> bool:
    """Say whether a step shows why the run failed, with all that is known of it."""
    detail = followed.detail
    return any(
        step.error == followed.run.error and detail in (None, step.detail)
        for step in walk(followed.steps)
    )


def _add_error(
    parent: Tree, message: str, sqlstate: str | None, detail: str | None
) -> None:
    from rich.text import Text

    told = parent.add(Text(_error(message, sqlstate), "red"))
    for line in (detail or "").splitlines():
        told.add(Text(line, "dim"))


def _error(message: str, sqlstate: str | None) -> str:
    return f"{message} ({sqlstate})" if sqlstate else message


# --- views ------------------------------------------------------------------------


class LiveTree:
    """Redraws the tree on a terminal, the spinner and the times between reads too."""

    def __init__(self, console: Console) -> None:
        from rich.live import Live

        self._followed: Followed | None = None
        self._spin = 0
        self._live = Live(
            get_renderable=self._draw,
            console=console,
            refresh_per_second=SPINS_PER_SECOND,
            transient=True,
        )

    def __enter__(self) -> LiveTree:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop drawing and remove the tree."""
        self._live.stop()

    def show(self, followed: Followed) -> None:
        """Show the run as it is now."""
        self._followed = followed

    def _draw(self) -> RenderableType:
        self._spin += 1
        return "" if self._followed is None else tree(self._followed, spin=self._spin)


class Lines:
    """Writes a line for every change of a step's state.

    Steps that hold steps have no lines: their state follows from the others.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._seen: dict[str, str] = {}
        self._counts: dict[str, int] = {}
        self._callers: frozenset[str] = frozenset()

    def _is_worth(self, step: Step, followed: Followed) -> bool:
        """Say whether to tell of a repetition: the first ones, then by half as many."""
        told = self._counts.get(step.path, 0)
        return followed.run.ended or step.executions >= max(told + 1, 1.5 * told - 5)

    def show(self, followed: Followed) -> None:
        """Write what changed since the last time."""
        self._show_callers(followed)
        for step in walk(followed.steps):
            if step.arms:
                continue
            said = state(step)
            if step.executions > 1:
                said += f" ({step.executions} times)"
                if step.state == "completed" and not self._is_worth(step, followed):
                    continue
            known = self._seen.get(step.path, "pending")
            if said != known and step.state != "skipped":
                self._counts[step.path] = step.executions
                self._seen[step.path] = said
                named = f"{step.name} ({step.kind})" if step.name else step.kind
                line = f"{step.path}  {named}  {said}"
                print(line, file=self._stream, flush=True)

    def _show_callers(self, followed: Followed) -> None:
        """Write who waits for the run when others do than the last time."""
        callers = frozenset(each.id for each in followed.callers)
        if callers - self._callers:
            said = ", ".join(_runs(followed.callers))
            print(f"called by {said}", file=self._stream, flush=True)
        self._callers |= callers


class Silence:
    """Shows nothing."""

    def show(self, followed: Followed) -> None:
        """Show nothing."""


@contextmanager
def view(*, quiet: bool) -> Iterator[View]:
    """Give the view that suits where stdout and stderr go."""
    if quiet:
        yield Silence()
    elif sys.stdout.isatty():
        with LiveTree(console()) as live:
            yield live
    else:
        yield Lines(sys.stderr)


def console() -> Console:
    """Return a console on stdout; wide where nobody's window limits it."""
    from rich.console import Console

    terminal = sys.stdout.isatty()
    return Console(
        width=None if terminal else 240,
        color_system="auto" if coloured(terminal) else None,
        highlight=False,
        soft_wrap=not terminal,
    )


# --- JSON -------------------------------------------------------------------------


def run_data(followed: Followed, result: Any) -> dict[str, Any]:
    """Return a run as data for `--json`."""
    run = followed.run
    name, _, version = (run.label or "").rpartition("@")
    return {
        "run": run.id,
        "workflow": name or run.label,
        "version": int(version) if version.isdigit() else None,
        "status": run.status,
        "result": result,
        "error": run.error,
        "sqlstate": run.sqlstate,
        "detail": followed.detail,
        "submitted_by": run.submitted_by,
        "created_at": _time(run.created_at),
        "started_at": _time(run.started_at),
        "completed_at": _time(run.completed_at),
        "seconds": round(followed.seconds(), 3),
        "note": run.note,
        "called_by": runs_data(followed.callers),
        "steps": [step_data(step, run.now) for step in followed.steps],
    }


def step_data(step: Step, now: datetime) -> dict[str, Any]:
    """Return a step as data for `--json`."""
    seconds = step.seconds(now)
    return {
        "path": step.path,
        "name": step.name,
        "kind": step.kind,
        "state": step.state,
        "file": step.file,
        "line": step.line,
        "seconds": None if seconds is None else round(seconds, 3),
        "started_at": _time(step.started_at),
        "finished_at": _time(step.finished_at),
        "rows": step.rows,
        "executions": step.executions,
        "attempts": step.attempts,
        "waits_for": step.waits_for if step.state == "waiting" else None,
        "wake_at": _time(step.wake_at),
        "called": runs_data(step.called if step.state == "waiting" else ()),
        "sql": step.sql,
        "error": step.error,
        "sqlstate": step.sqlstate,
        "detail": step.detail,
        "arms": {
            arm.name: [step_data(inner, now) for inner in arm.steps]
            for arm in step.arms
        },
    }


def runs_data(runs: Sequence[Called]) -> list[dict[str, str | None]]:
    """Return runs that are called, or that call, as data for `--json`."""
    return [{"run": e.id, "label": e.label, "status": e.status} for e in runs]


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
