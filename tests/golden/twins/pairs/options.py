from typing import Any

from perdure import (
    Retry,
    branch,
    foreach,
    group,
    parallel,
    race,
    sleep,
    sql,
    step,
    transaction,
    until,
    workflow,
)


@workflow
def options(n: int) -> Any:
    """What any step may have, at steps that Python has as statements."""
    with step(
        name="choice",
        description="The first of them.",
        timeout="1m",
        undo=lambda: sleep("1s"),
    ):
        if n > 1:
            with step(when=n > 2):
                half = n / 2
            with step(when=half > 0):
                return half
    with step(name="round", timeout="1h"):
        while True:
            with step(when=n > 5):
                break
            with step(when=n > 4):
                continue
            with step(name="pause"):
                sleep("1s", timeout="5s")
            until(n > 3)
    with step(when=n == 3):
        try:
            with step(when=n != 7):
                assert n > 0
            with step(when=n == 7):
                raise Exception("no")
        finally:
            sleep("1s")
    with step(when=n == 2):
        match n > 1:
            case True:
                sleep("1s")
    with step(name="both"):
        parallel(
            a=lambda: sleep("1s"), b=lambda: sleep("2s"), timeout="1m", when=n == 1
        )
    with race(timeout="1m", undo=lambda: sql("select 1")) as first:
        with branch("a"):
            sleep("1s")
        with branch("b"):
            sleep("2s")
    with (
        group(retry=Retry(3, backoff="10s"), undo=lambda: sql("select 2")),
        transaction(when=n == 8),
    ):
        sql("select 1")
    rows = sql("select 1 as a", expect="many")
    for row in foreach(rows, timeout="1m", undo=lambda: sql("select 3"), when=n == 9):
        sleep("1s")
