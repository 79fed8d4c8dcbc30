"""`perdure move`: what is a difference between versions, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import Perdure, waiting

pytestmark = pytest.mark.usefixtures("runtime")
WAIT = "  - {name: approval, wait_for_signal: approval, timeout: 1d}\n"


def doc(steps: str, inputs: str = "id: bigint", head: str = "") -> str:
    return f"workflow: order\n{head}input:\n  {inputs}\nsteps:\n{steps}"


def indented(steps: str) -> str:
    return "".join(f"  {line}\n" for line in steps.splitlines())


SELECT = "  - sql: select 1\n"
TRY = f"  - try:\n{indented(indented(WAIT))}    catch: err\n    do:\n{indented(SELECT)}"
GROUP = f"  - do:\n{indented(indented(WAIT))}    timeout: 5h\n"
LOOP = f"  - loop:\n{indented(indented(WAIT))}      - break\n    every: 1h\n"
EACH = """\
  - {name: some, sql: "select n, n + 1 as m from generate_series(1, 2) n"}
  - foreach: one in some
    do:
      - {sql: "select :one.n"}
      - {name: approval, wait_for_signal: approval, timeout: 1d}
      - {sql: "select :one.n + 1"}
    max_parallel: 3
"""
EACH_OF_ONE = EACH.replace("1, 2", "1, 1")
PASSED = f"  - transaction:\n{indented(indented(SELECT))}{WAIT}"
ARM = f"  - if: id > 1\n    then:\n{indented(indented(SELECT))}{WAIT}"


@pytest.mark.parametrize(
    ("old", "new", "lines"),
    [
        (EACH, EACH.replace("3", "2"), ["- max_parallel: 3", "+ max_parallel: 2"]),
        (GROUP, GROUP.replace("5h", "6h"), ["- timeout: 5h", "+ timeout: 6h"]),
        (LOOP, LOOP.replace("1h", "2h"), ["- every: 1h", "+ every: 2h"]),
        (TRY, f"{TRY}    finally:\n{indented(SELECT)}", ["+ finally:"]),
        (
            PASSED,
            PASSED.replace(WAIT, indented(indented("  - sql: select 2\n")) + WAIT),
            ["+ - sql: select 2"],
        ),
        (
            EACH,
            EACH.replace("one.n + 1", "one.m"),
            ['- - {sql: "select :one.n + 1"}', '+ - {sql: "select :one.m"}'],
        ),
    ],
)
def test_of_a_step_that_holds_others_is_shown_what_differs(
    moved: Callable[..., str], old: str, new: str, lines: list[str]
) -> None:
    refused = moved(doc(old), doc(new), 1)
    assert "the same step is there, and does another thing" in refused
    shown = [" ".join(e.split()) for e in refused.splitlines() if e.startswith("    ")]
    assert shown == lines


def test_data_of_a_wait_that_only_the_new_version_reads(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "hello.yaml").unlink()
    late = "  - {wait_for_signal: late, timeout: 1d}\n"
    for each in ("1", "${approval.data ->> 'ok'}"):
        text = doc(f'{WAIT}{late}  - return: {{a: "{each}"}}\n')
        (project / "workflows" / "order.yaml").write_text(text)
        perdure("compile")
    perdure("deploy", "--yes")
    run = waiting(database)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("select df.signal(%s, 'approval', '{\"ok\": 1}')", [run])
        connection.execute("call df.work(100, 10000)")
    refused = perdure("move", run, "--to", "2", code=1).stderr
    assert 'version 2 reads the result of steps[0] "approval"' in refused
    assert "kept nothing of it" in refused


def test_a_handler_of_failures_is_named_and_not_compared(
    moved: Callable[..., str],
) -> None:
    old = f"{SELECT}{WAIT}"
    head = f"on_failure:\n{SELECT}"
    refused = moved(doc(old), doc(old, head=head), 1)
    assert "all steps stand under on_failure (workflows/order.yaml:" in refused
    assert "the run has begun without it\n  = help: " in refused


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "  - sql: insert into things values (9,'2') -- old\n",
            "  - sql: |\n      insert  into things /* new */\n      values ( 9,'2')\n",
        ),
        (EACH_OF_ONE, EACH_OF_ONE.replace("one", "item")),
        (
            f"  - try:\n      - fail: no\n    catch: e\n    do:\n"
            f'      - {{sql: "select :e.message"}}\n{indented(indented(WAIT))}',
            f"  - try:\n      - fail: no\n    catch: it\n    do:\n"
            f'      - {{sql: "select :it.message"}}\n{indented(indented(WAIT))}',
        ),
        (
            '  - {name: a, sql: "select 1 as n", expect: one}\n  - sql: select :a.n\n',
            '  - {name: b, sql: "select 1 as n", expect: one}\n  - sql: select :b.n\n',
        ),
    ],
)
def test_layout_and_names_are_no_difference(
    moved: Callable[..., str], old: str, new: str
) -> None:
    ahead = "" if "approval" in old else WAIT
    before, after = (f'{ahead}  - return: {{a: "{each}"}}\n' for each in "12")
    assert moved(doc(old + before), doc(new + after)) == "{'a': '2'}"


def test_a_result_of_a_call_that_is_not_read_any_more(
    moved: Callable[..., str], project: Path
) -> None:
    quick = "workflow: quick\ntimeout: 1d\nsteps:\n  - return: {late: 'yes'}\n"
    (project / "workflows" / "quick.yaml").write_text(quick)
    call = "  - {name: s, call: quick}\n"
    steps = f"{call}{NAMED.replace('NAME', 'q')}{choice(('id > 1', call + WAIT))}"
    old = f'{steps}  - return: {{late: "${{s.late}}", a: "${{q.n}}"}}\n'
    assert moved(doc(old), doc(old.replace('late: "${s.late}", ', ""))) == "{'a': 5}"


LISTED = """\
  - {name: some, sql: "select n from generate_series(1, 2) n"}
  - name: f
    foreach: one in some
    collect: {k: "${one.n}"}
    do:
      - {sql: "select :one.n"}
