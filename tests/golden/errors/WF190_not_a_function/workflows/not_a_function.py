from functools import cache

from perdure import sleep, workflow


@workflow
async def waits(order_id: int):
    await sleep("5s")


@workflow
class Ship:
    pass


@cache
@workflow
def cached(order_id: int):
    sleep("5s")
    return order_id


class Orders:
    @workflow
    def ship(self, order_id: int):
        sleep("5s")


def plain(order_id: int):
    sleep("5s")


ship_later = workflow(plain)
echo = workflow(name="echo_it")(lambda order_id: order_id)
