from datetime import date, datetime, timedelta
from decimal import Decimal

from perdure import sleep, sql, workflow

SIZES = {"small": 1, "large": 9}


@workflow
def times(number: int, text: str):
    sleep(timedelta(minutes=number))
    sleep(timedelta(number, hours=number + 1))
    sleep(f"{number}s")
    sleep(f"{number + 1} minutes")
    sleep(f"{number}m{number}s")
    until = datetime(2026, number, 1, 12, 30)
    day = date(2026, number, 1)
    exact = Decimal(number)
    sleep(timedelta(minutes="a"))
    return text.rstrip()


@workflow
def of_rounds(number: int):
    for size, at in zip(SIZES, (1, 2)):
        shown = str(at)
        longest = len(size)
    for ordered in sorted(SIZES, key=lambda each: -SIZES[each]):
        sql("select :ordered")
    first = sorted((3, 1), key=lambda each: -each)
    last = sorted(SIZES, key=SIZES.get)
