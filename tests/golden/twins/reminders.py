from typing import Any

from perdure import collect, foreach, sql, transaction, workflow


@workflow
def reminders() -> Any:
    open_orders = sql(
        "select id, email, total from shop.orders where status = 'new' order by id",
    )
    for o in foreach(open_orders, max_parallel=2):
        noted = sql(
            "insert into shop.audit (what) values ('told ' || :o.email) returning id",
            expect="one",
        )
        told = collect(id=o.id, note=noted.id)
    with transaction():
        counted = sql("select count(*) as n from :told.* t", expect="one")
        assert counted.n > 0, "nobody was told"
        sql("insert into shop.audit (what) values ('told ' || :counted.n)")
    return counted.n