"""


def test_other_numbers_of_results_are_no_difference(moved: Callable[..., str]) -> None:
    old = f'{LISTED}{WAIT}  - {{name: s, sql: "select sum(k) as k from :f.* f"}}\n'
    race = "  - name: rc\n    race:\n      p: [{sql: select 1}]\n"
    new = f'{old}{race}      q: [{{sleep: 1d}}]\n  - return: {{a: "${{rc.winner}}"}}\n'
    assert moved(doc(old), doc(new)) == "{'a': 'p'}"


def test_a_name_that_means_another_step_is_a_difference(
    moved: Callable[..., str],
) -> None:
    steps = (
        '  - {name: NAME, sql: "select 1 as n", expect: one}\n'
        '  - {name: OTHER, sql: "select 2 as n", expect: one}\n'
        f"  - sql: select :a.n + :b.n * 2\n{WAIT}"
    )
    old, new = (steps.replace("NAME", x).replace("OTHER", y) for x, y in ("ab", "ba"))
    assert "at that point" in moved(doc(old), doc(new), 1)


PARALLEL = """\
  - parallel:
      p:
        - sql: select 1
      q:
        - {name: approval, wait_for_signal: approval, timeout: 1d}
"""


def test_a_branch_that_is_added_is_begun(moved: Callable[..., str]) -> None:
    added = '      r:\n        - {name: r, sql: "select 3 as n", expect: one}\n'
    new = f'{PARALLEL}{added}  - return: {{a: "${{r.n}}"}}\n'
    assert moved(doc(PARALLEL), doc(new)) == "{'a': 3}"


def test_a_step_at_the_end_of_a_branch_that_has_ended_is_refused(
    moved: Callable[..., str],
) -> None:
    new = PARALLEL.replace("      q:", "        - sql: select 2\n      q:")
    refused = moved(doc(PARALLEL), doc(new), 1)
    assert "which has more to do where the run has been" in refused
    assert "has steps[0].parallel.p[1] (workflows/order.yaml:8) as well" in refused
    assert "to the end there with steps[0].parallel.p[0]" in refused


def choice(*arms: tuple[str, str], otherwise: str = "") -> str:
    """Return an `if` with arms: conditions and the steps in them."""
    (first, steps), *others = arms
    text = f"  - if: {first}\n    then:\n{indented(indented(steps))}"
    if others:
        text += "    elif:\n"
    for condition, inner in others:
        text += f"      - if: {condition}\n        then:\n"
        text += indented(indented(indented(indented(inner))))
    if otherwise:
        text += f"    else:\n{indented(indented(otherwise))}"
    return text


def switch(default: str, **cases: str) -> str:
    text = "  - switch: id\n    cases:\n"
    for number, steps in cases.items():
        text += f"      {number[1:]}:\n{indented(indented(indented(steps)))}"
    return f"{text}    default:\n{indented(indented(default))}"


NAMED = '  - {name: NAME, sql: "select 5 as n", expect: one}\n'
MORE = ("id = 7", NAMED.replace("NAME", "more"))
TRUE, FALSE = ("id > 1", SELECT), ("id > 8", SELECT)
INSIDE = ("id > 1", WAIT)
LAST = '  - return: {a: "${last.n}"}\n'
END = NAMED.replace("NAME", "last") + LAST


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (WAIT + choice(TRUE), WAIT + choice(MORE, TRUE, otherwise=SELECT)),
        (choice(INSIDE), choice(INSIDE, MORE)),
        (choice(INSIDE, otherwise=SELECT), choice(INSIDE, MORE, FALSE)),
        (choice(FALSE, INSIDE), choice(FALSE, INSIDE, MORE, otherwise=SELECT)),
        (choice(TRUE) + WAIT, choice(TRUE, MORE) + WAIT),
        (choice(TRUE, FALSE) + WAIT, choice(TRUE, MORE, FALSE) + WAIT),
        (choice(TRUE, otherwise=SELECT) + WAIT, choice(TRUE) + WAIT),
        (choice(FALSE, TRUE) + WAIT, choice(FALSE, TRUE, otherwise=SELECT) + WAIT),
        (
            choice(("id > 1", SELECT + choice(TRUE))) + WAIT,
            choice(("id > 1", SELECT + choice(TRUE, MORE))) + WAIT,
        ),
        (switch(SELECT, _4=WAIT), switch(SELECT, _4=WAIT, _5=SELECT)),
        (
            switch(SELECT, _4=SELECT) + WAIT,
            switch(SELECT + SELECT, _4=SELECT, _5=SELECT) + WAIT,
        ),
    ],
)
def test_arms_that_come_after_the_one_that_was_taken(
    moved: Callable[..., str], old: str, new: str
) -> None:
    assert moved(doc(old + END), doc(new + END)) == "{'a': 5}"


ANOTHER = "at that point, steps[0] (workflows/order.yaml:5) asks another condition\n"
FURTHER = "version 2 has one more arm in steps[0] (workflows/order.yaml:5)\n"
ELIF = "    +     elif:\n    +       - if: id = 7\n    +         then:\n"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (choice(INSIDE), choice(MORE, INSIDE), f"{ANOTHER}    -   - if: id > 1\n"),
        (choice(TRUE) + WAIT, choice(MORE, TRUE) + WAIT, ANOTHER),
        (choice(FALSE, TRUE) + WAIT, choice(FALSE, MORE, TRUE) + WAIT, ANOTHER),
        (
            choice(FALSE, otherwise=SELECT) + WAIT,
            choice(FALSE, MORE, otherwise=SELECT) + WAIT,
            ANOTHER + ELIF,
        ),
        (
            choice(FALSE, otherwise=WAIT),
            choice(FALSE, MORE, otherwise=WAIT),
            f'steps[0].else[0] "approval" (workflows/order.yaml:9)\n'
            f"  in version 2, {ANOTHER}{ELIF}",
        ),
        (choice(FALSE) + WAIT, choice(FALSE, MORE) + WAIT, FURTHER + ELIF),
        (
            choice(FALSE) + WAIT,
            choice(FALSE, otherwise=SELECT) + WAIT,
            f"{FURTHER}    +     else:\n"
            "  the run has passed it, and took no arm there\n",
        ),
        (
            switch(WAIT, _5=SELECT),
            switch(WAIT, _5=SELECT, _6=SELECT),
            f"{ANOTHER}    +       6:\n  = help: a new arm may come after the one",
        ),
        (
            ARM,
            ARM.replace(WAIT, indented(indented("  - sql: select 2\n")) + WAIT),
            "has steps[0].then[1] (workflows/order.yaml:8) as well\n",
        ),
        (choice(FALSE, TRUE) + WAIT, choice(FALSE) + WAIT, "there is no step\n"),
        (choice(TRUE) + WAIT, WAIT, 'there is steps[0] "approval"'),
    ],
)
def test_arms_that_would_decide_otherwise(
    moved: Callable[..., str], old: str, new: str, told: str
) -> None:
    assert told in moved(doc(old + END), doc(new + END), 1)
