from typing import Any

from perdure import Failure, Retry, group, http, sql, step, workflow


@workflow(name="try")
def try_() -> Any:
    booking = sql(
        "insert into shop.audit (what) values ('booked') returning id",
        undo=lambda: sql("delete from shop.audit where id = :booking.id"),
    )
    try:
        hook = http.post(f"https://hooks.example.com/bookings/{booking.id}")
        try:
            sql("insert into shop.audit (what) values ('sent')")
        finally:
            sql("insert into shop.audit (what) values ('tried')")
    except Failure as err:
        with step(when=err.detail == ""):
            raise
        match err.sqlstate:
            case "PD021":
                raise Failure(f"{err.step} failed, {err.detail}") from err
            case _:
                raise
    with group(retry=Retry(max_attempts=5, backoff="100ms"), timeout="1m"):
        sql("insert into shop.audit (what) values ('a')")
        sql("insert into shop.audit (what) values ('b')")
