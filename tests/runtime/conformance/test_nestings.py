"""Every nesting of two combinators around every kind of leaf, against the reference."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.runtime.conformance.drive import conforms, ends, observe
from tests.runtime.conformance.graph import (
    As,
    Break,
    Continue,
    Fail,
    If,
    Join,
    Leaf,
    Loop,
    Node,
    Race,
    Repeat,
    Retry,
    Return,
    Seq,
    Sleep,
)
from tests.runtime.engine.db import Db


class Ids:
    """Numbers for leaves and for timers, each used once in a graph."""

    def __init__(self) -> None:
        self._leaves = itertools.count(1)
        self._sleeps = itertools.count(0)

    def leaf(self) -> int:
        return next(self._leaves)

    def sleep(self) -> int:
        return next(self._sleeps)


TWICE = (True, True, False)  # a condition that holds twice

# A combinator around a hole; the hole is at a place where something can go wrong.
COMBINATORS: dict[str, Callable[[Node, Ids], Node]] = {
    "seq first": lambda hole, ids: Seq((hole, Leaf(ids.leaf()))),
    "seq last": lambda hole, ids: Seq((Leaf(ids.leaf()), hole)),
    "if condition": lambda hole, ids: If(hole, Leaf(ids.leaf()), Leaf(ids.leaf())),
    "if then": lambda hole, ids: If(Leaf(ids.leaf()), hole),
    "if else": lambda hole, ids: If(Leaf(ids.leaf(), (0,)), Leaf(ids.leaf()), hole),
    "loop body": lambda hole, ids: Loop(hole, Leaf(ids.leaf(), TWICE)),
    "loop condition": lambda hole, ids: Loop(
        Seq((Leaf(ids.leaf()), If(Leaf(ids.leaf(), (0, 0, 1)), Break(5)))), hole
    ),
    "loop going on": lambda hole, ids: Loop(hole, Leaf(ids.leaf(), TWICE), True),
    "loop ended by break": lambda hole, ids: Loop(
        Seq((hole, If(Leaf(ids.leaf(), (0, 1)), Break("over"))))
    ),
    "repeat while": lambda hole, ids: Repeat(hole, before=Leaf(ids.leaf(), TWICE)),
    "repeat until": lambda hole, ids: Repeat(hole, until=Leaf(ids.leaf(), (0, 1))),
    "join": lambda hole, ids: Join(
        (
            As(Leaf(ids.leaf(), (7,)), "b"),
            hole,
            Seq((Sleep(ids.sleep()), Leaf(ids.leaf()))),
        )
    ),
    "race won": lambda hole, ids: Race(
        (hole, Seq((Sleep(ids.sleep()), Leaf(ids.leaf()))))
    ),
    "race lost": lambda hole, ids: Race(
        (Seq((Sleep(ids.sleep()), hole)), Leaf(ids.leaf()))
    ),
    "race even": lambda hole, ids: Race(
        (As(hole, "b"), Seq((Leaf(ids.leaf()), As(Leaf(ids.leaf()), "b"))))
    ),
    "retry": lambda hole, ids: Retry(hole, 3),
    "as": lambda hole, ids: As(hole, "a"),
}

LEAVES: dict[str, Callable[[Ids], Node]] = {
    "value": lambda ids: As(Leaf(ids.leaf(), (10, 20, 30)), "n"),
    "failure": lambda ids: Leaf(ids.leaf(), (Fail(),)),
    "passing failure": lambda ids: Leaf(ids.leaf(), (Fail("40001"), "x")),
    "break": lambda ids: Seq((Leaf(ids.leaf()), Break(-3))),
    "continue": lambda ids: Seq((Leaf(ids.leaf()), Continue())),
    "return": lambda ids: Seq((Leaf(ids.leaf()), Return(Leaf(ids.leaf(), ("end",))))),
    "sleep": lambda ids: Seq((Sleep(ids.sleep()), Leaf(ids.leaf()))),
}


def nested(outer: str, inner: str, leaf: str) -> Node:
    """Return the nesting, and a leaf behind it that reads what is left of it."""
    ids = Ids()
    hole = COMBINATORS[inner](LEAVES[leaf](ids), ids)
    return Seq((As(COMBINATORS[outer](hole, ids), "all"), Leaf(ids.leaf())))


@pytest.mark.slow
@pytest.mark.parametrize("outer", COMBINATORS)
@pytest.mark.parametrize("inner", COMBINATORS)
def test_nesting(db: Db, outer: str, inner: str) -> None:
    for leaf in LEAVES:
        graph = nested(outer, inner, leaf)
        if not ends(graph):  # a continue that skips the break, for example
            continue
        seen = observe(db, graph)
        try:
            conforms(graph, seen)
        except AssertionError as error:
            error.add_note(f"{outer} ( {inner} ( {leaf} ) ): {seen}")
            raise
