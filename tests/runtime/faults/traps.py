"""Boundaries made certain: sessions that stop where a test wants them to.

A trap is an advisory lock. Steps, and triggers on the engine's tables, take it shared,
for nothing; while the test holds it exclusively, whoever comes there waits, and is seen
in pg_stat_activity. The triggers exist in the test's database only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from perdure.engine.database import connect
from tests.runtime.faults.server import Connection

STATEMENT, COMMIT, BRANCH, BATCH, OUTSIDE = 41, 42, 43, 44, 45

SETUP = f"""
create table effects (run text, step text);
create function trap(n int) returns int language plpgsql as $$
begin
  perform pg_catalog.pg_advisory_xact_lock_shared(n);
  return 1;
end $$;
-- The last that a step does before its commit is to move its task.
create function before_commit() returns trigger language plpgsql as $$
begin
  if pg_catalog.current_setting('application_name') = 'perdure worker' then
    perform pg_catalog.pg_advisory_xact_lock_shared({COMMIT});
  end if;
  return null;
end $$;
create trigger before_commit after insert or update or delete on df_engine.tasks
  execute function before_commit();
-- In the middle of a batch: another run's node is recorded by this transaction.
create function in_batch() returns trigger language plpgsql as $$
begin
  if not pg_catalog.pg_try_advisory_xact_lock_shared({BATCH}) and exists (
      select from df_engine.node_runs r where r.instance <> new.instance
        and r.xmin = pg_catalog.pg_current_xact_id()::xid) then
    perform pg_catalog.pg_advisory_xact_lock_shared({BATCH});
  end if;
  return null;
end $$;
create trigger in_batch after insert on df_engine.node_runs
  for each row execute function in_batch();
-- Leaves a row before its commit and one after it.
create procedure outside(run int, phase int) language plpgsql as $$
begin
  insert into effects values (run, phase || '.begun');
  commit;
  perform pg_advisory_lock_shared({OUTSIDE});
  perform pg_advisory_unlock_shared({OUTSIDE});
  insert into effects values (run, phase || '.ended');
end $$;
"""


@contextmanager
def holding(url: str, *statements: str) -> Iterator[None]:
    """Hold what the statements lock until the end, or until the server has crashed."""
    holder: Connection = connect(url)
    try:
        for statement in statements:
            holder.execute(statement.encode())
        yield
    finally:
        holder.close()


def trap(number: int) -> str:
    """Return the statement that sets a trap for as long as its transaction lasts."""
    return f"select pg_advisory_xact_lock({number})"


def stopped(connection: Connection, event: str, application: str = "worker") -> int:
    """Return how many sessions wait for a kind of lock, or at another event."""
    row = connection.execute(
        "select count(*) from pg_stat_activity where wait_event = %s"
        " and application_name = %s",
        [event, f"perdure {application}"],
    ).fetchone()
    assert row is not None
    return int(row[0])
