from perdure import (
    collect,
    group,
    on_failure,
    parallel,
    sleep,
    sql,
    start,
    step,
    transaction,
    workflow,
)


@workflow
def blocks(count: int):
    group(retry=3)
    told = collect(n=count)
    with step(timeout="5s"):
        sleep("1s")
        sleep("2s")
    with step(timeout="5s", when=count > 1):
        half = count / 2
    with step(when=count > 2):
        sleep("1s", when=count > 3)
    with transaction(5) as done:
        sql("insert into shop.audit (what) values ('a')")
    with parallel(timeout="5s", expect="one"):
        sleep("1s")
    sql("select 1 as n", undo=sql("select 2 as n"))
    sql("select 1 as n", undo="cancel")

    @on_failure
    def failed(error):
        sleep("1s")

    if count > 4:

        @on_failure
        def again():
            sleep("1s")

    start(other)
    start(other.start(None, count))
    other(wrong=1, count=2, retry=3)
    other(1, 2)
    n = other(count) + 1
    other.start(None, count)


@workflow
def other(count: int):
    sleep("1s")
