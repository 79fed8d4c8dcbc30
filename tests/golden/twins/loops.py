from typing import Annotated, Any

from perdure import every, interval, sleep, sql, until, workflow


@workflow
def loops(limit: Annotated[int, "integer"] = 3) -> Any:
    done = 0
    while done < limit:
        every("5m")
        left = sql("select count(*) as n from shop.orders where status = 'new'")
        if left.n == 0:
            break
        if left.n < 10:
            sleep("1s")
            continue
        sql(
            "update shop.orders set status = 'old' where id = "
            "(select min(id) from shop.orders where status = 'new')"
        )
        done += 1
    while True:
        sleep("250ms")
        done -= 1
        until(done <= 0)
    sleep(interval("1 second") * limit)
    return done
