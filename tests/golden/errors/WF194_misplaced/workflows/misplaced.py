from perdure import branch, every, gather, parallel, race, sleep, sql, until, workflow


@workflow
def misplaced(order_id: int):
    every("5m")
    with branch("alone"):
        sleep("5s")
    with parallel():
        sleep("5s")

    def unused():
        sleep("5s")

    def returns():
        sleep("5s")
        if order_id > 1:
            return 1
        sleep("6s")

    race(one=returns, two=sleep("5s"))
    first, second = gather(returns, lambda: sql("select 1 as n"))
    while order_id > 1:
        until(order_id > 2)
        sleep("5s")
