"""The workflows of the reference run: how each ends is in `reference_runs.txt`.

One line per example: its page and section, the status, the result or the error, and
what was written to shop.audit. Requests are answered with 200 and a body that fits all
`returns` of the pages; nobody sends signals; the clock jumps to the next timer, fifty
times at most. `pytest --accept` writes the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from psycopg.sql import SQL, Composable
from psycopg.types.json import Jsonb

from perdure.frontend.yaml.language import STEPS
from tests.docs.markdown import ROOT, Block, blocks
from tests.docs.test_examples import PAGES, workflow, write_examples
from tests.property.runs import Bench, bench

EXPECTED = Path(__file__).with_name("reference_runs.txt")
SCHEMA = ROOT / "examples" / "orders" / "schema.sql"
DATA = """
truncate shop.customers, shop.orders, shop.stock, shop.audit restart identity cascade;
insert into shop.customers (name, email) values ('Ada', 'ada@example.com');
insert into shop.orders (customer_id, total, email, tags)
values (1, 119, 'ada@example.com', array['new']), (1, 20, 'ada@example.com', null);
insert into shop.stock (order_id, item, reserved) values (1, 'lamp', 1);
"""
INPUTS: dict[str, Composable] = {
    "order_id": SQL("1"),
    "email": SQL("'ada@example.com'"),
    "n": SQL("2"),
}
BODY = {
    "name": "Ada",
    "tags": ["new"],
    "since": "2020-02-29",
    "addresses": [{"street": "Main Street 1", "city": "Springfield"}],
}


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with bench(tmp_path_factory.mktemp("reader"), [SCHEMA]) as opened:
        yield opened


CONSTRUCTS = {
    "steps.md": "sql http sleep wait_for_signal let if parallel race loop return",
    "control-flow.md": "when timeout switch try foreach transaction do undo "
    "sleep_until wait_for_schedule",
    "workflows.md": "call start signal",
}


@pytest.mark.parametrize(
    ("page", "construct"),
    [(page, each) for page, named in CONSTRUCTS.items() for each in named.split()]
    + [("steps.md", "assert and fail"), ("control-flow.md", "retry of blocks")],
)
def test_a_construct_is_described_in_full(page: str, construct: str) -> None:
    text = (ROOT / "docs" / "reference" / page).read_text()
    (found,) = re.findall(
        rf"^## {re.escape(construct)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    for said in ("**Result.**", "**Failure.**", "**On pg_durable**"):
        assert said in found, said


def test_every_kind_of_step_has_a_page() -> None:
    described = {each for named in CONSTRUCTS.values() for each in named.split()}
    elsewhere = {"sql_file", "assert", "fail", "break", "continue"}
    assert {kind.name for kind in STEPS} - elsewhere <= described


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_examples_of_the_reference_run(page: Path, reader: Bench, accept: bool) -> None:
    folder = reader.folder / "workflows"
    folder.mkdir(exist_ok=True)
    write_examples(page, folder)
    deploy(reader, folder)
    shown = [f"{place}: {ended(reader, name)}" for place, name in examples(page)]
    known = EXPECTED.read_text().splitlines() if EXPECTED.exists() else []
    own = [line for line in known if line.startswith(f"{page.name} ")]
    if accept:
        kept = [line for line in known if line not in own]
        EXPECTED.write_text("\n".join(sorted([*kept, *shown])) + "\n")
    else:
        assert sorted(shown) == own


def deploy(reader: Bench, folder: Path) -> None:
    """Put all workflows of a folder into the database."""
    files = sorted(folder.iterdir())
    sources = [p for p in files if p.suffix == ".yaml" and p.stem != "shared"]
    reader.connection.execute("drop schema if exists workflows cascade")
    reader.connection.execute("delete from perdure.workflow_versions")
    for unit in reader.compiler.check(sources).units:
        up = reader.compiler.sql(unit, version=1).up
        reader.connection.execute(up.encode())
    reader.connection.execute(
        "select df.cancel(id, 'no schedules here') from df.instances"
        " where status in ('pending', 'running')"
    )
    for path in files:
        path.unlink()


def examples(page: Path) -> Iterator[tuple[str, str]]:
    """Yield the place of each workflow of a page, and its name."""
    text = page.read_text()
    counts: dict[str, int] = {}
    for block in blocks(text):
        if block.language != "yaml" or block.option("file") == "shared.yaml":
            continue
        heading = section(text, block)
        counts[heading] = counts.get(heading, 0) + 1
        named = block.option("file")
        name = Path(named).stem if named else f"line_{block.first}"
        assert workflow(block, name)
        yield f"{page.name} {heading} [{counts[heading]}]", name


def section(text: str, block: Block) -> str:
    """Return the heading over a block."""
    above = text.splitlines()[: block.first]
    return next((line for line in above[::-1] if line.startswith("#")), "#")


def ended(reader: Bench, name: str) -> str:
    """Run a workflow, and say how that ended."""
    reader.connection.execute(DATA)
    reader.set_time(0)
    rows = reader.connection.execute(
        "select unnest(proargnames), generate_series(1, pronargs) > pronargs"
        " - pronargdefaults from pg_proc where oid = to_regproc(%s) and pronargs > 0",
        [f"workflows.{name}"],
    ).fetchall()
    needed = [each for each, optional in rows if not optional]
    run = reader.start(name, {each: INPUTS[each] for each in needed})
    drive(reader, run)
    seen = reader.seen(run)
    outcome: Any = seen.result and seen.result["rows"][0]["result"]
    shown = seen.error or json.dumps(outcome, default=float)
    audit = [what for what, _ in seen.rows]
    return f"{seen.status}, {shown}, audit {json.dumps(audit)}"


def drive(reader: Bench, run: str) -> None:
    """Answer requests and let time pass until nothing is left to happen."""
    for _ in range(50):
        reader.work()
        requests = reader.connection.execute(
            "select request_id, attempt from df.claim_http('test', 100)"
        ).fetchall()
        for request in requests:
            reader.connection.execute(
                "select df.finish_http(%s, %s, %s)", [*request, Jsonb(RESPONSE)]
            )
        if not requests:
            due = reader.next_time([])
            if not reader.active(run) or due is None:
                return
            reader.set_time(due)


RESPONSE = {
    "status": 200,
    "ok": True,
    "encoding": "text",
    "headers": {"content-type": "application/json"},
    "duration_ms": 1,
    "body": json.dumps(BODY),
}
