from perdure import group, sleep, sql, workflow


@workflow
def waits() -> None:
    sleep("1m", effects="once")
    with group(effects="once"):
        sql("insert into shop.audit (what) values ('seen')")
