from typing import Any

from perdure import sql, transaction, workflow


@workflow(name="transaction")
def transaction_(order_id: int) -> Any:
    with transaction(
        retry=5, undo=lambda: sql("delete from shop.audit where id = :entry.id")
    ):
        taken = sql("update shop.stock set reserved = 0 where order_id = :order_id")
        assert taken.rows_affected > 0, "nothing was reserved"
        entry = sql(
            "insert into shop.audit (what) values ('released ' || :taken.rows_affected) returning id",
        )
    sql("update shop.orders set status = 'released' where id = :order_id")
