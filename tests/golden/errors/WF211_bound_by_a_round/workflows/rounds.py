from perdure import branch, parallel, race, sleep, sql, workflow


@workflow
def part(n: int, i: int) -> int:
    with parallel():
        with branch("a"):
            y = n + i
        with branch("b"):
            sleep("1s")
    return y


@workflow
def rounds(n: int) -> int:
    for i in (1, 2, 3):
        with parallel():
            with branch("a"):
                y = n + i
            with branch("b"):
                sleep("1s")
        sql("select :y")
    for i in (1, 2):
        with race():
            with branch("a"):
                z = n + i
            with branch("b"):
                sleep("1s")
    total = 0
    for i in (1, 2):
        one = part(n, i)
        total = total + one
    return total
