"""How long the command line takes on a large project: 500 workflows, 5,000 SQL steps.

    python bench/project/run.py [--workflows N] [--keep FOLDER]

Generates the project, runs the real command in new processes, and prints a table.
Every statement of the project is different, so that no answer of the catalog serves
two steps. Best of several runs, except for the cold check, which can be had only once.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PERDURE = Path(sys.executable).with_name("perdure")
TABLES = 50
WARM_RUNS = 3
STEPS = 10  # SQL steps of each workflow; see WORKFLOW

TABLE = """\
create table app.items_{n} (
  id bigint generated always as identity primary key,
  owner_id bigint not null,
  amount numeric(12,2) not null,
  title text not null,
  note text,
  tags text[] not null default '{{}}',
  data jsonb,
  state text not null default 'new',
  changed_at timestamptz not null default now(),
  unique (owner_id, title)
);
"""

WORKFLOW = """\
workflow: work_{n:03}
description: Generated for measuring.

input:
  item_id: bigint
  limit_{n}: numeric = {n}

steps:
  - name: item
    sql: |
      select id, owner_id, amount, title, note
        from {a} where id = :item_id and {n} = {n}
    expect: one
  - name: total
    sql: select count(*) as items, coalesce(sum(amount), {n}) as amount from {b}
  - if: item.amount > limit_{n} and total.items < {n}
    then:
      - name: reviewed
        sql: |
          update {a} set state = 'review {n}', changed_at = now()
           where id = :item.id
          returning id, state
        expect: one
      - sql: |
          insert into {b} (owner_id, amount, title)
          values (:item.owner_id, {n}, :reviewed.state)
    else:
      - sql: update {a} set note = coalesce(note, '') || ' {n}' where id = :item.id
  - parallel:
      first:
        - name: latest
          sql: |
            select i.id, i.title, o.title as other
              from {a} i left join {b} o on o.owner_id = i.owner_id
             where i.owner_id = :item.owner_id and i.amount > {n}
             order by i.changed_at desc
             limit 1
        - sql: update {b} set state = 'seen {n}' where id = :latest.id
      second:
        - sql: delete from {b} where owner_id = :item.owner_id and amount < {n}
  - let:
      share: "case when total.amount > 0 then item.amount / total.amount else 0 end"
  - name: summary
    sql: |
      select jsonb_build_object('run', {n}, 'title', :item.title, 'share', :share)
               as data,
             cardinality(array_agg(tags)) as tags
        from {a} where owner_id = :item.owner_id
  - sql: update {a} set data = :summary.data, state = 'done {n}' where id = :item.id
  - return: {{item: "${{item.id}}", share: "${{share}}"}}
"""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `limit` in seconds."""

    what: str
    seconds: float
    limit: float | None

    def __str__(self) -> str:
        if self.limit is None:
            return f"| {self.what:<48} | {self.seconds:>8.2f} s |          |"
        verdict = "" if self.seconds < self.limit else "  OVER"
        limit = f"{self.limit:g} s"
        return f"| {self.what:<48} | {self.seconds:>8.2f} s | {limit:>8} |{verdict}"


def generate(folder: Path, count: int) -> None:
    """Write a project of `count` workflows with ten SQL steps each."""
    (folder / "workflows").mkdir(parents=True)
    tables = (TABLE.format(n=n) for n in range(TABLES))
    (folder / "schema.sql").write_text("create schema app;\n\n" + "\n".join(tables))
    (folder / "perdure.toml").write_text('schema = "schema.sql"\n')
    for n in range(count):
        a, b = f"app.items_{n % TABLES}", f"app.items_{(n + 1) % TABLES}"
        path = folder / "workflows" / f"work_{n:03}.yaml"
        path.write_text(WORKFLOW.format(n=n, a=a, b=b))


def seconds(folder: Path, *arguments: str) -> float:
    """Run the command in a new process; return the time it takes, ends checked."""
    started = time.perf_counter()
    done = subprocess.run(
        [PERDURE, *arguments],
        cwd=folder,
        env=os.environ | {"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    taken = time.perf_counter() - started
    if done.returncode != 0:
        end = (done.stdout + done.stderr)[-2000:]
        sys.exit(f"perdure {' '.join(arguments)} ended with {done.returncode}:\n{end}")
    return taken


def best(folder: Path, *arguments: str, runs: int = WARM_RUNS) -> float:
    """Return the shortest of several runs."""
    return min(seconds(folder, *arguments) for _ in range(runs))


def rows(folder: Path, count: int) -> Iterator[Row]:
    """Measure on a generated project, and on a copy of the example."""
    yield Row("perdure --help", best(folder, "--help", runs=5), 0.25)
    example = folder.with_name("orders")
    shutil.copytree(
        ROOT / "examples" / "orders",
        example,
        ignore=shutil.ignore_patterns(".perdure", "__pycache__"),
    )
    yield Row("check examples/orders, cold", seconds(example, "check"), None)
    yield Row("check examples/orders, warm", best(example, "check"), 0.5)

    size = f"{count} workflows, {count * STEPS} SQL steps"
    asked = count == 500  # the limits are for that size
    yield Row(f"check {size}, cold", seconds(folder, "check"), 60 if asked else None)
    yield Row(f"check {size}, warm", best(folder, "check"), 3 if asked else None)
    changed = folder / "workflows" / "work_000.yaml"
    changed.write_text(changed.read_text().replace("'done 0'", "'ready 0'"))
    yield Row("  after a change of one file", seconds(folder, "check"), None)
    yield Row("compile, first", seconds(folder, "compile"), None)
    yield Row("compile, nothing to do", best(folder, "compile"), None)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--workflows", type=int, default=500)
    parser.add_argument("--keep", type=Path, help="generate here, and keep it")
    options = parser.parse_args()
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, Python {sys.version_info[0]}."
        f"{sys.version_info[1]}"
    )
    with tempfile.TemporaryDirectory() as scratch:
        folder = (options.keep or Path(scratch)) / "project"
        generate(folder, options.workflows)
        print(f"| {'what':<48} | {'measured':>10} | {'limit':>8} |")
        print(f"|{'-' * 50}|{'-' * 12}|{'-' * 10}|")
        for row in rows(folder, options.workflows):
            print(row, flush=True)


if __name__ == "__main__":
    main()
