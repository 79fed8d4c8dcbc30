from perdure import sql, workflow


@workflow
def texts(a: int) -> dict:
    half = "\ud800"
    zero = "a\0b"
    sql("select :a + 1 as n")
    return {"half": half, "zero": zero}
