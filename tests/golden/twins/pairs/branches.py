from datetime import date
from typing import TypedDict

from perdure import (
    Failure,
    branch,
    every,
    gather,
    parallel,
    race,
    sleep,
    sql,
    sql_file,
    until,
    wait_for_signal,
    workflow,
)
from perdure.authoring import Row


class Answer(TypedDict):
    texts: list[str]
    at: date | None


@workflow
def branches(order_id: int) -> None:
    def find() -> Row:
        sleep("1s")
        return sql_file("customer.sql", expect="maybe")

    stock, customer = gather(
        lambda: sql(
            "update shop.stock set reserved = 1 "
            "where order_id = :order_id returning id",
            expect="maybe",
        ),
        find,
    )

    def gone() -> None:
        sleep("1h")
        reason = "late"

    first = race(
        answered=lambda: wait_for_signal("answer", payload=Answer),
        gone=gone,
    )
    with parallel():
        with branch("a"):
            sleep("1s")
        with branch("b"):
            raise Failure(f"stop {customer.name}")
    while stock.id is None:
        every("1m")
        continue
        until(first.winner == "gone")
    return
