"""The same workflow, inputs and signals end the same on pg_durable and on our runtime.

Needs the real extension; the docstring of `conftest` says what its database must allow.
All runs are under way at once, because a run takes seconds there.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.pg_durable.cases import CASES
from tests.pg_durable.sides import Outcome
from tests.unit.engine.http_server import Server

pytestmark = pytest.mark.pg_durable


@pytest.mark.parametrize("name", CASES)
def test_runs_end_the_same(
    name: str, outcomes: Callable[[str], tuple[Outcome, Outcome]], http: Server
) -> None:
    case = CASES[name](http)
    ours, theirs = outcomes(name)
    assert ours.status == case.status, ours.error
    assert theirs.status == case.status, theirs.error
    assert theirs == ours
    if case.result is not None:
        assert ours.result == case.result
    if case.rows is not None:
        assert ours.rows == sorted(case.rows)
    for side in (ours, theirs):
        assert (case.error or "") in (side.error or "")
