"""What lowering leaves out by itself, read off the IR and its plan."""

from __future__ import annotations

from collections.abc import Iterator

from perdure.ir.tree import LetStep, SqlStep, Workflow
from perdure.optimise.report import Rewrite
from perdure.optimise.steps import Uses, every_step, uses_of
from perdure.plan.tree import Plan, Sql
from perdure.plan.walk import every


def lowered(workflow: Workflow, plan: Plan) -> list[Rewrite]:
    """Return what has no node, and what is not kept because nobody reads it.

    `workflow` is what was lowered, without calls that are inlined, and `plan` what
    came of it.
    """
    nodes = [node for node in every(plan.root) if isinstance(node, Sql)]
    values = {node.origin.path for node in nodes if node.origin.role == "value"}
    statements = {n.origin.path: n for n in nodes if n.origin.role == "sql"}
    uses = uses_of(workflow)
    found: list[Rewrite] = []
    for step in every_step(workflow.steps):
        match step:
            case LetStep(head=head) if head.path not in values:
                found.append(Rewrite(head.path, "let", "`let` inlined: no node"))
            case SqlStep(head=head) if head.path in statements:
                found += _captured(step, statements[head.path], uses)
    return list(dict.fromkeys(found))


def _captured(step: SqlStep, node: Sql, uses: Uses) -> Iterator[Rewrite]:
    if step.variable is None:
        return
    if node.result is None:
        why = f'result "{step.head.name}" not kept: nothing reads it'
        yield Rewrite(step.head.path, "capture", why)
        return
    read, rows = uses.columns[step.variable], step.variable in uses.row_sets
    left_out = [field.name for field in step.columns if field.name not in read]
    exported = step.variable in uses.exported
    if left_out and not rows and not exported:
        why = f"columns not kept, nothing reads them: {', '.join(left_out)}"
        yield Rewrite(step.head.path, "columns", why)
