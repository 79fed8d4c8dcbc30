"""What plans cost on each target."""

from __future__ import annotations

import itertools

import pytest

from perdure.planning import costs_of
from perdure.targets.capabilities import NEWEST, OLDEST, VERSIONS, version_of
from perdure.targets.cost import Cost, StepCost
from perdure.targets.known import PERDURE, extension
from tests.unit.lower.workbench import PG_DURABLE, Workbench, known

ORDERS = "- {name: orders, sql: 'select id, status from shop.orders'}\n"
UPDATE = "{sql: \"update shop.orders set status = 'x' where id = :o.id\"}"


def cost(bench: Workbench, text: str, target: str = "perdure") -> Cost:
    found = costs_of(bench.ir(text), known(target))
    assert isinstance(found, Cost), found
    return found


def step(bench: Workbench, text: str, path: str, target: str = PG_DURABLE) -> StepCost:
    return next(each for each in cost(bench, text, target).steps if each.path == path)


def test_nodes_and_statements_by_step(bench: Workbench) -> None:
    text = """
- {name: order, sql: select id from shop.orders where id = 1}
- if: order.id > 1
  then: [{sleep: 5s}]
  else: [{sleep: 2s}, {sql: delete from shop.audit where id = 1}]
"""
    found = cost(bench, text)
    assert [
        (each.path, each.kind, each.nodes, each.statements) for each in found.steps
    ] == [
        ("steps", "workflow", 2, 1),
        ("steps[0]", "sql", 1, 1),
        ("steps[1]", "if", 3, 1),
        ("steps[1].then[0]", "sleep", 1, 0),
        ("steps[1].else[0]", "sleep", 1, 0),
        ("steps[1].else[1]", "sql", 1, 1),
    ]
    assert (found.nodes, found.statements) == (9, 4)
    assert (found.longest, found.seconds) == (4, 2.0)


def test_the_least_time(bench: Workbench) -> None:
    both = "{a: [{sleep: 3s}], b: [{sleep: 1s}, {sleep: 1s}]}"
    assert cost(bench, f"- parallel: {both}").seconds == 3
    assert cost(bench, f"- race: {both}").seconds == 2


def test_a_wait_is_a_loop_on_the_extension(bench: Workbench) -> None:
    text = "- {name: ok, wait_for_signal: ok, timeout: 1d}"
    here, there = (step(bench, text, "steps[0]", t) for t in ("perdure", PG_DURABLE))
    assert (here.kind, there.kind) == ("signal", "signal")
    assert (here.nodes, here.seconds_per_round) == (1, None)
    assert there.nodes > 5
    assert there.seconds_per_round == 1


@pytest.mark.parametrize(
    ("keys", "body", "rows"),
    [
        ("", UPDATE, 8),
        ("\n  max_parallel: 4", UPDATE, 32),
        ("", "{if: o.status = 'x', then: [continue]}, " + UPDATE, 1),
    ],
)
def test_rows_a_second(bench: Workbench, keys: str, body: str, rows: int) -> None:
    text = f"{ORDERS}- foreach: o in orders{keys}\n  do: [{body}]"
    assert step(bench, text, "steps[1]").rows_per_second == rows
    assert step(bench, text, "steps[1]", "perdure").rows_per_second is None


def test_a_loop_in_a_loop_counts_once(bench: Workbench) -> None:
    inner = f"{{foreach: p in orders, do: [{UPDATE}]}}"
    text = f"{ORDERS}- foreach: o in orders\n  do: [{inner}]"
    assert step(bench, text, "steps[1].do[0]").rows_per_second == 8


# --- versions -------------------------------------------------------------------


def test_versions_are_in_order_and_keep_what_came() -> None:
    numbers = [each.number for each in VERSIONS]
    assert numbers == sorted(numbers)
    sets = [extension(number).capabilities for number in numbers]
    assert all(one <= two for one, two in itertools.pairwise(sets))
    assert sets[0] == frozenset()


def test_a_version_between_and_after_those_that_are_known() -> None:
    newer = version_of((0, 3))
    assert newer.adds == version_of(NEWEST).adds
    assert newer.rounds == 8_388_608
    assert version_of((0, 2, 5, 1)).adds == version_of((0, 2, 5)).adds
    assert version_of(OLDEST).depth == 120


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("- wait_for_schedule: 0 9 * * MON", (0, 2, 4)),
        ("- {name: ok, wait_for_signal: ok, timeout: 1d}", (0, 2, 5)),
        ("- sleep: interval '1 hour' * id", (0, 2, 5)),
        ("- loop: [{sleep: 1s}]\n  while: id > 1", (0, 2, 5)),
        ("- sleep: 1h", (0, 2, 2)),
    ],
)
def test_since_which_version(
    bench: Workbench, text: str, since: tuple[int, ...]
) -> None:
    ir = bench.ir(text)
    served = [
        each.number
        for each in VERSIONS
        if isinstance(costs_of(ir, extension(each.number)), Cost)
    ]
    assert served[0] == since
    assert served[-1] == NEWEST
    assert isinstance(costs_of(ir, PERDURE), Cost)
