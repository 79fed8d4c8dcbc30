from perdure import sql, workflow


@workflow
def audits() -> None:
    sql("insert into shop.audit (what) values ('seen')", effects="twice")
    sql("insert into shop.audit (what) values ('seen')", effects=once())
