from datetime import date
from decimal import Decimal

from perdure import sql, workflow

RATE = Decimal("0.190")
STEP = 0.5
LIMIT = 5
STRICT = True
DAY = date(2026, 1, 31)
NAMES = ["a", "b"]
NOTHING = None


@workflow
def constants(number: int):
    sql(f"select {RATE}, {STEP}, {LIMIT}, {STRICT}, {-RATE}", description=f"{RATE}")
    sql(f"select {DAY}")
    sql(f"select {NAMES}")
    sql(f"select {NOTHING}")
    sql(f"select {number + 1}")
    sql(f"select {number}")
    sql("select " + RATE)
    rate = sql(f"select {RATE} as value", expect="one")
    return rate.valu
