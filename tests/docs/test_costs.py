"""The table of what constructs cost, on both targets, is what the compiler says."""

from __future__ import annotations

from pathlib import Path

from perdure.planning import costs_of
from perdure.targets.cost import Cost
from tests.docs.markdown import ROOT
from tests.unit.lower.workbench import Workbench, known, opened

PAGE = ROOT / "docs" / "targets.md"
BEGIN, END = "<!-- costs -->\n", "<!-- end of costs -->"
TARGETS = ("perdure", "pg_durable>=0.2.8")
BEFORE = """
- name: order
  sql: select id, total, status from shop.orders where id = :id
  expect: one
- name: orders
  sql: select id, total from shop.orders where id > :id
"""
AFTER = """
- sql: insert into shop.audit (what) select 'all' from :orders.* where :order.id = 1
"""
WRITE = "sql: insert into shop.audit (what) values ('a')"
HTTP = "{http: GET https://example.com}"

CONSTRUCTS: tuple[tuple[str, str], ...] = (
    ("`sql`", f"- {WRITE}"),
    ("`let`, immutable", "- let: {double: order.total * 2}"),
    ("`if` with `else`", f"- if: order.total > 5\n  then: [{{{WRITE}}}]\n"
     f"  else: [{{{WRITE}}}]"),
    ("`switch` with 8 cases", "- switch: order.status\n  cases:\n"
     + "".join(f"    c{n}: [{{{WRITE}}}]\n" for n in range(8))),
    ("`when` on a step", f"- when: order.total > 5\n  {WRITE}"),
    ("`parallel` with 3 branches", "- parallel:\n"
     + "".join(f"    b{n}: [{{{WRITE}}}]\n" for n in range(3))),
    ("`race` with 2 branches", "- race:\n    a: [{sleep: 1s}]\n    b: [{sleep: 2s}]"),
    ("`loop` with `until`", f"- loop: [{{{WRITE}}}, {{sleep: 5s}}]\n"
     "  until: order.total > random()"),
    ("`loop` with `every`", f"- loop: [{{{WRITE}}}]\n  every: 5m\n"
     "  until: order.total > random()"),
    ("`foreach` in order", f"- foreach: o in orders\n  do: [{{{WRITE}}}]"),
    ("`foreach`, `max_parallel: 4`",
     f"- foreach: o in orders\n  max_parallel: 4\n  do: [{{{WRITE}}}]"),
    ("`try` with `catch`", f"- try: [{{{WRITE}}}]\n  catch: err\n"
     "  do: [{sql: \"insert into shop.audit (what) values (:err.message)\"}]"),
    ("`undo` on a step", f"- {WRITE}\n  undo: [{{{WRITE}}}]\n- {WRITE}"),
    ("`retry` on `sql`", f"- {WRITE}\n  retry: 3"),
    ("`timeout` on `sql`", f"- {WRITE}\n  timeout: 5s"),
    ("`transaction` of 3 steps",
     f"- transaction: [{{{WRITE}}}, {{{WRITE}}}, {{{WRITE}}}]"),
    ("`http`", f"- {HTTP}"),
    ("`sleep: 5m`", "- sleep: 5m"),
    ("`sleep` of an expression", "- sleep: interval '1 minute' * order.total"),
    ("`wait_for_signal` with `timeout`", "- {wait_for_signal: paid, timeout: 1d}"),
    ("`wait_for_schedule`", "- wait_for_schedule: 0 9 * * MON"),
)  # fmt: skip


def table(bench: Workbench) -> str:
    """Return the table: what a construct adds to a workflow, by target."""
    lines = [
        "| construct | nodes | statements "
        "| nodes there | statements there | pace there |",
        "|---|---|---|---|---|---|",
    ]
    for label, steps in CONSTRUCTS:
        cells = [cell for name in TARGETS for cell in added(bench, steps, name)]
        del cells[2]  # the runtime of Perdure has no pace
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def added(bench: Workbench, steps: str, target: str) -> list[str]:
    """Return nodes, statements and the pace that steps add on a target."""
    found = cost(bench, f"{BEFORE}{steps.rstrip()}{AFTER}", target)
    if found is None:
        return ["refused", "", ""]
    bare = cost(bench, BEFORE + AFTER, target)
    assert bare is not None
    own = [each for each in found.steps if each.path.startswith("steps[2]")]
    rows = next((each.rows_per_second for each in own if each.rows_per_second), None)
    paced = any(each.seconds_per_round for each in own)
    pace = f"{rows:g} rows a second" if rows else "1 s a round" if paced else ""
    nodes = found.nodes - bare.nodes
    return [str(nodes), str(found.statements - bare.statements), pace]


def cost(bench: Workbench, text: str, target: str) -> Cost | None:
    found = costs_of(bench.ir(text), known(target))
    return found if isinstance(found, Cost) else None


def test_the_table_of_costs(tmp_path: Path, accept: bool) -> None:
    with opened(tmp_path / "state") as bench:
        expected = table(bench)
    page = PAGE.read_text(encoding="utf-8")
    before, _, rest = page.partition(BEGIN)
    shown, found, after = rest.partition(END)
    assert found, f"{PAGE.name} has no {BEGIN.strip()} and {END}"
    if accept and shown != expected:
        PAGE.write_text(before + BEGIN + expected + END + after, encoding="utf-8")
        return
    assert shown == expected, "run make docs"
