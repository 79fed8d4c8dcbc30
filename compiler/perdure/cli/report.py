"""What optimising did to workflows, as text or data."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from perdure.optimise import Report
    from perdure.pipeline import Checked, Compiler


def reports(compiler: Compiler, checked: Checked) -> list[Report]:
    """Return the report of each workflow, in the order of their names."""
    from perdure.planning import report_of

    found = []
    for unit in sorted(checked.units, key=lambda each: each.name or ""):
        ir = compiler.complete(unit).ir
        if ir is not None:
            found.append(report_of(ir, compiler.target))
    return found


def data_of(listed: Iterable[Report]) -> list[dict[str, Any]]:
    """Return reports as JSON prints them."""
    return [asdict(each) for each in listed]


def print_reports(listed: Iterable[Report]) -> None:
    """Print reports: a line for the workflow, and one for each rewrite."""
    for report in listed:
        typer.echo(f"{report.workflow}: {_size(report)}")
        for each in report.rewrites:
            typer.echo(f"  {each.path}: {each.why}")


def _size(report: Report) -> str:
    nodes = f"{report.after} node{'' if report.after == 1 else 's'}"
    if report.before == report.after:
        return nodes
    return f"{nodes}, {report.before} without optimising"
