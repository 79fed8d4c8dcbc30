from dataclasses import dataclass
from typing import TypedDict

from perdure import branch, gather, http, parallel, race, run, sleep, sql, wait_for_signal, workflow


@dataclass
class Approval:
    approved: bool


class Result(TypedDict):
    status: str


@workflow
def results(order_id: int) -> Result:
    order = sql("select 1 as n")
    order + 1  # E: Unsupported operand types for +
    order > 1  # E: Unsupported operand types for <
    waited = sleep("5s")  # E: "sleep" does not return a value | P: nothing
    approval = wait_for_signal("approval", payload=Approval)
    approval.timed_ou  # E: "Signal[Approval]" has no attribute "timed_ou"
    approval.data.aproved  # E: "Approval" has no attribute "aproved" | P: Cannot access attribute "aproved" for class "Approval"
    hook = http.get("https://example.com")
    hook.stats  # E: "Response[Any]" has no attribute "stats" | P: Cannot access attribute "stats" for class "Response[Any]"
    hook.status.upper()  # E: "int" has no attribute "upper"
    run.idd  # E: "Run" has no attribute "idd"
    one, two, three = gather(lambda: sql("a"), lambda: sql("b"))  # E: Need more than 2 values to unpack
    outcome = race(a=lambda: sleep("1s"), b=sql)  # E: Argument "b" to "race" has incompatible type
    outcome.winer  # E: "Race" has no attribute "winer"
    parallel(a=sleep("1s"))  # E: Argument "a" to "parallel" has incompatible type
    with branch("alone") as alone:
        alone.x  # E: "None" has no attribute "x"
    if order_id > 3:
        return {"state": "open"}  # E: Extra key "state" for TypedDict "Result"
    return {"status": order_id}  # E: Incompatible types (expression has type "int"
