"""A diff for people (text, markdown) and for programs (JSON)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from perdure.release.classify import Point
from perdure.release.diff import Diff, StepDiff, WorkflowDiff
from perdure.release.inflight import Affected

FORMAT = 1
"""The version of the JSON; it goes up when a member changes or goes."""

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">", "renamed": "~"}
TOLD = (
    "schema-changed",
    "ring-changed",
    "workflow-not-compared",
    "workflow-unfit",
    "workflow-removed",
    "workflow-renamed",
)
"""Rules whose reason is told where nothing else tells what changed."""

_NOTHING = "no differences"
_WIDTH = 100


def render_text(diff: Diff, colour: bool = False, runs: Sequence[Affected] = ()) -> str:
    """Return the diff for a terminal."""
    lines: list[str] = []
    for each in diff.workflows:
        lines.append(f"{_SIGNS[each.change]} workflow {title(each)}: {each.effect}")
        if each.whole is not None and each.whole.rule in TOLD:
            lines.append(f"  {each.whole.reason}")
        lines += _section("interface", each.interface)
        lines += _section("metadata", each.metadata)
        if each.change == "removed":
            continue
        for step in each.steps:
            lines.append(f"  {_SIGNS[step.change]} {step_title(step)}")
            lines += [f"      {line}" for line in step.text]
    if not lines:
        lines.append(_NOTHING)
    for flight in runs:
        lines.append(f"runs in flight on {label(flight)}: {flight.runs.runs}")
        lines += [f"  {line}" for line in waits(flight)]
        lines += [f"  ! {line}" for line in flight.meaning]
    lines.append("")
    return "\n".join(map(_coloured, lines) if colour else lines)


def _section(name: str, found: Sequence[Point]) -> list[str]:
    lines = [f"  {name}:"] if found else []
    for each in found:
        lines.append(f"    {sign(each)} {point_text(each)}")
        where = f" ({each.place})" if each.place else ""
        lines.append(f"      {each.effect}: {each.reason}{where}")
    return lines


def _coloured(line: str) -> str:
    """Colour a line by its sign: what came, what went, what is about a step."""
    first = line.strip()[:1]
    colour = {"+": "32", "-": "31", "~": "33", ">": "36", "!": "33"}.get(first)
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def render_markdown(diff: Diff, runs: Sequence[Affected] = ()) -> str:
    """Return the diff for a comment on a pull request."""
    lines: list[str] = []
    for each in diff.workflows:
        lines += [f"### Workflow {_code(each.name)}: {_heading(each)}", ""]
        if each.whole is not None and each.whole.rule in TOLD:
            lines += [f"{each.whole.reason.capitalize()}.", ""]
        lines += _table([*each.interface, *each.metadata])
        if each.change == "removed":
            continue
        for step in each.steps:
            lines += [f"**{_code_title(step)}**", "", *_fenced(step.text)]
    if not lines:
        lines += [f"{_NOTHING.capitalize()}.", ""]
    if runs:
        lines += ["### Runs in flight", ""]
        for flight in runs:
            count = flight.runs.runs
            lines.append(f"- {_code(label(flight))}: {count}")
            lines += [f"  - {_plain(line)}" for line in waits(flight)]
            lines += [f"  - {_plain(line)}" for line in flight.meaning]
    return "\n".join(lines).rstrip("\n") + "\n"


def _heading(each: WorkflowDiff) -> str:
    was = f" (was {_code(each.old_name)})" if each.old_name else ""
    return f"{each.change}{was}, **{each.effect}**"


def _table(found: Sequence[Point]) -> list[str]:
    if not found:
        return []
    lines = ["| Change | Class | Why |", "|---|---|---|"]
    for each in found:
        where = f" ({_code(each.place)})" if each.place else ""
        what = f"{sign(each)} {point_text(each)}"
        lines.append(f"| {_cell(what)}{where} | {each.effect} | {each.reason} |")
    return [*lines, ""]


def render_json(diff: Diff, runs: Sequence[Affected] = ()) -> str:
    """Return the diff as JSON, whose form `format` numbers."""
    data = {
        "format": FORMAT,
        "effect": diff.effect,
        "workflows": [_workflow_data(each) for each in diff.workflows],
        "runs": [_runs_data(each) for each in runs],
    }
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _workflow_data(each: WorkflowDiff) -> dict[str, object]:
    return {
        "name": each.name,
        "old_name": each.old_name,
        "change": each.change,
        "effect": each.effect,
        "rule": each.whole.rule if each.whole else None,
        "interface": [_point_data(point) for point in each.interface],
        "metadata": [_point_data(point) for point in each.metadata],
        "steps": [_step_data(step) for step in each.steps],
    }


def _point_data(each: Point) -> dict[str, object]:
    names = ("what", "name", "before", "after", "rule", "effect", "reason", "place")
    return {name: getattr(each, name) for name in names}


def _step_data(each: StepDiff) -> dict[str, object]:
    names = ("change", "kind", "name", "old_path", "new_path", "moved", "place")
    data = {name: getattr(each, name) for name in names}
    return {**data, "effect": "compatible", "text": list(each.text)}


def _runs_data(each: Affected) -> dict[str, object]:
    return {
        "workflow": each.runs.workflow,
        "version": each.runs.version,
        "runs": each.runs.runs,
        "waiting": [
            {
                "what": wait.what,
                "signal": wait.signal,
                "step": wait.step,
                "place": wait.place,
                "runs": wait.runs,
            }
            for wait in each.runs.waiting
        ],
        "meaning": list(each.meaning),
    }


def title(each: WorkflowDiff) -> str:
    """Return the name of a workflow and what became of it."""
    was = f" from {each.old_name}" if each.old_name else ""
    return f"{each.name}, {each.change}{was}"


def step_title(step: StepDiff) -> str:
    """Return a step's kind and name, what became of it, and where it stands."""
    what = f"{step.kind} {step.name}" if step.name else step.kind
    place = step.new_path or step.old_path
    if step.moved and step.old_path != step.new_path:
        place = f"{step.old_path} -> {step.new_path}"
    both = step.change == "changed" and step.moved
    change = "changed and moved" if both else step.change
    return f"{what}, {change} ({place})"


