"""Running graphs on the real runtime, with the clock in the test's hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.runtime.conformance.graph import Json, Leaf, Node, items, names, to_sql, walk
from tests.runtime.conformance.reference import Interpreter, read, shown
from tests.runtime.engine.db import Db

EPOCH = datetime(2030, 1, 1, tzinfo=UTC)
LEAVES = 60
# Reports by notices, which neither a rollback takes back nor a commit delays, and
# counts by sequences, which count failed executions too.
SETUP = f"""
do $$ begin
  for i in 1 .. {LEAVES} loop
    execute format('create sequence if not exists public.leaf_%s minvalue 0', i);
  end loop;
end $$;
create or replace function public.leaf(id int, gives jsonb, reads jsonb) returns jsonb
language plpgsql as $$
declare
  v_n bigint := nextval(format('public.leaf_%s', id));
  v_value jsonb := gives -> (v_n % jsonb_array_length(gives))::int;
begin
  raise notice 'leaf %', json_build_object('leaf', id, 'n', v_n, 'reads', reads,
    'now', extract(epoch from df.now())::bigint);
  if v_value ? 'fail' then
    raise exception 'leaf % fails', id using errcode = v_value ->> 'fail';
  end if;
  insert into public.log (what) values (id::text);
  return v_value;
end $$;
"""
RESET = (
    "truncate public.log;"
    " select setval(format('public.leaf_%s', i), 0, false)"
    f" from generate_series(1, {LEAVES}) i"
)


@dataclass(frozen=True, slots=True)
class Executed:
    """One execution of a leaf, as it reported it; `now` in seconds from the start."""

    leaf: int
    n: int
    reads: list[Any]
    now: int


@dataclass(frozen=True, slots=True)
class Observed:
    """A run on the real runtime."""

    trace: tuple[Executed, ...]
    effects: tuple[int, ...]
    status: str
    result: Json
    sqlstate: str | None

    @property
    def leaves(self) -> list[int]:
        return [each.leaf for each in self.trace]


def observe(db: Db, graph: Node, most_steps: int = 3000) -> Observed:
    """Run a graph to its end, advancing the clock from timer to timer."""
    db.run(RESET)
    trace: list[Executed] = []

    def note(diagnostic: Any) -> None:
        text = diagnostic.message_primary or ""
        if text.startswith("leaf "):
            report = json.loads(text[5:])
            report["now"] -= int(EPOCH.timestamp())
            trace.append(Executed(**report))

    db.run("select df.set_time(%s)", EPOCH)
    db.connection.add_notice_handler(note)
    try:
        run = db.start(to_sql(graph))
        while True:
            steps = db.run("call df.work(%s, 60000)", most_steps)[0][0]
            assert steps < most_steps, "the run does not end"
            wake = db.value("select min(wake_at) from df_engine.tasks")
            if wake is None:
                break
            assert wake - EPOCH < timedelta(days=365 * 2000)
            db.run("select df.set_time(%s)", wake)
    finally:
        db.connection.remove_notice_handler(note)
    row = db.instance(run)
    assert db.value("select count(*) from df_engine.tasks") == 0, "something is left"
    return Observed(
        tuple(trace),
        tuple(int(what) for what in db.log()),
        row["status"],
        json.loads(row["result"]) if row["result"] is not None else None,
        row["sqlstate"],
    )


def conforms(graph: Node, seen: Observed) -> None:
    """Check a run against the reference: leaves, order, what they read, the result."""
    model = Interpreter(graph)
    bound = names(graph)
    item_names = items(graph)
    for each in seen.trace:
        while model.pass_time():
            pass
        place = (each.leaf, *each.reads[len(bound) - len(item_names) :])
        assert place in model.ready(), f"{place} ran, ready: {model.ready().keys()}"
        assert each.now == model.now
        assert each.n == model.executions[each.leaf]
        scope = model.scope(place)
        for name, value in zip(bound, each.reads, strict=True):
            if name not in scope.doubtful:
                expected = shown(read(scope.seen.get(name)))
                assert shown(value) == expected, (name, each)
        model.execute(place)
    while model.pass_time():
        pass
    assert not model.ready(), f"leaves {list(model.ready())} did not run"
    assert list(seen.effects) == model.effects
    outcome = model.outcome
    assert outcome is not None
    if outcome.kind == "failed":
        assert isinstance(outcome.value, dict)
        assert (seen.status, seen.sqlstate) == ("failed", outcome.value["sqlstate"])
    else:
        assert (seen.status, seen.result) == ("completed", outcome.value)


def ends(graph: Node, most: int = 300) -> bool:
    """Say whether a graph ends after few executions, by the reference."""
    model = Interpreter(graph)
    for _ in range(most):
        if model.outcome is not None:
            return True
        if ready := model.ready():
            model.execute(min(ready, key=str))
        else:
            assert model.pass_time()
    return False


def leaves_of(graph: Node) -> list[int]:
    return [each.id for each in walk(graph) if isinstance(each, Leaf)]
