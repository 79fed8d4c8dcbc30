from perdure import slq, workflow


@workflow
def unknown_name(order_id: int):
    slq("update shop.orders set status = 'new' where id = :order_id")
