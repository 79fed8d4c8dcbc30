from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from perdure import (
    Failure,
    branch,
    coalesce,
    every,
    http,
    race,
    run,
    sleep,
    sql,
    wait_for_signal,
    workflow,
)


@dataclass
class Payer:
    name: str


@dataclass
class Payment:
    amount: Decimal
    by: Payer


@workflow(name="race")
def race_(order_id: int) -> Any:
    with race() as outcome:
        with branch("paid"):
            payment = wait_for_signal("payment_confirmed", payload=Payment)
            order = sql(
                "update shop.orders set status = 'paid' where id = :order_id "
                "returning id, total, placed_at"
            )
        with branch("expired"):
            sleep("1d")
        with branch("polled"):
            while True:
                every("1m")
                poll = http.get(
                    f"https://pay.example.com/orders/{order_id}?v={run.id}",
                    headers={"x-run": run.id, "accept": "application/json"},
                    timeout="5s",
                )
                if coalesce(poll.ok and poll.json["state"] == "paid", False):
                    break
    if outcome.winner == "paid" and order.total is not None:
        assert coalesce(payment.data.amount >= order.total, False), (
            f"only {payment.data.amount} of {order.total} was paid"
        )
    if outcome.winner == "expired":
        raise Failure(f"order {order_id} was never paid")
    elif outcome.winner == "polled":  # noqa: RET506 - the same as in YAML
        return {"paid_at": None, "by": None}
    else:
        return {"paid_at": order.placed_at, "by": payment.data.by.name}
