from typing import Any

from perdure import branch, parallel, sleep, sql, step, workflow


@workflow
def skipping(n: int) -> Any:
    big = sql(
        "select :n * 2 as twice, array[:n] as list",
        timeout="5s",
        undo=lambda: sql(
            "insert into shop.audit (what) values ('undone ' || :big.twice)"
        ),
        when=n > 10,
    )
    with step(when=big.twice is not None):
        half = n / 2
    with parallel(when=n > 5):
        with branch("a"):
            rows = sql("select id from shop.orders")
        with branch("b"):
            sleep("1s")
    count = sql("select count(*) as n from :rows.*")
    with step(when=n == 0):
        return "nothing"
    return {"twice": big.twice, "list": big.list, "half": half, "n": count.n}
