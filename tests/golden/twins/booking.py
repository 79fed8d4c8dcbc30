from typing import Any

from perdure import Failure, Retry, http, sql, wait_for_schedule, workflow


@workflow(timeout="1h", idempotency_key="order_id", concurrency=2)
def booking(order_id: int) -> Any:
    booking = sql(
        "insert into shop.audit (what) values ('booked ' || :order_id) returning id",
        undo=lambda: sql("delete from shop.audit where id = :booking.id"),
    )
    try:
        answer = http.post(
            f"https://pay.example.com/orders/{order_id}",
            json={"order": order_id},
            retry=Retry(max_attempts=3, backoff="2s"),
        )
        if not answer.ok:
            raise Failure(f"it's {answer.status}")
    except Failure as err:
        sql(
            "insert into shop.audit (what) values (:err.step || ' $order {a} ' || :err.message)",
        )
        raise
    finally:
        sql("insert into shop.audit (what) values ('asked')")
    wait_for_schedule("0 9 * * MON", timezone="Europe/Berlin", timeout="2d")
