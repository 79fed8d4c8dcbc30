from perdure import sql, workflow

LIMIT = 10


@workflow
def constant_in_sql(order_id: int):
    sql("select id from shop.orders where id > :order_id limit :LIMIT")
    sql("select :nothing as n")
