"""Random graphs against the reference, and the laws of the language."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings

from tests.runtime.conformance.drive import conforms, observe
from tests.runtime.conformance.graph import (
    As,
    If,
    Join,
    Leaf,
    Loop,
    Node,
    Race,
    Repeat,
    Retry,
    Seq,
    Sleep,
    Timeout,
    walk,
)
from tests.runtime.conformance.strategies import graphs, numbered
from tests.runtime.engine.db import Db

checked = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
    ],
)
LONG = Sleep(10)  # longer than all timers of a random graph together


@checked
@given(graphs())
def test_random_graph(db: Db, graph: Node) -> None:
    conforms(graph, observe(db, graph))


@pytest.mark.slow
@settings(checked, max_examples=600)
@given(graphs())
def test_many_random_graphs(db: Db, graph: Node) -> None:
    conforms(graph, observe(db, graph))


def same(db: Db, one: Node, other: Node) -> None:
    """Check that two graphs of the same leaves do the same.

    What runs side by side may run in another order, and so decide a race otherwise.
    """
    kinds = {type(each) for each in walk(one)} | {type(each) for each in walk(other)}
    assume(Race not in kinds)
    first, second = observe(db, one), observe(db, other)
    assert Counter(first.leaves) == Counter(second.leaves)
    assert (first.status, first.result) == (second.status, second.result)
    assert first.sqlstate == second.sqlstate
    if Join not in kinds:
        assert first.leaves == second.leaves
        assert first.effects == second.effects


@settings(checked, max_examples=20)
@given(graphs(), graphs(), graphs())
def test_seq_is_associative(db: Db, a: Node, b: Node, c: Node) -> None:
    flat = numbered(Seq((a, b, c)))
    assume(_few(flat))
    assert isinstance(flat, Seq)
    a, b, c = flat.nodes
    same(db, Seq((a, Seq((b, c)))), Seq((Seq((a, b)), c)))
    same(db, flat, Seq((a, Seq((b, c)))))


@settings(checked, max_examples=30)
@given(graphs())
def test_what_adds_nothing(db: Db, a: Node) -> None:
    same(db, Seq((a,)), a)
    same(db, Retry(a, 1), a)


@settings(checked, max_examples=20)
@given(graphs(calm=True), graphs(calm=True))
def test_if_is_one_of_its_arms(db: Db, a: Node, b: Node) -> None:
    both = numbered(Seq((Leaf(0, (True,)), a, b)))
    assume(_few(both))
    assert isinstance(both, Seq)
    condition, a, b = both.nodes
    no = Leaf(1, (False,))
    same(db, If(condition, a, b), Seq((condition, a)))
    same(db, If(no, b, a), Seq((no, a)))


@settings(checked, max_examples=20)
@given(graphs(calm=True), graphs(calm=True))
def test_join_is_commutative(db: Db, a: Node, b: Node) -> None:
    """Up to the order of results, and of what ran side by side."""
    both = numbered(Join((a, b)))
    assume(_few(both) and not any(isinstance(each, Race | As) for each in walk(both)))
    assert isinstance(both, Join)
    a, b = both.nodes
    one, other = observe(db, Join((a, b))), observe(db, Join((b, a)))
    assert Counter(one.leaves) == Counter(other.leaves)
    assert one.status == other.status
    assert isinstance(one.result, list)
    assert one.result[::-1] == other.result


@settings(checked, max_examples=20)
@given(graphs(calm=True))
def test_race_against_a_long_timer_is_the_other_branch(db: Db, a: Node) -> None:
    assume(not any(isinstance(each, Race | Join) for each in walk(a)))
    seen = observe(db, a)
    for raced in (Race((a, LONG)), Race((LONG, a))):
        again = observe(db, raced)
        assert (again.leaves, again.result) == (seen.leaves, seen.result)


@settings(checked, max_examples=20)
@given(graphs(calm=True))
def test_a_loop_whose_condition_is_false_once_runs_once(db: Db, a: Node) -> None:
    assume(not any(isinstance(each, Race) for each in walk(a)))
    seen = observe(db, a)
    for looped in (
        Loop(a, Leaf(59, (False,))),
        Repeat(a, until=Leaf(59, (True,))),
        Repeat(a, before=Leaf(59, (True, False))),
    ):
        again = observe(db, looped)
        once = [each for each in again.leaves if each != 59]
        assert Counter(once) == Counter(seen.leaves)
        assert again.result == seen.result


def _few(graph: Node) -> bool:
    leaves = sum(isinstance(each, Leaf) for each in walk(graph))
    timers = sum(isinstance(each, Sleep | Timeout) for each in walk(graph))
    return leaves < 50 and timers <= 8
