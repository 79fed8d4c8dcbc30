from perdure import collect, foreach, sleep, sql, workflow


@workflow
def loops(count: int, tags: list[str]):
    rows = sql("select id, tags from shop.orders")
    for row in sql("select id from shop.orders"):
        sleep("1s")
    for number in range(count):
        sleep("1s")
    for number, row in enumerate(rows):
        sleep("1s")
    for tag in rows.tags:
        sleep("1s")
    for letter in "abc":
        sleep("1s")
    for number in range(1000):
        sleep("1s")
    for level in ("low", "high"):
        if count > 1:
            break
        level = "none"
    for id, name in foreach(rows, max_paralel=3):
        sleep("1s")
    for row in rows:
        told = collect(id=row.id)
        sleep("1s")
    else:
        sleep("1s")
    ids = [row.id for row in rows]
