"""Random workflows are the same ones in Python, and again in YAML."""

from __future__ import annotations

from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from perdure.frontend.python.convert import convert
from perdure.frontend.yaml import read
from perdure.source import Source
from tests.property import tree, written
from tests.property.workflows import workflows


def nothing(name: str) -> Source | None:
    """Return the file of a `sql_file`; drawn workflows have none."""
    return None


@settings(
    max_examples=30,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    deadline=None,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)
@given(workflows())
def test_drawn_workflows_survive_both_ways(workflow: tree.Workflow) -> None:
    source = Source("drawn.yaml", written.text(workflow, "drawn"))
    before, found = read(source, nothing)
    assert found == []
    (python,), _ = convert(source, nothing, Path("/"))
    assert python.exact, python.text
    (back,), _ = convert(Source("drawn.py", python.text), nothing, Path("/"))
    assert back.exact, back.text
    assert read(Source("again.yaml", back.text), nothing)[0] == before
