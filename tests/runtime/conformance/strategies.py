"""Random graphs.

Every branch and every body of a loop begins with a leaf or a timer. So whatever decides
a race is visible, as the execution of a leaf or at a time of its own, and the reference
can follow the order that the runtime chose.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.runtime.conformance.drive import LEAVES, ends, leaves_of
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
    walk,
)

SLEEPS = 8  # 10 ** 8 seconds is three years

_values = st.sampled_from([0, 1, 2.5, -3, True, False, None, "x", "no", "", "0", "a'b"])
_results = st.lists(_values, min_size=1, max_size=3).map(tuple)
_failing = st.sampled_from([(Fail(),), (Fail("40001"), 1), (1, Fail("40001"), Fail())])
_conditions = st.sampled_from([(True, False), (False,), (True, True, False)])
_ends = st.sampled_from([(False, True), (True,), (0, 0, "yes")])

_leaf = st.builds(Leaf, st.just(0), _results)
_good = st.one_of(_leaf, _leaf.map(lambda leaf: As(leaf, "a")), st.just(Sleep(0)))
_either = st.one_of(_leaf, st.builds(Leaf, st.just(0), _failing))
_statement = st.one_of(_either, _either.map(lambda leaf: As(leaf, "b")))
_jump = st.one_of(
    st.builds(Break, st.sampled_from([None, 5, "over"])),
    st.just(Continue()),
    st.builds(Return, _leaf),
    st.builds(Leaf, st.just(0), _failing),
)


def _after(first: Node, rest: Node) -> Node:
    return Seq((first, rest))


_jumps = st.one_of(
    st.builds(_after, _leaf, _jump),
    st.builds(If, _leaf, _jump, _leaf),
)


def _composite(node: st.SearchStrategy[Node], calm: bool) -> st.SearchStrategy[Node]:
    several = st.lists(node, min_size=1, max_size=3).map(tuple)
    name = st.sampled_from(["a", "b", "c"])
    statement = _leaf if calm else _statement
    return st.one_of(
        st.builds(Seq, several),
        st.builds(Join, several),
        st.builds(Race, several),
        st.builds(As, node, name),
        st.builds(If, node, node, st.none() | node),
        st.builds(Loop, node, st.builds(Leaf, st.just(0), _conditions), st.booleans()),
        st.builds(Loop, st.builds(_after, node, st.just(Break(1)))),
        st.builds(Repeat, node, st.builds(Leaf, st.just(0), _conditions)),
        st.builds(Repeat, node, st.none(), st.builds(Leaf, st.just(0), _ends)),
        st.builds(Retry, node, st.integers(1, 3)),
        st.builds(Try, node, node, st.none() | node),
        st.builds(Try, node, st.none(), node),
        st.builds(Try, node, st.builds(_after, _leaf, st.just(Raise()))),
        st.just(Sleep(0)) if calm else st.builds(Timeout, st.just(0), node),
        st.builds(
            Foreach,
            st.just(0),
            st.integers(1, 3),
            node,
            st.integers(1, 3),
            st.none() | _leaf,
        ),
        st.builds(Transaction, st.lists(statement, min_size=1, max_size=3).map(tuple)),
    )


def _number(node: Node, leaves: list[int], sleeps: list[int]) -> Node:
    """Return the graph with a number of its own for each leaf and each timer."""

    def down(child: Node) -> Node:
        return _number(child, leaves, sleeps)

    def maybe(child: Node | None) -> Node | None:
        return None if child is None else down(child)

    match node:
        case Leaf():
            leaves.append(len(leaves) + 1)
            return Leaf(leaves[-1], node.values)
        case Sleep():
            sleeps.append(len(sleeps))
            return Sleep(sleeps[-1])
        case Return(leaf):
            numbered = down(leaf)
            assert isinstance(numbered, Leaf)
            return Return(numbered)
        case Timeout(_, child):
            sleeps.append(len(sleeps))
            return Timeout(sleeps[-1], down(child))
        case Try(body, catch, finally_):
            return Try(down(body), maybe(catch), maybe(finally_))
        case Foreach(_, count, body, parallel, collect):
            leaves.append(len(leaves) + 1)  # a number that no leaf has
            number, body, collected = leaves[-1], down(body), maybe(collect)
            assert collected is None or isinstance(collected, Leaf)
            return Foreach(number, count, body, parallel, collected)
        case Seq(nodes) | Join(nodes) | Race(nodes) | Transaction(nodes):
            return type(node)(tuple(map(down, nodes)))
        case As(child, name):
            return As(down(child), name)
        case If(condition, then, otherwise):
            return If(down(condition), down(then), maybe(otherwise))
        case Loop(body, condition, go_on):
            return Loop(down(body), maybe(condition), go_on)
        case Repeat(body, before, until):
            return Repeat(down(body), maybe(before), maybe(until))
        case Retry(child, attempts):
            return Retry(down(child), attempts)
    return node


def _fits(graph: Node) -> bool:
    timers = sum(isinstance(each, Sleep | Timeout) for each in walk(graph))
    return len(leaves_of(graph)) <= LEAVES and timers <= SLEEPS and ends(graph, 120)


def numbered(node: Node) -> Node:
    """Return a graph with a number of its own for each leaf and each timer."""
    return _number(node, [], [])


def graphs(*, calm: bool = False) -> st.SearchStrategy[Node]:
    """Return graphs; `calm` ones have nothing that fails or jumps."""
    base = _good if calm else st.one_of(_good, _good, _jumps)

    def extend(node: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return _composite(node, calm)

    return st.recursive(base, extend, max_leaves=10).map(numbered).filter(_fits)
