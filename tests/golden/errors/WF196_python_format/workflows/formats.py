from datetime import datetime
from decimal import Decimal

from perdure import sql, workflow

STAMP = "%Y-%m-%dT%H:%M:%S"


@workflow
def of_numbers(n: int, d: Decimal):
    if n > 3:
        return f"{n:05d} {n:,} {n:+d} {n:d} {n:x} {n:X} {n:b} {n:10}"
    return f"{d:.2f} {d:,.2f} {d:+.1f} {d:.1%} {d:e}"


@workflow
def of_text(s: str, at: datetime):
    if s == "":
        return f"{at:%Y-%m-%d} {at:%Y-%m-%dT%H:%M:%S} {at:%d day} {at:%c}"
    sql(f"select {s:<10}")
    return f"{s:<10} {s:>8} {s:*>8} {s:^8} {s:.3s}"


@workflow
def by_methods(s: str, at: datetime):
    a = s.zfill(7)
    b = s.rjust(8)
    c = s.ljust(9)
    d = at.strftime(STAMP)
    e = at.strftime("%d days")
    f = at.strftime("%c")
    return at.strftime("%d.%m.%Y")
