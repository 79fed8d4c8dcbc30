from typing import Any

from perdure import (
    group,
    interval,
    now,
    sleep,
    sleep_until,
    step,
    wait_for_schedule,
    wait_for_signal,
    workflow,
)


@workflow
def flow(n: int, word: str) -> Any:
    answer = wait_for_signal("answer", payload={"ok": bool}, timeout="1h", when=n > 5)
    match word:
        case "stop":
            return "stopped"
        case "go":
            with group():
                sleep_until(now() + interval("1 hour"))
                sleep(n * interval("1 minute"))
    wait_for_schedule("0 9 * * MON-FRI", timezone="UTC")
    with step(when=n == 5):
        return "early"
    return {"ok": answer.data.ok, "late": answer.timed_out}
