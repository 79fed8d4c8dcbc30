from perdure import sql, workflow


@workflow
def of_drivers(order_id: int, state: str):
    sql("update shop.orders set status = %s where id = %s")
    sql("update shop.orders set status = %(state)s where id = %(order_id)s")
    sql("insert into shop.audit (what, data) values (?, '{}'::jsonb || ?)")
    sql("select 1 as n where '{\"a\": 1}'::jsonb ? :state and :order_id % 5 = 0")
