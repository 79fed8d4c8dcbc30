"""A diff for people (text, markdown) and for programs (JSON)."""

from __future__ import annotations

import json

from perdure.dump import to_data
from perdure.release.diff import Diff, StepDiff, WorkflowDiff

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "moved": ">"}
_NOTHING = "no differences"


def render_text(diff: Diff, colour: bool = False) -> str:
    """Return the diff for a terminal."""
    lines: list[str] = []
    for each in diff.workflows:
        lines.append(f"{_SIGNS[each.change]} workflow {each.name}, {each.change}")
        lines += _signature(each)
        for step in each.steps:
            lines.append(f"  {_SIGNS[step.change]} {_title(step)}")
            lines += [f"      {line}" for line in step.text]
        lines.append("")
    if not lines:
        return f"{_NOTHING}\n"
    return "\n".join(map(_coloured, lines) if colour else lines)


def _coloured(line: str) -> str:
    """Colour a line by its sign: what came, what went, what is about a step."""
    sign = line.strip()[:1]
    colour = {"+": "32", "-": "31", "~": "33", ">": "36"}.get(sign)
    return f"\x1b[{colour}m{line}\x1b[0m" if colour else line


def render_markdown(diff: Diff) -> str:
    """Return the diff for a comment on a pull request."""
    if not diff.workflows:
        return f"{_NOTHING.capitalize()}.\n"
    lines: list[str] = []
    for each in diff.workflows:
        lines += [f"### Workflow `{each.name}`: {each.change}", ""]
        lines += [f"{_signature_sentence(each)}", ""]
        if each.signature:
            lines += _fenced(each.signature)
        for step in each.steps:
            lines += [f"**{_title(step)}**", "", *_fenced(step.text)]
    return "\n".join(lines).rstrip("\n") + "\n"


def render_json(diff: Diff) -> str:
    """Return the diff as JSON."""
    workflows = [
        {
            "name": each.name,
            "change": each.change,
            "signature_changed": bool(each.signature),
            "signature": list(each.signature),
            "steps": [_step_data(step) for step in each.steps],
        }
        for each in diff.workflows
    ]
    return json.dumps({"workflows": workflows}, indent=2, ensure_ascii=False) + "\n"


def _step_data(step: StepDiff) -> dict[str, object]:
    data = to_data(step)
    return {key: value for key, value in data.items() if key != "is"}


def _title(step: StepDiff) -> str:
    what = f"{step.kind} {step.name}" if step.name else step.kind
    place = step.new_path or step.old_path
    if step.moved and step.old_path != step.new_path:
        place = f"{step.old_path} -> {step.new_path}"
    change = (
        "changed and moved"
        if step.change == "changed" and step.moved
        else (step.change)
    )
    return f"{what}, {change} ({place})"


def _signature(each: WorkflowDiff) -> list[str]:
    if not each.signature:
        return ["  signature unchanged"]
    return ["  signature:", *(f"      {line}" for line in each.signature)]


def _signature_sentence(each: WorkflowDiff) -> str:
    return "Signature:" if each.signature else "Signature unchanged."


def _fenced(lines: tuple[str, ...]) -> list[str]:
    """Return lines as a diff block, fenced by more marks than stand in them."""
    if not lines:
        return []
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    return [f"{fence}diff", *lines, fence, ""]
