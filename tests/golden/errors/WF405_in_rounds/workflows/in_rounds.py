from perdure import sql, workflow


@workflow
def in_rounds(a: int) -> None:
    for z in reversed([1, 2, 3]):
        if z != 2:
            sql("select :z + :a as n")
        if z < 9:
            sql("select :z - :a as n")
