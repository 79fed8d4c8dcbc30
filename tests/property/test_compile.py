"""Compiling random workflows: they are accepted, deterministically, as valid SQL."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st

from perdure.dump import to_json
from tests.property import tree, written
from tests.property.runs import SCHEMA, Bench, bench
from tests.property.workflows import workflows

QUIET = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.filter_too_much,
        HealthCheck.data_too_large,
    ],
)
FORMATS = st.builds(
    written.Format,
    flow=st.booleans(),
    quote=st.sampled_from(["", "'", '"']),
    indent=st.integers(2, 6),
    width=st.sampled_from([30, 80, 10_000]),
    comments=st.booleans(),
)


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("bench")) as opened:
        yield opened


@settings(QUIET)
@given(workflows())
def test_drawn_workflows_are_accepted(
    workbench: Bench, workflow: tree.Workflow
) -> None:
    unit = workbench.compile(written.text(workflow, "drawn"), "drawn")
    assert [each for each in unit.findings if each.severity == "error"] == []
    assert unit.digest is not None


@settings(QUIET)
@given(workflows())
def test_emitted_sql_is_valid(workbench: Bench, workflow: tree.Workflow) -> None:
    unit = workbench.compile(written.text(workflow, "drawn"), "drawn")
    assume(unit.digest is not None)
    version = workbench.compiler.sql(unit, version=1)
    connection = workbench.connection
    with connection.transaction(force_rollback=True):
        connection.execute(version.up.encode())
        with pytest.raises(psycopg.errors.DuplicateFunction), connection.transaction():
            connection.execute(version.up.encode())
        connection.execute(version.down.encode())
        row = connection.execute("select to_regproc('workflows.drawn_v1')").fetchone()
        assert row == (None,)


@settings(QUIET)
@given(workflows(), FORMATS)
def test_format_changes_nothing(
    workbench: Bench, workflow: tree.Workflow, style: written.Format
) -> None:
    one = workbench.compile(written.text(workflow, "drawn"), "drawn")
    other = workbench.compile(written.text(workflow, "drawn", style), "drawn")
    assert one.digest == other.digest
    assert one.syntax == other.syntax
    assert to_json(one.ir) == to_json(other.ir)
    plans = [workbench.compiler.plan(unit) for unit in (one, other)]
    assert plans[0] == plans[1]


@settings(QUIET)
@given(workflows(), st.data())
def test_every_change_changes_the_digest(
    workbench: Bench, workflow: tree.Workflow, data: st.DataObject
) -> None:
    changes = list(changed(workflow.steps))
    assume(changes)
    steps = data.draw(st.sampled_from(changes))
    other = replace(workflow, steps=steps)
    before, after = (
        workbench.compile(written.text(each, "drawn"), "drawn")
        for each in (workflow, other)
    )
    assert before.digest is not None
    assert after.digest is not None
    assert before.digest != after.digest


@settings(QUIET, max_examples=20)
@given(workflows())
def test_forms_print_as_stable_json(workbench: Bench, workflow: tree.Workflow) -> None:
    text = written.text(workflow, "drawn")
    for stage in ("syntax", "ir", "plan"):
        printed = [
            workbench.compiler.dump(workbench.compile(text, "drawn"), stage)
            for _ in range(2)
        ]
        assert printed[0] == printed[1]
        again = json.dumps(json.loads(printed[0]), indent=2, ensure_ascii=False)
        assert again.strip() == printed[0].strip()


def test_two_processes_write_the_same_bytes(tmp_path: Path) -> None:
    texts = [written.text(each, f"w{i}") for i, each in enumerate(drawn(25))]
    one, other = (
        compiled(tmp_path / hash_seed, texts, hash_seed) for hash_seed in ("1", "77")
    )
    assert len(one) == 2 * len(texts) + 1
    assert one == other


def compiled(folder: Path, texts: list[str], hash_seed: str) -> dict[str, bytes]:
    """Return the files that a process of its own compiles workflows to."""
    (folder / "workflows").mkdir(parents=True)
    (folder / "perdure.toml").write_text('schema = "schema.sql"\n')
    (folder / "schema.sql").write_bytes(SCHEMA.read_bytes())
    for index, text in enumerate(texts):
        (folder / "workflows" / f"w{index}.yaml").write_text(text, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from perdure.cli.entry import main; main()", "compile"],
        cwd=folder,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    written = [*(folder / "migrations").iterdir(), folder / "workflows.lock"]
    return {path.name: path.read_bytes() for path in written}


def drawn(count: int) -> list[tree.Workflow]:
    """Return workflows that are the same in every run of the tests."""
    found: list[tree.Workflow] = []

    @seed(1)
    @settings(QUIET, max_examples=count, database=None, phases=[Phase.generate])
    @given(workflows())
    def collect(workflow: tree.Workflow) -> None:
        found.append(workflow)

    collect()
    return found


# --- changes of what a workflow does --------------------------------------------


def changed(node: Any) -> Iterator[Any]:
    """Yield copies of steps in which one constant, at any depth, is another."""
    match node:
        case tuple():
            for index, item in enumerate(node):
                for each in changed(item):
                    yield (*node[:index], each, *node[index + 1 :])
        case tree.Const(kind, value) if value is not None:
            yield tree.Const(kind, _other(value))
        case tree.Sleep(int(seconds)):
            yield tree.Sleep(seconds + 1)
        case tree.Template(before):
            yield replace(node, before=f"{before}.")
        case tree.Insert(marker):
            yield replace(node, marker=f"{marker}_")
        case tree.Wait(timeout=timeout):
            yield replace(node, timeout=(timeout or 0) + 1)
        case tree.SelectIf(expect="maybe"):
            yield replace(node, expect="one")
        case tree.Divide(attempts=attempts) if attempts > 1:  # 1: in a transaction, say
            yield replace(node, attempts=attempts + 1)
    if is_dataclass(node) and not isinstance(node, (type, tree.Const)):
        for each in fields(node):
            for value in changed(getattr(node, each.name)):
                yield replace(node, **{each.name: value})


def _other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | Decimal():
            return value + 1
        case _:
            return value + "x"
