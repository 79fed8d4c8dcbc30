"""What random runs execute is among what was said to be ahead of them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress

import psycopg
import pytest
from hypothesis import given, note, settings
from hypothesis import strategies as st

from perdure.cli.ahead import reach_of
from perdure.release.reach import Reach
from tests.property import tree, written
from tests.property.runs import Bench, Signal, bench
from tests.property.test_runs import QUIET, typed
from tests.property.workflows import workflows

NUMBERS = itertools.count(1)


class Watched(Bench):
    """A bench that looks, before each step of a run, at what is ahead of it."""

    run_id = ""
    pauses = False

    def work(self) -> None:
        """Do all that can be done at this time; fail on what was not expected."""
        while self._step():
            pass

    def _step(self) -> bool:
        """Do a step; return whether there was one."""
        if self.pauses:
            self.connection.execute("select df.pause(%s)", [self.run_id])
            self.connection.execute("call df.work(100, 20000)")
        ahead, before = self.ahead(), self.executed()
        if self.pauses:
            self.connection.execute("select df.resume(%s)", [self.run_id])
        steps = self.one("call df.work(1, 20000)")[0]
        self.compare(ahead, before)
        return bool(steps)

    def ahead(self) -> Reach:
        """Return which nodes are said to be ahead of the run."""
        return reach_of(self.connection, [self.run_id])[self.run_id]

    def executed(self) -> dict[str, int]:
        """Return how often nodes were executed, with their attempts."""
        rows = self.connection.execute(
            "select r.node::text, sum(r.executions + r.attempts)::integer"
            " from df_engine.node_runs r"
            " join df_engine.instances i on i.id = r.instance"
            " where i.run_id = %s and r.node > 0 group by 1",
            [self.run_id],
        )
        return dict(rows.fetchall())

    def compare(self, ahead: Reach, before: Mapping[str, int]) -> None:
        """Fail where a node was executed that was said not to be ahead."""
        now = self.executed()
        wrong = {e for e in now if now[e] != before.get(e) and not ahead.get(e, True)}
        assert not wrong, (wrong, dict(ahead), before)


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    with bench(tmp_path_factory.mktemp("bench")) as opened:
        yield Watched(opened.folder, opened.compiler, opened.connection)


@settings(QUIET, max_examples=20)
@given(workflows(), st.booleans())
def test_what_is_executed_was_ahead(
    workbench: Watched, workflow: tree.Workflow, pauses: bool
) -> None:
    stays_ahead(workbench, workflow, pauses)


@pytest.mark.slow
@settings(QUIET, max_examples=60)
@given(workflows(steps=40), st.booleans())
def test_what_many_long_runs_execute_was_ahead(
    workbench: Watched, workflow: tree.Workflow, pauses: bool
) -> None:
    stays_ahead(workbench, workflow, pauses)


def stays_ahead(workbench: Watched, workflow: tree.Workflow, pauses: bool) -> None:
    """Run a workflow step by step; retry it once if it fails."""
    name = f"ahead{next(NUMBERS)}"
    text = written.text(workflow, name)
    note(text)
    workbench.deploy(text, name)
    inputs = {each.name: typed(each) for each in workflow.inputs if each.given}
    sent = [
        Signal(m.at, m.signal, json.dumps({"n": m.n, "s": m.s}))
        for m in workflow.messages
    ]
    workbench.pauses = pauses
    workbench.set_time(0)
    run = workbench.run_id = workbench.start(name, inputs)
    workbench.drive(run, sent)
    if workbench.one("select df.status(%s)", [run]) == ("failed",):
        ahead, before = workbench.ahead(), workbench.executed()
        with suppress(psycopg.DatabaseError):  # a handler has undone what had been done
            workbench.connection.execute("select df.retry_failed(%s)", [run])
            workbench.drive(run)
            workbench.compare(ahead, before)
    workbench.connection.execute("select df.cancel(%s, 'the test is over')", [run])
