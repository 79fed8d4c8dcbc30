from perdure import parallel, sleep, workflow


@workflow
def parameters(order_id, *rest: int, total: int = 1, **options: str):
    def waits(seconds: int):
        sleep("5s")

    parallel(one=waits, two=lambda n: sleep("1s"))
    return total
