from decimal import Decimal
from typing import TypedDict

from perdure import branch, foreach, parallel, race, sql, wait_for_signal, workflow

HOSTS = ("one", "two")
WEIGHTS = {"half": Decimal("0.5"), "seven": Decimal(7), "thirds": 3}
SEVEN = Decimal(7)
RATE = 0.1


class Result(TypedDict):
    half: Decimal
    mean: Decimal
    rate: float
    sum: float
    ids: list[int]


@workflow
def rounds(n: int, ids: list[int]) -> Result:
    """Constants of the module in branches, loops, undo and SQL."""
    with parallel():
        for host in HOSTS:
            for word in ("a", "b"):
                with branch(f"{host}_{word}"):
                    sql("insert into shop.audit (what) values (:host || ' ' || :word)")
                    for number in (1, "x"):
                        sql("insert into shop.audit (what) values (:host || :number)")
    for word in HOSTS:
        sql("insert into shop.audit (what) values ('after ' || :word)")
    rows = sql("select i from generate_series(1, :n::int) i")
    for row in foreach(rows):
        for word in HOSTS:
            made = sql("select :word || :row.i as word", expect="one")
            sql("insert into shop.audit (what) values ('row ' || :made.word)")
    with race():
        for host, minutes in zip(HOSTS, (1, 2), strict=True):
            with branch(host):
                wait_for_signal(host, timeout=f"{minutes}m")
                sql("insert into shop.audit (what) values ('first: ' || :host)")
    for name, weight in WEIGHTS.items():
        sql("insert into shop.audit (what) values (:name || ' ' || :weight / 2)")
    for step_ in HOSTS:
        sql(
            "insert into shop.audit (what) values ('did ' || :step_)",
            undo=lambda: sql(
                "insert into shop.audit (what) values ('undid ' || :step_)"
            ),
        )
    total = Decimal(0)
    total += 1
    half = SEVEN / 2
    assert n < 2, f"half of {SEVEN} is {half}"
    return {
        "half": half,
        "mean": total / 4,
        "rate": RATE * 3,
        "sum": RATE + n,
        "ids": ids,
    }
