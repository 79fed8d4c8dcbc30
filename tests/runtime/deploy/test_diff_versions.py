"""`perdure diff` with what the lock or a database has: which files a version has."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perdure.release.lock import text_digest
from tests.runtime.deploy.conftest import (
    Perdure,
    caller,
    execute,
    make_project,
)
from tests.runtime.deploy.test_revisions import commit, rewrite

SCHEMA = "create table parts (id bigint primary key, name text not null);\n"
CALLED = """\
workflow: called
description: Tell the parts.
input:
  id: bigint
steps:
  - sql: delete from parts where id = :id
  - return: done
"""
CALLER = """\
workflow: caller
steps:
  - name: first
    call: called
    with: {id: 1}
  - return: "${first}"
"""
ADDED = "  - sleep: 1s\n  - return"


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    folder = make_project(tmp_path, postgres, CALLED, SCHEMA)
    (folder / "workflows" / "caller.yaml").write_text(CALLER)
    return folder


@pytest.fixture
def call(project: Path, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    monkeypatch.setenv("NO_COLOR", "1")
    return caller(project)


def told(perdure: Perdure, *words: str) -> list[str]:
    """Return what `diff` says of workflows and steps, without their texts."""
    lines = perdure("diff", *words).stdout.splitlines()
    return [line for line in lines if line.lstrip()[:2] in ("+ ", "- ", "~ ", "> ")]


def test_each_version_is_compared_with_its_own_files(
    call: Perdure, project: Path, database: str, runtime: None
) -> None:
    call("compile")
    file = project / "workflows" / "called.yaml"
    rewrite(file, "  - return", ADDED)
    call("compile")
    call("rollback", "called")
    assert told(call) == []  # compiling makes nothing of it
    assert "warning[WF709]" in call("diff", "--fail-on", "metadata").stderr
    execute(database, SCHEMA)
    call("deploy", "--yes", "--database-url", database)
    assert told(call, "--db", database) == []  # that is what stays in force

    moved = project / "workflows" / "there.yaml"  # beside the old one of that name
    file.rename(moved)
    rewrite(moved, "sleep: 1s", "sleep: 2s")
    assert told(call)[:3] == [
        "~ workflow called, changed: compatible",
        "    ~ file: workflows/called.yaml -> workflows/there.yaml",
        "  + sleep, added (steps[1])",
    ]
    moved.write_text(CALLED)
    assert [each for each in told(call) if "workflow" in each.split()[1:2]] == [
        "~ workflow caller, changed: compatible"
    ]


def test_what_makes_no_version_is_not_told_after_each_compile(
    call: Perdure, project: Path, database: str, runtime: None
) -> None:
    call("compile")
    execute(database, SCHEMA)
    call("deploy", "--yes", "--database-url", database)
    file = project / "workflows" / "called.yaml"
    rewrite(file, "Tell the parts", "Tell what the parts are")
    file.rename(project / "workflows" / "there.yaml")
    for words in ((), ("--db", database)):
        done = call("diff", *words, "--detailed-exitcode")
        assert done.stdout == "no differences\n"
    rewrite(project / "workflows" / "there.yaml", "  - return", ADDED)
    assert "metadata:" in call("diff").stdout


FEE = """\
workflow: fee
input: {amount: numeric}
returns: numeric
steps:
  - return: "${amount * 0.1}"
"""
BILL = """\
workflow: bill
steps:
  - name: part
    call: fee
    with: {amount: 5}
  - return: "${part}"
