from typing import Any

from perdure import call, signal, start, workflow


@workflow
def together_there(order_id: int) -> Any:
    inside = call("ship_there", {"order_id": order_id})
    apart = call(
        "ship_there",
        {"order_id": order_id, "note": f"again for {order_id}"},
        retry=2,
        timeout="3d",
    )
    started = start("ship_there", {"order_id": order_id}, key=f"order {order_id}")
    signal("hurry", to=started.run_id, data={"by": "2030-01-01"})
    return {"late": inside.late or apart.late}