def sign(each: Point) -> str:
    """Return `+`, `-` or `~`."""
    if each.before is None:
        return "+"
    return "-" if each.after is None else "~"


def point_text(each: Point) -> str:
    """Return a point on one line: `input limit: numeric -> text`."""
    what = f"{each.what} {each.name}" if each.name else each.what
    texts = [_short(text) for text in (each.before, each.after) if text is not None]
    said = " -> ".join(text for text in texts if text != each.name)
    return f"{what}: {said}" if said else what


def label(each: Affected) -> str:
    """Return `name@version`."""
    return f"{each.runs.workflow}@{each.runs.version}"


def waits(each: Affected) -> list[str]:
    """Return where runs are, a line each."""
    lines = []
    for wait in each.runs.waiting:
        what = f'signal "{wait.signal}"' if wait.signal else wait.what
        where = f" ({wait.place})" if wait.place else ""
        lines.append(f"{wait.runs} at {wait.step}: {what}{where}")
    return lines


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 1].rstrip() + "…"


def _code(text: str) -> str:
    return f"`{text}`"


def _plain(text: str) -> str:
    """Keep names out of markdown's hands."""
    for mark in "\\`*_<>[]|":
        text = text.replace(mark, f"\\{mark}")
    return text


def _cell(text: str) -> str:
    """Return text as code in a cell of a table."""
    fence = "`"
    while fence in text:
        fence += "`"
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text.replace('|', chr(92) + '|')}{pad}{fence}"


def _code_title(step: StepDiff) -> str:
    return _plain(step_title(step))


def _fenced(lines: tuple[str, ...]) -> list[str]:
    """Return lines as a diff block, fenced by more marks than stand in them."""
    if not lines:
        return []
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return [f"{fence}diff", *lines, fence, ""]
