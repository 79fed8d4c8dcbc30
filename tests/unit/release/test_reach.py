"""What a run can still execute, by where it is in its graph."""

from __future__ import annotations

from typing import Any

import pytest

from perdure.release.reach import Graph, Progress, graph_of, reach

DONE, HERE, FAILED, GONE = "completed", "running", "failed", "cancelled"


def tree(*shape: Any) -> tuple[Graph, dict[str, str]]:
    """Return the graph of nested tuples, and the numbers of its leaves by name.

    A leaf is a name, of an SQL node, or `name:TYPE`.
    """
    rows: list[tuple[str, str, str | None, str]] = []
    names: dict[str, str] = {}

    def add(node: Any, parent: str | None) -> None:
        number = str(len(rows) + 1)
        if isinstance(node, str):
            name, _, type = node.partition(":")
            names[name] = number
            rows.append((number, type or "SQL", parent, ""))
            return
        type, *inner = node
        config = {
            "CATCH": '{"catch": true}',
            "FINALLY": '{"finally": true}',
            "BOTH": '{"catch": true, "finally": true}',
        }
        kind = "TRY" if type in config else type
        rows.append((number, kind, parent, config.get(type, "")))
        for each in inner:
            add(each, number)

    add(shape, None)
    return graph_of(rows), names


def began(graph: Graph, states: dict[str, str]) -> dict[str, str]:
    """Return the states with those of the nodes around, as the runtime has them."""
    found = dict(states)
    for number, node in sorted(graph.items(), key=lambda e: -int(e[0])):
        inner = [found[each] for each in node.children if each in found]
        if inner and number not in found:
            worse = [each for each in (HERE, FAILED) if each in inner]
            found[number] = worse[0] if worse else DONE
    return found


def reached(
    shape: tuple[Any, ...],
    states: dict[str, str],
    status: str = "running",
    decided: dict[str, bool] | None = None,
) -> str:
    """Return the names of the leaves that a run can still execute."""
    graph, names = tree(*shape)
    progress = Progress(
        status,
        began(graph, {names[name]: state for name, state in states.items()}),
        {names[name]: truth for name, truth in (decided or {}).items()},
    )
    found = reach(graph, progress)
    return " ".join(name for name, number in names.items() if found.get(number))


CHOICE = (
    *("THEN", "a"),
    ("IF", "c", ("THEN", "t:SIGNAL", "u"), ("IF", "d", "e:SIGNAL", "f")),
    *("w:SIGNAL", "z"),
)
ENDING = ("THEN", ("IF", "c", ("THEN", "t:SIGNAL", "r:RETURN")), "z")


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ({}, "a c u d f z"),
        ({"a": HERE}, "a c u d f z"),
        ({"a": DONE}, "c u d f z"),
        ({"a": DONE, "c": DONE, "t": HERE}, "u z"),
        ({"a": DONE, "c": DONE, "d": DONE, "e": HERE}, "z"),
        ({"a": DONE, "c": DONE, "d": DONE, "f": HERE}, "f z"),
        ({"a": DONE, "c": DONE, "t": DONE, "u": DONE, "w": HERE}, "z"),
    ],
)
def test_an_arm_that_was_not_taken(states: dict[str, str], expected: str) -> None:
    assert reached(CHOICE, states) == expected


@pytest.mark.parametrize("status", ["running", "paused"])
def test_an_arm_that_is_to_begin(status: str) -> None:
    states = {"a": DONE, "c": DONE}
    assert reached(CHOICE, states, status, {"c": True}) == "u z"
    assert reached(CHOICE, states, status, {"c": False}) == "d f z"
    assert reached(CHOICE, states, status) == "u d f z"
    assert reached(ENDING, {"c": DONE}, status, {"c": False}) == "z"


def test_what_comes_after_the_end_of_a_run() -> None:
    assert reached(ENDING, {}) == "c r z"
    assert reached(ENDING, {"c": DONE, "t": HERE}) == "r"
    assert reached(ENDING, {"c": FAILED}, FAILED) == "c r z"


LOOP = ("THEN", ("REPEAT", ("THEN", "a", "w:SIGNAL", ("IF", "c", "b:BREAK"))), "z")
FOREVER = ("THEN", ("REPEAT", ("THEN", "a", "w:SIGNAL")), "z")


def test_all_of_a_loop_comes_again_until_it_has_ended() -> None:
    assert reached(LOOP, {"a": DONE, "w": HERE}) == "a c z"
    assert reached(LOOP, {"a": DONE, "w": DONE, "c": DONE, "b": DONE, "z": HERE}) == "z"
    over = {"a": DONE, "w": DONE, "c": DONE, "b": DONE}
    assert reached(LOOP, over) == "z"
    assert reached(LOOP, over, "paused") == "a c z"
    assert reached(FOREVER, {"a": DONE, "w": HERE}) == "a"


