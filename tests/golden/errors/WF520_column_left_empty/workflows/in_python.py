from perdure import sql, workflow


@workflow
def in_python(customer_id: int):
    for status in ["new", "paid"]:
        sql("""
            insert into shop.orders (customer_id, email, status)
            values (:customer_id, 'ann@example.com', :status)
        """)
