from perdure import sleep, workflow


@workflow
def arrays(order_id: int, ids: list[int], options: dict):
    found = order_id in ids
    if ids:
        sleep("1s")
    more = options["count"] + 1
    twice = 2 * options["count"]
    text = options["name"] + options["name"]
