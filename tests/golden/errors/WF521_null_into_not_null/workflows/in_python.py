from perdure import sql, workflow


@workflow
def in_python(customer_id: int):
    sql("update shop.customers set name = null where id = :customer_id")
