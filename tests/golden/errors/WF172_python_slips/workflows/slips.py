from datetime import timedelta

from perdure import sleep, sql, workflow


@workflow
def slips(order_id: int, email: str):
    assert (order_id > 1, "the order is missing")
    for letter in "abc":
        sleep("1s")
    for number, letter in enumerate(zip("ab", "cd")):
        sleep("1s")
    known = order_id in (1, None) or order_id not in (2, None)
    even = order_id & 1 and ~order_id
    müller = email
    sleep(timedelta(seconds=-5))
    sql("select 1 as one", timeout=-1)


@workflow
def hidden(order_id: int):
    sql = order_id
    rows = sql("select 1 as one")
