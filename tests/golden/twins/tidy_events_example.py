from typing import Any

from perdure import Retry, cast, sql, until, wait_for_signal, workflow


@workflow
def tidy_events(keep: int = 100, ask_above: int = 500) -> Any:
    """Delete old events in small batches, look at what that left behind, ask a person
    when it is much, and vacuum.
    """
    deleted = cast(0, "bigint")
    while True:
        batch = sql(
            """\
delete from app.events
 where id in (select id from app.events order by id
              limit least(200, greatest(0, (select count(*) from app.events) - :keep)))
""",
        )
        deleted = deleted + batch.rows_affected
        until(batch.rows_affected == 0)
    if deleted > ask_above:
        permission = wait_for_signal("vacuum", payload={"allowed": bool}, timeout="1d")
        if permission.timed_out or not permission.data.allowed:
            sql(
                "insert into app.maintenance_log (what, dead) values ('not vacuumed', :deleted)",
            )
            return {"deleted": deleted, "vacuumed": False}
    # Not in a transaction: the worker executes it on a connection of its own.
    sql("vacuum (analyze) app.events", retry=Retry(max_attempts=3, backoff="10s"))
    sql("insert into app.maintenance_log (what, dead) values ('vacuumed', :deleted)")
    return {"deleted": deleted, "vacuumed": True}
