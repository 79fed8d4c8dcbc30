from perdure import sleep, sql, workflow

STATES = ("new", "seen")


@workflow
def computed(order_id: int):
    for state in sorted(STATES, key=len):
        sleep("1s")
    for state in STATES[1:]:
        sleep("1s")
    for state in set(STATES):
        sleep("1s")
    for state in STATES + ("old",):
        sleep("1s")
    rows = sql("select id from shop.orders where id > :order_id")
    for row in rows[1:]:
        sleep("1s")
