import datetime
import random

from perdure import parallel, sleep, sql, workflow


@workflow
def time(count: int):
    def again():
        sleep("1s")
        parallel(more=again)

    parallel(first=again)
    later = datetime.datetime.now() + datetime.timedelta(days=1)
    lucky = random.random()
    sql(f"insert into shop.audit (what) values ('{count}')")
    print(f"later {later}")
    return lucky
