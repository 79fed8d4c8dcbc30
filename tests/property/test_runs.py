"""Random workflows do what the model says, compiled and run on PostgreSQL."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, reject, settings
from hypothesis import strategies as st
from psycopg import sql

from tests.property import model, tree, written
from tests.property.model import Event, Prediction
from tests.property.runs import Bench, Seen, Signal, bench
from tests.property.values import Ambiguous
from tests.property.workflows import workflows

MOST_TRIED = 10_000
"""Ways to tell items that write alike apart, before a comparison gives up."""
NUMBERS = itertools.count(1)
QUIET = settings(
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as opened:
        yield opened


@settings(QUIET, max_examples=60)
@given(workflows(), st.booleans())
def test_runs_agree_with_the_model(
    workbench: Bench, workflow: tree.Workflow, optimised: bool
) -> None:
    agrees(workbench, workflow, optimised)


@pytest.mark.slow
@settings(QUIET, max_examples=120)
@given(workflows(steps=40), st.booleans())
def test_many_long_runs_agree_with_the_model(
    workbench: Bench, workflow: tree.Workflow, optimised: bool
) -> None:
    agrees(workbench, workflow, optimised)


def agrees(workbench: Bench, workflow: tree.Workflow, optimised: bool = True) -> None:
    """Run a workflow and compare what it did with what the model says."""
    workbench.compiler.optimise = optimised
    name = f"w{next(NUMBERS)}"
    try:
        expected = model.predict(workflow, name)
    except Ambiguous:
        reject()
    text = written.text(workflow, name)
    note(text)
    note(workbench.deploy(text, name))
    inputs = {each.name: typed(each) for each in workflow.inputs if each.given}
    sent = [
        Signal(m.at, m.signal, json.dumps({"n": m.n, "s": m.s}))
        for m in workflow.messages
    ]
    seen = workbench.run(name, inputs, sent)
    compare(seen, expected)


def typed(each: tree.Input) -> sql.Composable:
    """Return the value of an input as a typed constant."""
    value = str(each.value) if isinstance(each.value, Decimal) else each.value
    return sql.SQL("{}::{}").format(sql.Literal(value), sql.SQL(each.type))


def compare(seen: Seen, expected: Prediction) -> None:
    """Assert that a run ended as predicted and wrote what it had to, in order."""
    assert (seen.status, seen.error) == (
        expected.status,
        expected.value if expected.status == "failed" else None,
    )
    # Of a run that goes on the model has the last failure that was caught.
    assert seen.sqlstate == (expected.state if expected.status == "failed" else None)
    assert expected.status == "running" or seen.end == expected.end
    if expected.status == "completed":
        assert seen.result["row_count"] == 1
        assert exact(seen.result["rows"]) == exact([{"result": expected.value}])
    wrong = differences(seen.rows, expected.events)
    assert not wrong, (wrong, seen.rows, expected.events)


def exact(value: Any) -> Any:
    """Return JSON in a form in which 1, 1.0, 1.00 and true are all different."""
    match value:
        case dict():
            return {key: exact(item) for key, item in value.items()}
        case list():
            return [exact(item) for item in value]
        case bool() | None | str():
            return repr(value)
        case int() | Decimal():
            return format(Decimal(value), "f")
    raise TypeError(value)


def differences(
    rows: tuple[tuple[str, Any], ...], events: tuple[Event, ...]
) -> str | None:
    """Say what is wrong with the order of what was written, or None.

    Of items side by side, each may have written a row that others write, too: what one
    of them cannot have written is tried with the next one.
    """
    told: list[str] = []
    tried: set[frozenset[int]] = set()
    paths = [frozenset(range(len(events)))]
    while paths and len(tried) < MOST_TRIED:
        left = paths.pop()
        if left in tried:
            continue
        tried.add(left)
        if len(events) - len(left) == len(rows):
            missing = [events[each] for each in sorted(left) if events[each].certain]
            if not missing:
                return None
            told.append(f"{missing} were not written")
            continue
        wrong, found = candidates(rows[len(events) - len(left)], left, events)
        told += [wrong] if wrong else []
        paths += [left - {each} for each in reversed(found)]
    return told[0] if told else "too many ways to tell the items apart"


def candidates(
    row: tuple[str, Any], left: frozenset[int], events: tuple[Event, ...]
) -> tuple[str | None, list[int]]:
    """Return which events a row can be of, in order; or why of none."""
    order = sorted(left)
    alike = [i for i in order if (events[i].marker, events[i].value) == row]
    if not alike:
        return f"{row} was not to be written, or not once more", []
    found: list[int] = []
    early: list[Event] = []
    for each in alike:
        early = [
            events[i]
            for i in order
            if events[i].certain and comes_before(i, events[i], each, events[each])
        ]
        if not early:
            found.append(each)
    return (None, found) if found else (f"{row} came before {early}", [])


def comes_before(index: int, event: Event, other: int, later: Event) -> bool:
    """Say whether one event must come before another; indexes are the model's order."""
    for one, two in zip(event.thread, later.thread, strict=False):
        if one != two:
            if one[0] == two[0]:
                return event.at < later.at
            break
    return index < other
