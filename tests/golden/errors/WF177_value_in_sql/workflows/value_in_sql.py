from perdure import sql, workflow

TABLE = "shop.orders"


@workflow
def value_in_sql(order_id: int, email: str):
    order = sql(f"select id, total from {TABLE} where id = {order_id}", expect="one")
    sql("delete from shop.stock where order_id = '{}'".format(order.id))
    sql("insert into shop.audit (what) values ('%s')" % email)
    sql("insert into shop.audit (what) values ('" + email + "')")
