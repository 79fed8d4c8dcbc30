from typing import Any

from perdure import call, signal, start, workflow


@workflow
def together(order_id: int) -> Any:
    inside = call("ship", {"order_id": order_id})
    apart = call(
        "ship",
        {"order_id": order_id, "note": f"again for {order_id}"},
        retry=2,
        timeout="3d",
    )
    started = start("ship", {"order_id": order_id}, key=f"order {order_id}")
    signal("hurry", to=started.run_id, data={"by": "2030-01-01"})
    return {"late": inside.late or apart.late}
