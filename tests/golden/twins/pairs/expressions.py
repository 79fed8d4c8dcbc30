from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from perdure import Retry, cast, expr, func, http, interval, now, sleep, sql, workflow

BY_ID = "where id = :order_id"
STUBBORN = Retry(
    5,
    backoff="500ms",
    factor=1.5,
    max_backoff=timedelta(minutes=1),
    jitter=False,
    on=["08", "40001", 503, "transport"],
)


class Level(StrEnum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Result:
    status: str
    count: int
    tags: list[str]
    at: datetime | None


@workflow
def expressions(
    order_id: int,
    limit: Decimal = Decimal("10.50"),
    note: str | None = None,
    since: datetime | None = None,
    level: str = Level.LOW,
) -> Result:
    order = sql(
        f"select id, total, email, tags from shop.orders {BY_ID}",
        expect="one",
        retry=STUBBORN,
    )
    size = "large" if order.total > 1000 else "medium" if order.total > 100 else "small"
    net = order.total / 1.19 * (1 - 0.05) + -1
    text = f"Order {order.id}: {order.email}"
    known = note is not None and level in (Level.LOW, Level.HIGH) or not (since is None)
    middle = 1 <= order.total < 100
    year = func.extract("year", now())
    day = since + interval("1 day")
    name = cast(func.lower(order.email), "character varying(10)")
    odd = expr("order.email ilike '%@example.com'")
    if (order.total - limit) % 2 == 0 and known is True:
        net += 1
    hook = http.put(
        f"{level}/orders/{order_id}",
        headers={"X-Note": f"note: {note}"},
        body='plain {"a": 1} text',
        timeout=timedelta(seconds=90),
        retry=2,
    )
    assert hook.status == 200
    sleep("1m30s")
    if hook.json["items"][0] == "a":
        return Result("done", 1, tags=["a", size], at=since)
    return Result(status=text, count=-5, tags=[], at=None)
