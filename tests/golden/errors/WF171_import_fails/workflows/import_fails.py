from prices import LIMIT

from perdure import sql, workflow


@workflow
def import_fails(order_id: int):
    sql("update shop.orders set status = 'new' where id = :order_id")
    return LIMIT
