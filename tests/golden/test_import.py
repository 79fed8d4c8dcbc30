"""The corpus of df expressions, imported.

* `import/runs/*.sql`: each expression, and the workflow that it becomes, are run on
  Perdure's runtime and do the same;
* `import/texts/*.sql`: the workflows are compiled only;
* `import/errors/*.sql`: what `perdure import` says, in a file `.txt` beside.

The workflows that a file becomes stand beside it as `.yaml`, one after the other.
`pytest --accept` writes what is expected.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from perdure.cli.main import app
from perdure.diagnostics import Diagnostic
from perdure.diagnostics.codes import Code, importing
from perdure.diagnostics.render import render_text
from perdure.engine.database import Database
from perdure.engine.graphs import read_graph
from perdure.frontend.df import Imported, import_rows, import_sql
from perdure.frontend.df.calls import calls_in
from perdure.frontend.df.context import Dialect
from perdure.source import Source
from tests.property.runs import Bench, Seen, Signal, bench

HERE = Path(__file__).parent / "import"
FILES = sorted([*HERE.glob("runs/*.sql"), *HERE.glob("texts/*.sql")])
ERRORS = sorted(HERE.glob("errors/*.sql"))
_ELSEWHERE = re.compile(r"-- set elsewhere: (\w+) = (.*)")
_SIGNAL = re.compile(r"-- signal: (\w+) (\{.*\})")
_DATA = """
truncate shop.audit, shop.stock, shop.orders, shop.customers restart identity cascade;
insert into shop.customers (name, email) values ('Ada', 'ada@example.com');
insert into shop.orders (customer_id, total, email)
values (1, 50, 'a@example.com'), (1, 150, 'b@example.com'), (1, 1500, 'c@example.com');
select df.clearvars();
"""


def named(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"


def dialect_of(path: Path) -> Dialect:
    return "perdure" if path.parent.name == "runs" else "pg_durable"


def imported(path: Path) -> tuple[list[Imported], list[Diagnostic], Source]:
    source = Source(path.name, path.read_text())
    workflows, found = import_sql(source, dialect_of(path))
    return workflows, found, source


def compare(path: Path, actual: str, accept: bool) -> None:
    if accept:
        path.write_text(actual)
    assert path.exists(), f"no {path.name} yet; run pytest --accept and read it"
    assert actual == path.read_text()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_a_file_becomes_the_workflows_beside_it(path: Path, accept: bool) -> None:
    workflows, found, source = imported(path)
    assert [each for each in found if each.severity == "error"] == []
    text = "---\n".join(each.text for each in workflows)
    compare(path.with_suffix(".yaml"), text, accept)
    said = render_text(found, {source.path: source}, colour=False)
    if said or path.with_suffix(".txt").exists():
        compare(path.with_suffix(".txt"), said, accept)


@pytest.mark.parametrize("path", ERRORS, ids=named)
def test_what_has_no_counterpart_is_told(path: Path, accept: bool) -> None:
    _, found, source = imported(path)
    said = render_text(found, {source.path: source}, colour=False)
    compare(path.with_suffix(".txt"), said, accept)
    assert path.name[:5] in {each.code for each in found}


@pytest.mark.parametrize("entry", importing.CODES, ids=lambda entry: entry.code)
def test_the_page_of_a_code_is_right(entry: Code) -> None:
    _, found = import_sql(Source("wrong.sql", entry.wrong))
    assert entry.code in {each.code for each in found}
    workflows, found = import_sql(Source("right.sql", entry.right))
    assert workflows
    assert found == []


def test_the_corpus_is_large() -> None:
    assert sum(len(imported(path)[0]) for path in FILES) >= 60


@pytest.fixture(scope="module")
def workbench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("import")) as opened:
        yield opened


@pytest.mark.parametrize("path", sorted(HERE.glob("texts/*.sql")), ids=named)
def test_what_is_imported_compiles(path: Path, workbench: Bench) -> None:
    wrong = {}
    for each in imported(path)[0]:
        unit = workbench.compile(each.text, each.name)
        errors = [f.message for f in unit.findings if f.severity == "error"]
        if errors:
            wrong[each.name] = errors
    assert wrong == {}


@dataclass(frozen=True)
class Pair:
    """An expression of the corpus as written, and the workflow that it becomes.

    `given` are variables that the file does not set, in the order of the inputs.
    """

    original: str
    workflow: Imported
    setting: tuple[str, ...]
    signals: tuple[Signal, ...]
    given: tuple[tuple[str, str], ...]


def pairs(path: Path) -> Iterator[Pair]:
    workflows, _, source = imported(path)
    setting: list[str] = []
    left = iter(workflows)
    for statement in calls_in(source):
        call = source.text[statement.span.start : statement.span.end]
        if call.startswith("df.setvar"):
            setting.append(call)
            continue
        before = source.text[statement.begin : statement.span.start]
        signals = tuple(Signal(1000, *each) for each in _SIGNAL.findall(before))
        given = tuple(_ELSEWHERE.findall(before))
        yield Pair(call, next(left), tuple(setting), signals, given)


def without_comments(text: str) -> str:
    lines = (line for line in text.split("\n") if not line.strip().startswith("#"))
    return "\n".join(lines)


RUNS = [pair for path in FILES if path.parent.name == "runs" for pair in pairs(path)]
THOROUGH = {each.name for each in imported(HERE / "runs" / "mixed.sql")[0]}
MARKED = [
    pytest.param(
        pair,
        id=pair.workflow.name,
        marks=[pytest.mark.slow] if pair.workflow.name in THOROUGH else [],
    )
    for pair in RUNS
]


@pytest.mark.parametrize("pair", MARKED)
def test_an_import_does_what_the_expression_does(pair: Pair, workbench: Bench) -> None:
    text = pair.workflow.text
    workbench.deploy(text, pair.workflow.name)
    original = outcome(workbench, pair, pair.original)
    inputs = ", ".join(f"'{value}'" for _, value in pair.given)
    workflow = outcome(workbench, pair, f"workflows.{pair.workflow.name}({inputs})")
    branches = re.search(r"&|join", pair.original) is not None
    assert effects(workflow, branches) == effects(original, branches)
    if "return:" in text and original.status == "completed":
        assert returned(workflow.result) == result(original.result)


def outcome(workbench: Bench, pair: Pair, call: str) -> Seen:
    """Run an expression on fresh data."""
    connection = workbench.connection
    connection.execute(_DATA)
    workbench.set_time(0)
    for each in pair.setting:
        connection.execute(f"select {each}".encode())
    for variable in pair.given:
        connection.execute("select df.setvar(%s, %s)", variable)
    run = str(workbench.one(f"select {call}".encode())[0])
    workbench.drive(run, pair.signals)
    return workbench.seen(run)


def effects(seen: Seen, branches: bool) -> tuple[Any, ...]:
    """Return what a run did to the tables, and how it ended.

    The order of what branches do that run side by side is chance.
    """
    rows = tuple(sorted(seen.rows, key=repr)) if branches else seen.rows
    return seen.status, seen.sqlstate, rows, round(seen.end, -3)


def result(given: Any) -> Any:
    """Return the result of a graph as the import returns it."""
    if not isinstance(given, dict) or "rows" not in given:
        return given
    rows = given["rows"]
    if not rows:
        return None
    if len(rows) == 1 and len(rows[0]) == 1:
        return next(iter(rows[0].values()))
    return rows[0] if len(rows) == 1 else rows


def returned(given: Any) -> Any:
    """Return the value of `return`."""
    return given["rows"][0]["result"]


def survives(pair: Pair) -> bool:
    """Say whether a graph holds all that its expression says.

    It does not tell how many items go on at a time, what the variables were, in which
    order the members of a JSON object stood, and which defaults were written out.
    """
    text = pair.original
    lost = ("max_parallel", "break('{", "df.retry('", "df.retry(df.timeout")
    return not pair.setting and not any(each in text for each in lost)


GRAPHS = [pair for pair in RUNS if survives(pair)]


def test_graphs_of_runs_become_the_same_workflows(workbench: Bench) -> None:
    other = {}
    for pair in GRAPHS:
        workbench.connection.execute(_DATA)
        for each in pair.setting:
            workbench.connection.execute(f"select {each}".encode())
        run = str(workbench.one(f"select {pair.original}".encode())[0])
        graph = read_graph(Database(workbench.connection.info.dsn, "the test"), run)
        workbench.connection.execute("select df.cancel(%s, 'the test is over')", [run])
        assert graph is not None
        again, found, _ = import_rows(
            run, graph.rows, graph.root, graph.runtime, pair.workflow.name
        )
        text = again.text if again else [each.message for each in found]
        if again is None or "input:" not in again.text:
            wanted = without_comments(pair.workflow.text)
            if again is None or without_comments(again.text) != wanted:
                other[pair.workflow.name] = text
    assert other == {}


def test_a_variable_in_the_graph_of_a_run_is_an_input(workbench: Bench) -> None:
    graph = """df.start('select ''{customer}, {"a": 1}'' as greeting', 'greeting')"""
    run = str(workbench.one(f"select {graph}".encode())[0])
    stored = read_graph(Database(workbench.connection.info.dsn, "the test"), run)
    workbench.connection.execute("select df.cancel(%s, 'the test is over')", [run])
    assert stored is not None
    again, found, _ = import_rows(run, stored.rows, stored.root, stored.runtime)
    assert again is not None
    assert "input:\n  customer: text\n" in again.text
    assert """select (:customer || ', {\\"a\\": 1}') as greeting""" in again.text
    assert [each.code for each in found] == ["WF806"]


def test_a_graph_of_pg_durable(accept: bool) -> None:
    path = HERE / "graphs" / "pg_durable.json"
    graph = json.loads(path.read_text())
    again, found, _ = import_rows(
        "1fe9725b", graph["rows"], graph["root"], graph["runtime"], graph["label"]
    )
    assert again is not None
    assert {each.code for each in found} == {"WF806"}
    compare(path.with_suffix(".yaml"), again.text, accept)


def test_the_command_finds_the_graph_of_a_run(workbench: Bench) -> None:
    graph = "df.start('select 1' ~> df.sleep(60), 'found by its id')"
    run = str(workbench.one(f"select {graph}".encode())[0])
    workbench.connection.execute("select df.cancel(%s, 'the test is over')", [run])
    database = ["--db", workbench.connection.info.dsn]
    done = CliRunner().invoke(app, ["import", *database, run])
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.startswith("workflow: found_by_its_id\n")
    done = CliRunner().invoke(app, ["import", *database, "00000000"])
    assert done.exit_code == 2
    assert 'no run "00000000"' in done.stderr
