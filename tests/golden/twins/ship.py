from datetime import date
from typing import TypedDict

from perdure import sql, wait_for_signal, workflow

Shape1 = TypedDict("Shape1", {"late": bool})


@workflow
def ship(order_id: int, note: str = "by parcel") -> Shape1:
    hurry = wait_for_signal("hurry", payload={"by": date}, timeout="1d")
    sql(
        "insert into shop.audit (what) values ('shipped ' || :order_id || ' ' || :note)",
    )
    return {"late": hurry.timed_out}
