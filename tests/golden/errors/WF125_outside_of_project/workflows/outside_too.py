from perdure import sql_file, workflow


@workflow
def outside_too(order_id: int):
    sql_file("../../elsewhere/totals.sql")
