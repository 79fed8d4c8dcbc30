import math
import threading

from perdure import sleep, workflow

LOCK = threading.Lock()
LEVELS = ["a", "b"]


@workflow
def not_a_value(order_id: int):
    half = math.sin
    level = LEVELS
    sleep("5s")
    return {"lock": LOCK, "half": half, "level": level, "id": order_id, "kind": int}
