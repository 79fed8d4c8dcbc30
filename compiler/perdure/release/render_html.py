"""A diff as a page: both graphs side by side, what changed in colour.

The page is one file that loads nothing and runs nothing; a mail or the artifact of a
build can hold it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from perdure.graph.html import STYLE, render_graph
from perdure.graph.tree import tree
from perdure.release.classify import Point
from perdure.release.diff import Compiled, Diff, StepDiff, WorkflowDiff
from perdure.release.inflight import Affected
from perdure.release.render import (
    TOLD,
    label,
    point_text,
    sign,
    step_title,
    title,
    waits,
)

_STYLE = """\
:root { color-scheme: light dark; --text: #1f2328; --page: #fff; --box: #f6f8fa;
  --line: #d0d7de; --dim: #656d76; --added: #1a7f37; --added-box: #dafbe1;
  --removed: #cf222e; --removed-box: #ffebe9; --changed: #9a6700;
  --changed-box: #fff8c5; --moved: #0969da; --moved-box: #ddf4ff; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --page: #0d1117;
  --box: #161b22; --line: #30363d; --dim: #8d96a0; --added: #3fb950;
  --added-box: #12261e; --removed: #f85149; --removed-box: #25171c;
  --changed: #d29922; --changed-box: #272115; --moved: #4493f8;
  --moved-box: #121d2f; } }
body { font: 14px/1.45 system-ui, sans-serif; color: var(--text);
  background: var(--page); margin: 2em auto; max-width: 80em; padding: 0 1em; }
code, pre { font: 12px/1.45 ui-monospace, monospace; }
h2 { border-bottom: 1px solid var(--line); padding-bottom: .2em; }
.breaking { color: var(--removed); } .compatible { color: var(--added); }
.metadata { color: var(--dim); }
table { border-collapse: collapse; }
th, td { text-align: left; padding: .2em 1em .2em 0; vertical-align: top;
  border-bottom: 1px solid var(--line); }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: 2em; margin: 1em 0; }
.sides > div { min-width: 0; } .sides h3 { text-align: center; }
pre { background: var(--box); border: 1px solid var(--line); border-radius: 6px;
  padding: .5em; overflow-x: auto; }
ins { color: var(--added); text-decoration: none; }
del { color: var(--removed); text-decoration: none; }
.key span { border: 1px solid; border-radius: 6px; padding: 0 .5em;
  margin-right: .5em; }
"""
_KEY = "".join(
    f'<span class="{each}">{each}</span>'
    for each in ("added", "removed", "changed", "moved")
)


def render_html(
    diff: Diff,
    before: Mapping[str, Compiled],
    after: Mapping[str, Compiled],
    runs: Sequence[Affected] = (),
) -> str:
    """Return the diff as a page; `before` and `after` are what was compared."""
    body = [_workflow(each, before, after) for each in diff.workflows]
    if not body:
        body = ["<p>No differences.</p>"]
    if runs:
        body.append(_runs(runs))
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Workflow changes</title>\n<style>\n{_STYLE}{STYLE}</style>\n</head>\n"
        f'<body>\n<h1>Workflow changes</h1>\n<p class="key">{_KEY}</p>\n'
        + "\n".join(body)
        + "\n</body>\n</html>\n"
    )


def _workflow(
    each: WorkflowDiff, before: Mapping[str, Compiled], after: Mapping[str, Compiled]
) -> str:
    old = before.get(each.old_name or each.name)
    new = after.get(each.name)
    left = {step.old_path: step.change for step in each.steps if step.old_path}
    right = {step.new_path: step.change for step in each.steps if step.new_path}
    head = f'{escape(title(each))}: <span class="{each.effect}">{each.effect}</span>'
    sides = _side("before", old, left) + "\n" + _side("after", new, right)
    reason = ""
    if each.whole is not None and each.whole.rule in TOLD:
        reason = f"<p>{escape(each.whole.reason)}</p>\n"
    texts = "\n".join(_step(step) for step in each.steps if step.text)
    return (
        f'<section id="{escape(each.name)}">\n<h2>{head}</h2>\n{reason}'
        f"{_points([*each.interface, *each.metadata])}"
        f'<div class="sides">\n{sides}\n</div>\n{texts}\n</section>'
    )


def _side(name: str, side: Compiled | None, marks: Mapping[str, str]) -> str:
    drawn = "<p>not there</p>" if side is None else "<p>does not compile</p>"
    if side is not None and side.ir is not None:
        drawn = render_graph(tree(side.ir), marks)
    return f'<div class="{name}"><h3>{name}</h3>\n{drawn}</div>'


def _points(found: Sequence[Point]) -> str:
    if not found:
        return ""
    rows = "\n".join(_row(each) for each in found)
    head = "<tr><th>Change</th><th>Class</th><th>Why</th><th>Where</th></tr>"
    return f"<table>\n{head}\n{rows}\n</table>\n"


def _row(each: Point) -> str:
    cells = (
        f"<code>{escape(sign(each))} {escape(point_text(each))}</code>",
        f'<span class="{each.effect}">{each.effect}</span>',
        escape(each.reason),
        escape(each.place or ""),
    )
    return "<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>"


def _step(step: StepDiff) -> str:
    lines = "\n".join(_line(line) for line in step.text)
    return f"<h4>{escape(step_title(step))}</h4>\n<pre>{lines}</pre>"


def _line(line: str) -> str:
    element = {"+": "ins", "-": "del"}.get(line[:1])
    text = escape(line)
    return f"<{element}>{text}</{element}>" if element else text


def _runs(runs: Sequence[Affected]) -> str:
    items = []
    for each in runs:
        lines = "".join(f"<li>{escape(x)}</li>" for x in (*waits(each), *each.meaning))
        name = f"<code>{escape(label(each))}</code>: {each.runs.runs}"
        items.append(f"<li>{name}<ul>{lines}</ul></li>")
    return "<h2>Runs in flight</h2>\n<ul>\n" + "\n".join(items) + "\n</ul>"
