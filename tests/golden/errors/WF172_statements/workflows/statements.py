from perdure import sql, workflow

attempts = 0


@workflow
def statements(order_id: int):
    global attempts
    import json

    class Local:
        pass

    with open("log.txt") as log:
        pass
    order = sql(
        "select id, note from shop.orders join shop.customers using (id)"
        " where id = :order_id",
        expect="one",
    )
    order.id + 1
    del order
    while order_id > 0:
        break
    else:
        pass
    raise ValueError


@workflow
def later(order_id: int):
    items = sql("select item from shop.stock where order_id = :order_id")
    for item in items:
        sql("insert into shop.audit (what) values (:item.item)")
    try:
        sql("insert into shop.audit (what) values ('x')")
    except Exception:
        pass
    match order_id:
        case 1:
            pass
