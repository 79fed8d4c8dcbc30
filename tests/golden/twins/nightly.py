from typing import Any

from perdure import sql, workflow


@workflow(schedule="30 2 * * MON-FRI", timezone="Europe/Berlin")
def nightly() -> Any:
    sql("insert into shop.audit (what) select 'orders ' || count(*) from shop.orders")
