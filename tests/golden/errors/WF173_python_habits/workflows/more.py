from decimal import Decimal

from perdure import sql, workflow

COLUMNS = ("id", "total")


@workflow
def more(n: int, s: str, amount: Decimal, ids: list[int], *others: str):
    a = amount // 3
    b = n**2
    c = len(ids)
    d = int(amount)
    e = s[:3]
    f = s[2:6]
    g = s[-2:]
    h = ids[1:]
    i = s * 3
    return others


@workflow
def more_rows(n: int):
    o = sql(f"select {', '.join(COLUMNS)} from shop.orders", expect="maybe")
    if not o:
        return 1

    def helper(v):
        return v + 1

    return helper(n)


@workflow
def more_calls(n: int):
    def helper(v):
        return v + 1

    v = helper(n)
