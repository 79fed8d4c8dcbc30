"""Names across rounds: what an earlier round has bound, and a later one has not yet."""

from __future__ import annotations

from tests.runtime.conformance.drive import conforms, observe
from tests.runtime.conformance.graph import (
    As,
    Fail,
    If,
    Join,
    Leaf,
    Loop,
    Race,
    Seq,
    Sleep,
)
from tests.runtime.engine.db import Db

ONCE_MORE = Leaf(9, (True, False))


def test_a_branch_sees_what_its_sibling_bound_in_the_round_before(db: Db) -> None:
    later = Seq((Sleep(1), Leaf(2)))
    seen = observe(db, Loop(Join((As(Leaf(1, (1, 2)), "x"), later)), ONCE_MORE))
    assert [each.reads for each in seen.trace if each.leaf == 2] == [[None], [1]]


def test_a_loser_does_not_take_its_name_of_an_earlier_round_away(db: Db) -> None:
    slow_later = If(Leaf(4, (False, True)), Sleep(2))
    binds = Seq((As(Leaf(1, (1, 2)), "x"), slow_later))
    seen = observe(db, Loop(Seq((Race((binds, Sleep(1))), Leaf(8))), ONCE_MORE))
    assert [each.reads for each in seen.trace if each.leaf == 8] == [[1], [1]]


def test_a_failure_does_not_take_the_name_of_an_earlier_round_away(db: Db) -> None:
    failing = As(Leaf(1, (1, Fail())), "x")
    seen = observe(db, Loop(failing, ONCE_MORE, go_on=True))
    assert [each.reads for each in seen.trace if each.leaf == 9] == [[1], [1]]


def test_a_failure_in_a_branch_leaves_what_the_branch_had_bound(db: Db) -> None:
    """An inner round binds, the next one fails; then the branch ends and is read."""
    inner = Loop(As(Leaf(1, (1, Fail(), Fail())), "x"), Leaf(2, (True, False)), True)
    graph = Seq((Join((inner, Sleep(1))), Leaf(3)))
    seen = observe(db, graph)
    conforms(graph, seen)
    assert [each.reads for each in seen.trace if each.leaf == 3] == [[1]]


def test_results_of_three_frames_at_once(db: Db) -> None:
    """In the second round a loser binds anew inside of a branch that binds anew."""
    late = If(Leaf(4, (False, True)), Sleep(2))
    inner = Race((Seq((As(Leaf(1, (1, 2, 3, 4)), "x"), late)), Sleep(1)))
    branch = Seq((inner, Leaf(5)))
    graph = Loop(Seq((Join((branch, Sleep(3))), Leaf(6))), ONCE_MORE)
    seen = observe(db, graph)
    conforms(graph, seen)
    assert [each.reads for each in seen.trace if each.leaf in (5, 6)] == [[1]] * 4
