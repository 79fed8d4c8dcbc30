"""A workflow of ordinary size, in every form that the language has."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypedDict

from perdure import (
    Failure,
    Retry,
    branch,
    cast,
    coalesce,
    every,
    expr,
    func,
    gather,
    http,
    interval,
    now,
    parallel,
    race,
    run,
    sleep,
    sql,
    until,
    wait_for_signal,
    workflow,
)
from perdure.authoring import Row

STUBBORN = Retry(max_attempts=5, backoff="1s", on=["08", 503, "transport"])


@dataclass
class Approval:
    approved: bool
    approver: str
    note: str | None


class Result(TypedDict):
    status: str
    total: Decimal
    since: datetime


@workflow
def order_approval(
    order_id: int,
    threshold: Decimal = Decimal(1000),
    parts: Annotated[int, "smallint"] = 1,
    tags: list[str] | None = None,
) -> Result:
    """Hold large orders until someone approves them."""
    order = sql("select id, total from shop.orders where id = :order_id", expect="one")
    if order.total > threshold and threshold < order.total and not order.done:
        approval = wait_for_signal("approval", payload=Approval, timeout="1d")
        if approval.timed_out or not approval.data.approved:
            note = approval.data.note
            return {"status": "rejected", "total": order.total, "since": now()}
    share = order.total / parts + 1 - 2 * order.total
    text = f"Order {order.id}" + order.email
    size = "large" if 10 < order.total <= 100 else "small"
    known = coalesce(order.note, "none") in ("none", "") and tags is not None
    age = cast(order.age, timedelta)
    when = cast(func.lower(order.at), "timestamptz") + interval("1 day")
    like = expr("order.email like '%@example.com'")

    with parallel():
        with branch("reserve"):
            stock = sql("update shop.stock set reserved = 1 returning id")
        with branch("notify"):
            hook = http.post("https://example.com", json={"id": order.id}, retry=5)
    if not hook.ok or hook.status >= 400 or hook.json["state"] == "open":
        raise Failure(f"stock {stock.id} of run {run.id}")

    def find() -> Row:
        sleep("5s")
        return sql("select name from shop.customers", retry=STUBBORN)

    customer, _ = gather(find, lambda: sleep(timedelta(seconds=5)))
    assert customer.name is not None, f"no customer of {order.id}"
    outcome = race(late=lambda: sleep("1d"), find=find)
    with race() as second:
        with branch("paid"):
            wait_for_signal("paid", payload={"amount": Decimal, "by": str | None})
        with branch("late"):
            sleep(interval("1 hour") * parts)
    while outcome.winner == "late" and second.winner != "paid":
        every("5m")
        parts += 1
        until(parts > 5)
    return {"status": size, "total": share, "since": when}
