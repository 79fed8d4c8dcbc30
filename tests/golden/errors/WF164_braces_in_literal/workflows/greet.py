from perdure import sql, workflow


@workflow
def greet(x: str) -> None:
    sql("insert into shop.audit (what) values ('Hello ${x}')")
    sql("insert into shop.audit (what) values ('Hello ${other}, ' || :x)")
