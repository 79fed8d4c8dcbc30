from typing import Any

from perdure import sql, workflow


@workflow(schedule="30 2 * * *", timezone="Europe/Berlin")
def nightly_report() -> Any:
    """Every night at half past two, Berlin time, sum up the day before."""
    night = sql(
        "select ((perdure.now() at time zone 'Europe/Berlin')::date - 1) as day",
    )
    day = sql(
        """\
insert into report.daily (day, total, sales)
select :night.day, coalesce(sum(amount), 0), count(*)
  from report.sales
 where (at at time zone 'Europe/Berlin')::date = :night.day
on conflict (day) do update set total = excluded.total, sales = excluded.sales
returning total
""",
        expect="one",
    )
    return {"day": night.day, "total": day.total}
