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
            ARM,
            ARM.replace(WAIT, indented(indented("  - sql: select 2\n")) + WAIT),
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