"""


@pytest.fixture
def bill(project: Path, call: Perdure) -> Path:
    """Compile a workflow that takes in one of which no step is left."""
    (project / "workflows" / "bill.yaml").write_text(BILL)
    file = project / "workflows" / "fee.yaml"
    file.write_text(FEE)
    call("compile")
    return file


def test_the_file_of_a_call_of_which_no_step_is_left_is_kept(
    call: Perdure, bill: Path, project: Path
) -> None:
    (migration,) = (project / "migrations").glob("*bill_v1.up.sql")
    assert "--- workflows/fee.yaml\n" in migration.read_text()
    assert told(call) == []
    rewrite(bill, "0.1", "0.2")
    assert told(call) == [
        "~ workflow bill, changed: compatible",
        "  ~ call part, changed (steps[0])",
        "~ workflow fee, changed: compatible",
        "  ~ return, changed (steps[0])",
    ]


def test_what_a_module_imports_is_kept_where_its_workflow_is_taken_in(
    call: Perdure, bill: Path, project: Path
) -> None:
    bill.unlink()
    folder = project / "workflows"
    (folder / "rates.py").write_text('RATE = "a tenth"\n')
    (folder / "fee.py").write_text(
        "from decimal import Decimal\n\nfrom perdure import workflow\n"
        "from rates import RATE\n\n\n@workflow\n"
        "def fee(amount: Decimal) -> str:\n    return RATE\n"
    )
    call("compile")
    (migration,) = (project / "migrations").glob("*bill_v2.up.sql")
    for name in ("fee.py", "rates.py"):
        assert f"--- workflows/{name}\n" in migration.read_text()
    assert call("diff").stdout == "no differences\n"


@pytest.fixture
def older(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have files kept as older versions did: not where no step of a call is left."""
    monkeypatch.setattr("perdure.pipeline.made_from", lambda unit, _: unit.beside)


@pytest.mark.usefixtures("older")
def test_a_version_that_lacks_a_file_is_compared_with_what_was_meant(
    call: Perdure, bill: Path, project: Path
) -> None:
    (migration,) = (project / "migrations").glob("*bill_v1.up.sql")
    assert "--- workflows/fee.yaml" not in migration.read_text()
    done = call("diff")
    assert (done.stdout, done.stderr) == ("no differences\n", "")
    rewrite(bill, "0.1", "0.2")
    call("compile")
    said = call("rollback", "fee").stdout
    assert "note: bill@2 has the steps of fee@2 in it" in said
    done = call("diff")  # fee@2 is meant, and fee@1 in force
    assert "workflow bill" not in done.stdout
    assert "note:" not in done.stderr


@pytest.mark.usefixtures("older")
def test_what_a_version_lacks_and_nothing_fits_is_told(
    call: Perdure, bill: Path, project: Path
) -> None:
    lock = project / "workflows.lock"
    (migration,) = (project / "migrations").glob("*bill_v1.up.sql")
    (down,) = (project / "migrations").glob("*bill_v1.down.sql")
    digest = re.findall("Digest of what was compiled: (.*)", migration.read_text())[0]
    for path in (migration, down):
        edited(lock, path, digest, "0" * 64)
    lock.write_text(lock.read_text().replace(digest, "0" * 64))
    done = call("diff")
    assert "does not compile" not in done.stdout
    assert done.stderr == (
        "note: the migration of bill@1 lacks files of what it takes in; it is compared "
        "as if that were fee@1\n"
    )


def edited(lock: Path, path: Path, old: str, new: str) -> None:
    """Edit a migration, and what the lock says of it."""
    before = text_digest(path.read_text())
    rewrite(path, old, new)
    rewrite(lock, before, text_digest(path.read_text()))


LOOKUP = """\
workflow: lookup
steps:
  - name: row
    sql: select id, name from parts where id = 1
    expect: one
  - return: {name: "${row.name}"}
"""
USER = """\
workflow: user
steps:
  - name: found
    call: lookup
  - sql: delete from parts where name = :found.name
  - return: "${found.name}"
"""


