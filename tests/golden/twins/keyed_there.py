from typing import Any

from perdure import Concurrency, Failure, on_failure, sql, workflow


@workflow(
    timeout="2h",
    idempotency_key="order_id",
    concurrency=Concurrency(2, key="email"),
    database="shop",
)
def keyed_there(order_id: int = 1, email: str | None = None) -> Any:
    @on_failure
    def failed(err: Failure) -> None:
        sql("insert into shop.audit (what) values ('not billed, ' || :err.message)")

    sql("update shop.orders set status = 'billed' where id = :order_id")
    sql("insert into shop.audit (what) values ('billed for ' || coalesce(:email, '?'))")
