"""Random graphs that fail at some of their leaves, are repaired and retried.

Afterwards every leaf must have run as often as in a run that never failed. The same
graphs, started with `run_now`, must do what a worker does with them.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

import pytest

from tests.runtime.engine.db import Db

SETUP = """
create table if not exists public.bad (what text primary key);
create table if not exists public.rounds (what text primary key, n int not null);
delete from public.bad; delete from public.rounds;
create or replace function public.step(w text) returns boolean language plpgsql as $$
begin
  if exists (select from public.bad where what = w) then
    raise exception '%', w using errcode = 'P0001';
  end if;
  insert into public.log (what) values (w);
  return true;
end $$;
create or replace function public.next_round(w text) returns int language sql as $$
  insert into public.rounds values (w, 1)
  on conflict (what) do update set n = rounds.n % 2 + 1 returning n $$
"""


@dataclass(slots=True)
class Graphs:
    """Makes nodes whose leaves log who they are, with the items they are for."""

    random: random.Random
    leaves: int = 0
    items: list[str] = field(default_factory=list)

    def node(self, depth: int) -> str:
        """Return a node, as an SQL expression."""
        if depth == 0:
            return self.leaf()
        several = ", ".join(
            self.node(depth - 1) for _ in range(self.random.randint(1, 2))
        )
        one, two = self.node(depth - 1), self.leaf()
        return self.random.choice(
            (
                f"df.seq({several}, {one})",
                f'df."join"({several}, {one}, {two})',
                f'df."join"({one}, {two})',
                f"df.race(df.seq(df.sleep(90000), {two}), {one})",
                f'df."if"({two}, {one}, {self.leaf()})',
                f"df.retry({one}, 2, '0')",
                f"df.timeout({one}, '1 day')",
                f"df.transaction({two}, {self.leaf()})",
                f"df.\"as\"({two}, 'name')",
                self.loop(one),
                self.foreach(depth),
            )
        )

    def leaf(self) -> str:
        self.leaves += 1
        return f"$q$select public.step({self.word(self.leaves)})$q$"

    def word(self, number: int) -> str:
        return " || '/' || ".join([f"'{number}'", *(f"${i}.i" for i in self.items)])

    def loop(self, body: str) -> str:
        self.leaves += 1
        return (
            f"df.repeat({body}, until_condition =>"
            f" $q$select public.next_round({self.word(self.leaves)}) = 2$q$)"
        )

    def foreach(self, depth: int) -> str:
        self.items.append(f"item{len(self.items)}")
        body = self.node(depth - 1)
        name = self.items.pop()
        count, parallel = self.random.randint(1, 4), self.random.randint(1, 3)
        return (
            f"df.foreach('select i from generate_series(1, {count}) i', {body},"
            f" item_name => '{name}', max_parallel => {parallel})"
        )


def done(db: Db) -> Counter[str]:
    words = Counter(db.log())
    db.run("delete from log")
    db.run("delete from public.rounds")
    return words


@pytest.mark.parametrize("seed", range(30))
def test_a_retry_does_what_was_left(db: Db, seed: int) -> None:
    db.connection.execute(SETUP.encode())
    db.run("select df.configure(batch_ms => %s)", 5 * (seed % 2))
    chance = random.Random(seed)
    graph = Graphs(chance).node(chance.randint(1, 3))
    assert db.status(db.finish(graph)) == "completed", graph
    expected = done(db)
    bad = chance.sample(sorted(expected), min(len(expected), chance.randint(1, 3)))
    for word in bad:
        db.run("insert into public.bad values (%s)", word)
    run = db.finish(graph)
    for _ in bad:
        row = db.instance(run)
        assert row["status"] == "failed", graph
        db.run("delete from public.bad where what = %s", row["error"])
        db.run("select df.retry_failed(%s)", run)
        db.work()
        if db.status(run) == "completed":
            break
    assert db.status(run) == "completed", graph
    assert done(db) == expected, graph
    assert db.value("select count(*) from df_engine.tasks") == 0


@pytest.mark.parametrize("seed", range(10))
def test_at_once_is_the_same(db: Db, seed: int) -> None:
    db.connection.execute(SETUP.encode())
    chance = random.Random(seed)
    graph = Graphs(chance).node(2)
    db.finish(graph)
    expected = done(db)
    run = db.value(f"select df.start({graph}, run_now => true)")
    assert db.log()
    db.work()
    assert db.status(run) == "completed", graph
    assert done(db) == expected, graph