def test_results_that_follow_from_a_changed_schema_are_breaking(
    call: Perdure, project: Path, database: str, runtime: None
) -> None:
    for name, text in (("lookup", LOOKUP), ("user", USER)):
        (project / "workflows" / f"{name}.yaml").write_text(text)
    call("compile")
    execute(database, SCHEMA)
    call("deploy", "--yes", "--database-url", database)
    rewrite(project / "schema.sql", "name text", "name varchar(9)")
    assert told(call) == [
        "~ workflow lookup, changed: breaking",
        "    ~ returns: not known -> {name: character varying(9)}",
        "~ workflow user, changed: breaking",
        "    ~ returns: not known -> character varying(9)",
    ]
    assert told(call, "--db", database) == [
        "~ workflow lookup, changed: compatible",
        "    ~ returns: {name: text} -> {name: character varying(9)}",
        "  ~ sql row, changed (steps[0])",
        "~ workflow user, changed: compatible",
        "    ~ returns: text -> character varying(9)",
        "  ~ call found, changed (steps[0])",
    ]
    declared = "steps:\n  - name: row"
    rewrite(project / "schema.sql", "varchar(9)", "text")
    rewrite(
        project / "workflows" / "lookup.yaml",
        declared,
        f"returns: {{name: text}}\n{declared}",
    )
    call("compile")
    rewrite(project / "schema.sql", "id bigint", "id integer")
    rewrite(
        project / "workflows" / "lookup.yaml",
        "workflow: lookup",
        "workflow: lookup\ndescription: Find it",
    )
    lines = call("diff").stdout.splitlines()
    assert lines[:3] == [
        "~ workflow lookup, changed: compatible",
        "  the schema gives its steps other types than those it was compiled with",
        "  metadata:",
    ]


def test_what_went_with_its_tables_is_removed(call: Perdure, project: Path) -> None:
    call("compile")
    (project / "schema.sql").write_text("")
    for name in ("called", "caller"):
        (project / "workflows" / f"{name}.yaml").unlink()
    assert told(call) == [
        "- workflow called, removed: breaking",
        "- workflow caller, removed: breaking",
    ]


def test_a_call_of_which_no_step_is_left_must_fit_the_schema(
    call: Perdure, bill: Path, project: Path
) -> None:
    added = "create function tax() returns numeric language sql as 'select 1.0';\n"
    (project / "schema.sql").write_text(SCHEMA + added)
    rewrite(bill, "amount * 0.1", "tax()")
    call("compile")
    (project / "schema.sql").write_text(SCHEMA)
    assert "--> bill@2 (workflows/fee.yaml:5, " in call("verify", code=1).stdout


def test_workflows_that_call_each_other_change_together(
    call: Perdure, project: Path
) -> None:
    ring = (
        "workflow: {0}\ninput: {{n: integer}}\nreturns: integer\nsteps:\n"
        "  - if: n > 0\n    then:\n      - name: r\n        call: {1}\n"
        '        with: {{n: "${{n - 1}}"}}\n  - return: 0\n'
    )
    for name, other in (("ping", "pong"), ("pong", "ping")):
        (project / "workflows" / f"{name}.yaml").write_text(ring.format(name, other))
    call("compile")
    rewrite(project / "workflows" / "pong.yaml", "return: 0", "return: 1")
    lines = call("diff").stdout.splitlines()
    assert lines[0] == "~ workflow ping, changed: compatible"
    assert "it and a workflow that changed call each other" in lines[1]
    assert lines[2] == "~ workflow pong, changed: compatible"
    call("compile")
    call("rollback", "pong")  # pong@1 is in force at both ends, and ping@2 in between
    (project / "workflows" / "pong.yaml").write_text(ring.format("pong", "ping"))
    lines = call("diff").stdout.splitlines()
    assert lines[0] == "~ workflow ping, changed: compatible"
    assert "it and a workflow that changed call each other" in lines[1]
    assert lines[2:] == []


def test_inputs_whose_order_means_nothing_are_told_as_metadata(
    call: Perdure, project: Path
) -> None:
    file = project / "workflows" / "called.yaml"
    rewrite(file, "  id: bigint\n", "  id: bigint\n  n: integer = 1\n")
    call("compile")
    commit(project)
    rewrite(file, "  id: bigint\n  n: integer = 1", "  n: integer = 1\n  id: bigint")
    for words in ((), ("HEAD",)):
        assert told(call, *words)[:2] == [
            "~ workflow called, changed: metadata",
            "    ~ inputs: id, n -> n, id",
        ]
