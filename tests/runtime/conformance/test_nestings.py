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
    Foreach,
    If,
    Join,
    Leaf,
    Loop,
    Node,
    Race,
    Raise,
    Repeat,
    Retry,
    Return,
    Seq,
    Sleep,
    Timeout,
    Transaction,
    Try,
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
    "try body": lambda hole, ids: Try(hole, Leaf(ids.leaf())),
    "try raising": lambda hole, ids: Try(hole, Seq((Leaf(ids.leaf()), Raise()))),
    "try catch": lambda hole, ids: Try(Leaf(ids.leaf(), (Fail(),)), hole),
    "try with finally": lambda hole, ids: Try(hole, None, Leaf(ids.leaf())),
    "finally": lambda hole, ids: Try(
        Leaf(ids.leaf(), (1, Fail())), Leaf(ids.leaf()), hole
    ),
    "timeout in time": lambda hole, ids: Seq(
        (If(Leaf(ids.leaf(), (0,)), Sleep(ids.sleep())), Timeout(8, hole))
    ),
    "timeout": lambda hole, ids: Timeout(
        ids.sleep(), Seq((hole, Leaf(ids.leaf()), Sleep(8)))
    ),
    "foreach": lambda hole, ids: Foreach(
        ids.leaf(), 2, hole, collect=Leaf(ids.leaf(), (1, 2, 3))
    ),
    "foreach at once": lambda hole, ids: Foreach(ids.leaf(), 3, hole, parallel=2),
    "after a transaction": lambda hole, ids: Seq(
        (Transaction((As(Leaf(ids.leaf()), "b"), Leaf(ids.leaf()))), hole)
    ),
}

LEAVES: dict[str, Callable[[Ids], Node]] = {
    "value": lambda ids: As(Leaf(ids.leaf(), (10, 20, 30)), "n"),
    "failure": lambda ids: Leaf(ids.leaf(), (Fail(),)),
    "passing failure": lambda ids: Leaf(ids.leaf(), (Fail("40001"), "x")),
    "break": lambda ids: Seq((Leaf(ids.leaf()), Break(-3))),
    "continue": lambda ids: Seq((Leaf(ids.leaf()), Continue())),
    "return": lambda ids: Seq((Leaf(ids.leaf()), Return(Leaf(ids.leaf(), ("end",))))),
    "sleep": lambda ids: Seq((Sleep(ids.sleep()), Leaf(ids.leaf()))),
    "transaction": lambda ids: Transaction(
        (As(Leaf(ids.leaf()), "n"), Leaf(ids.leaf(), (Fail("40001"), 2)))
    ),
}


NATIVE = ("try", "finally", "timeout", "foreach", "transaction")


def nested(outer: str, inner: str, leaf: str) -> Node:
    """Return the nesting, and a leaf behind it that reads what is left of it."""
    ids = Ids()
    hole = COMBINATORS[inner](LEAVES[leaf](ids), ids)
    return Seq((As(COMBINATORS[outer](hole, ids), "all"), Leaf(ids.leaf())))


def leaves(outer: str, inner: str) -> list[str]:
    """Return the kinds of leaves to try: a quarter for the native nodes."""
    both = {outer, inner}
    if not any(word in name for name in both for word in NATIVE):
        return list(LEAVES)
    first = sum(map(len, both)) % 4
    return list(LEAVES)[first::4]


@pytest.mark.slow
@pytest.mark.parametrize("outer", COMBINATORS)
@pytest.mark.parametrize("inner", COMBINATORS)
def test_nesting(db: Db, outer: str, inner: str) -> None:
    for leaf in leaves(outer, inner):
        graph = nested(outer, inner, leaf)
        if not ends(graph):  # a continue that skips the break, for example
            continue
        seen = observe(db, graph)
        try:
            conforms(graph, seen)
        except AssertionError as error:
            error.add_note(f"{outer} ( {inner} ( {leaf} ) ): {seen}")
            raise
