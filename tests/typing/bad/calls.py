from perdure import sleep, workflow


@workflow
def ship(order_id: int) -> str:
    sleep("5s")
    return "done"


@workflow
def outer(order_id: int) -> str:
    ship("1")  # E: Argument 1 to "__call__" of "Workflow" has incompatible type "str"
    ship()  # E: Missing positional argument "order_id"
    return ship(order_id, 2)  # E: Too many arguments for "__call__" of "Workflow"
