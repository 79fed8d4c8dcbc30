"""Where the runtime is known to differ from the reference."""

from __future__ import annotations

import pytest

from tests.runtime.conformance.drive import observe
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


@pytest.mark.xfail(strict=True, reason="a node's result is kept once, not per branch")
def test_a_branch_sees_what_its_sibling_bound_in_the_round_before(db: Db) -> None:
    later = Seq((Sleep(1), Leaf(2)))
    seen = observe(db, Loop(Join((As(Leaf(1, (1, 2)), "x"), later)), ONCE_MORE))
    assert [each.reads for each in seen.trace if each.leaf == 2] == [[None], [1]]


@pytest.mark.xfail(strict=True, reason="a node's result is kept once, not per branch")
def test_a_loser_does_not_take_its_name_of_an_earlier_round_away(db: Db) -> None:
    slow_later = If(Leaf(4, (False, True)), Sleep(2))
    binds = Seq((As(Leaf(1, (1, 2)), "x"), slow_later))
    seen = observe(db, Loop(Seq((Race((binds, Sleep(1))), Leaf(8))), ONCE_MORE))
    assert [each.reads for each in seen.trace if each.leaf == 8] == [[1], [1]]


@pytest.mark.xfail(strict=True, reason="a failure takes the place of the last result")
def test_a_failure_does_not_take_the_name_of_an_earlier_round_away(db: Db) -> None:
    failing = As(Leaf(1, (1, Fail())), "x")
    seen = observe(db, Loop(failing, ONCE_MORE, go_on=True))
    assert [each.reads for each in seen.trace if each.leaf == 9] == [[1], [1]]
