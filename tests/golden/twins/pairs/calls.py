from typing import Any, TypedDict

from perdure import call, gather, parallel, signal, sql, start, workflow


class Shipped(TypedDict):
    late: bool


@workflow
def calls(order_id: int, email: str) -> Any:
    """Calls, starts and signals, as functions and by name."""
    shipped = ship(order_id, note=f"for {email}")

    def not_shipped() -> None:
        sql("insert into shop.audit (what) values ('not shipped')")

    again = call(ship(order_id=order_id), retry=2, timeout="1h", undo=not_shipped)
    billed = call(
        "bill", {"order": {"id": order_id, "tags": ["a"]}}, when=shipped["late"]
    )
    first, _ = gather(lambda: ship(1), quiet)
    next = start(ship(order_id + 1), key=f"after {order_id}")
    start("quiet", retry="gentle")
    signal("hurry", to=next.run_id, data={"by": "2030-01-01"}, timeout="30s")
    return {"late": shipped["late"] or again["late"], "next": next.run_id}


@workflow
def ship(order_id: int, note: str = "none") -> Shipped:
    sql("insert into shop.audit (what) values (:note || :order_id)")
    return {"late": False}


@workflow
def quiet() -> None:
    parallel(a=lambda: sql("select 1"), b=lambda: sql("select 2"))
