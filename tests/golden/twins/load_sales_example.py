from decimal import Decimal
from typing import Any

from perdure import Failure, cast, sql, transaction, workflow


@workflow
def load_sales(batch: str, tolerance: Decimal = Decimal("0.5")) -> Any:
    """Validate a staged batch and load it in one set-based statement, once."""
    done = sql("select loaded from sales.loads where batch = :batch")
    if done.loaded is not None:
        return {"batch": batch, "already_loaded": done.loaded}
    staged = sql("select count(*) as lines from staging.rows where batch = :batch")
    assert staged.lines > 0, f"batch {batch} has no lines"
    checked = sql(
        """\
insert into staging.rejects (batch, line, reason)
select batch, line,
       case when sku is null then 'no sku'
            when quantity !~ '^\\d+$' then 'quantity is no number'
            else 'price is no number' end
  from staging.rows
 where batch = :batch
   and (sku is null or quantity !~ '^\\d+$' or price !~ '^\\d+(\\.\\d+)?$')
on conflict do nothing
""",
    )
    if cast(checked.rows_affected, "numeric") / staged.lines >= tolerance:
        raise Failure(
            f"batch {batch}: {checked.rows_affected} of {staged.lines} lines are no good"
        )
    # Both statements commit together: a batch is never half loaded.
    with transaction(retry=5):
        loaded = sql(
            """\
with good as (
  select r.sku, sum(r.quantity::bigint) as quantity,
         sum(r.quantity::bigint * r.price::numeric) as revenue, count(*) as lines
    from staging.rows r
   where r.batch = :batch
     and not exists (select from staging.rejects x
                     where x.batch = r.batch and x.line = r.line)
   group by r.sku),
stored as (
  insert into sales.items as i (sku, quantity, revenue)
  select sku, quantity, revenue from good
  on conflict (sku) do update set quantity = i.quantity + excluded.quantity,
    revenue = i.revenue + excluded.revenue)
select coalesce(sum(lines), 0)::integer as lines from good
""",
        )
        sql(
            """\
insert into sales.loads (batch, loaded, rejected)
values (:batch, :loaded.lines, :checked.rows_affected)
""",
        )
        sql("delete from staging.rows where batch = :batch")
    return {"batch": batch, "loaded": loaded.lines, "rejected": checked.rows_affected}
