from perdure import sql, workflow


@workflow
def pairs() -> str:
    one = sql("select row(1, 2) as r", expect="one")
    return f"{one.r}"