def test_branches_stand_for_themselves() -> None:
    join = ("THEN", ("JOIN", ("THEN", "a", "b"), ("THEN", "v:SIGNAL", "c")), "z")
    assert reached(join, {"a": DONE, "v": HERE}) == "b c z"
    assert reached(join, {"a": DONE, "b": DONE, "v": HERE}) == "c z"
    assert reached(join, {"a": DONE, "b": DONE, "v": DONE, "c": DONE}) == "z"
    ends = ("THEN", ("JOIN", "r:RETURN", ("THEN", "v:SIGNAL", "c")), "z")
    assert reached(ends, {"r": DONE, "v": HERE}) == "c"


def test_the_losers_of_a_race_do_no_more() -> None:
    race = ("THEN", ("RACE", ("THEN", "a", "b"), ("THEN", "v:SIGNAL", "c")), "z")
    assert reached(race, {"a": DONE, "v": HERE}) == "b c z"
    assert reached(race, {"a": DONE, "b": DONE, "v": GONE}) == "z"


def test_handlers() -> None:
    both = ("THEN", ("BOTH", ("THEN", "a", "w:SIGNAL", "b"), "c", "f"), "z")
    assert reached(both, {"a": DONE, "w": HERE}) == "b c f z"
    assert reached(both, {"a": FAILED}) == "c f z"
    assert reached(both, {"a": FAILED, "c": HERE}) == "c f z"
    assert reached(both, {"a": DONE, "w": DONE, "b": DONE, "f": HERE}) == "f z"
    caught = (
        "THEN",
        ("CATCH", ("THEN", "a", "w:SIGNAL"), ("THEN", "c", "x:RAISE")),
        "z",
    )
    assert reached(caught, {"a": DONE, "w": HERE}) == "c z"
    assert reached(caught, {"a": DONE, "w": FAILED, "c": HERE}) == "c"
    assert reached(caught, {"a": DONE, "w": DONE, "z": HERE}) == "z"
    last = ("THEN", ("FINALLY", "r:RETURN", ("THEN", "w:SIGNAL", "f")), "z")
    assert reached(last, {"r": DONE, "w": HERE}) == "f"
    graph, names = tree("FINALLY", "a", "f")
    states = {"1": HERE, names["a"]: FAILED, names["f"]: DONE}  # a retry's
    assert reach(graph, Progress("running", states))[names["f"]]


def test_what_is_tried_again_comes_again() -> None:
    retry = ("THEN", "a", ("RETRY", ("THEN", "b", "w:SIGNAL", "c")), "z")
    assert reached(retry, {"a": DONE, "b": DONE, "w": HERE}) == "b c z"
    assert reached(retry, {"a": DONE, "b": DONE, "w": DONE, "c": DONE}) == "z"
    late = ("THEN", ("CATCH", ("TIMEOUT", ("THEN", "w:SIGNAL", "b")), "c"), "z")
    assert reached(late, {"w": GONE}) == "c z"
    assert reached(late, {"w": DONE, "b": DONE, "z": HERE}) == "z"


def test_items_are_read_once() -> None:
    each = ("THEN", "a", ("FOREACH", ("THEN", "b", "w:SIGNAL"), "k"), "z")
    graph, names = tree(*each)
    foreach = str(int(names["a"]) + 1)
    first = reach(graph, Progress("running", {"1": HERE, names["a"]: DONE}))
    assert first[foreach]
    states = began(graph, {names["a"]: DONE, names["b"]: DONE, names["w"]: HERE})
    inside = reach(graph, Progress("running", states))
    assert not inside[foreach]
    assert inside[names["b"]]


def test_what_waits_for_a_run_has_started_it() -> None:
    call = ("THEN", "a", "k:CALL", "z")
    assert reached(call, {"a": DONE}) == "k z"
    assert reached(call, {"a": DONE, "k": HERE}) == "z"
    assert reached(call, {"a": DONE, "k": FAILED}, FAILED) == "k z"
    retried = ("THEN", "a", ("RETRY", "k:CALL"), "z")
    assert reached(retried, {"a": DONE, "k": HERE}) == "k z"


def test_statements_that_commit_together_come_together() -> None:
    shape = ("THEN", "w:SIGNAL", ("TRANSACTION", "a", "b"), "z")
    assert reached(shape, {"w": HERE}) == "a b z"
    assert reached(shape, {"w": DONE, "a": DONE, "b": DONE, "z": HERE}) == "z"
    assert reached(shape, {"w": DONE, "a": DONE, "b": FAILED}, FAILED) == "a b z"


def test_a_retry_goes_on_where_a_run_failed() -> None:
    states = {"a": DONE, "c": DONE, "t": DONE, "u": FAILED}
    assert reached(CHOICE, states, FAILED) == "u z"
    last = ("THEN", ("FINALLY", ("THEN", "a", "b"), "f"), "z")
    assert reached(last, {"a": DONE, "b": FAILED, "f": DONE}, FAILED) == "b f z"
    caught = ("CATCH", ("THEN", "a", "b"), ("THEN", "c", "x:RAISE"))
    raised = {"a": DONE, "b": FAILED, "c": DONE, "x": FAILED}
    assert reached(caught, raised, FAILED) == ""
