from perdure import sql, workflow


@workflow
def dates_of_python(total: int) -> int:
    due = 2026-12-31
    sql("insert into shop.audit (what) values (:due::text)")
    return total - (2026-11-30)
