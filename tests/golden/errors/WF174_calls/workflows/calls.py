import logging
import time
from datetime import datetime

from perdure import sql, workflow

logger = logging.getLogger(__name__)


def rebate(total: float) -> float:
    return total * 0.1


@workflow
def calls(order_id: int):
    order = sql(
        "select total, email from shop.orders where id = :order_id", expect="one"
    )
    print(order.total)
    started = datetime.now()
    time.sleep(5)
    logger.info("started")
    reduced = rebate(order.total)
    length = len(order.email)
    slep("5s")
    return {"started": started, "reduced": reduced, "length": length}


@workflow
def words_not_imported(order_id: int):
    try:
        with parallel():  # noqa: F821
            sql("select 1")
        for row in foreach(order_id, max_parallel=3):  # noqa: F821
            sql("select 1")
        sleep("1s")  # noqa: F821
        n = coalesce(order_id, 3)  # noqa: F821
    except Failure as err:  # noqa: F821
        raise Failure("no")  # noqa: F821


@workflow
def not_imported(order_id: int):
    requests.get(f"https://example.com/{order_id}")  # noqa: F821
    x = datetime.now()  # noqa: F821
    return x
