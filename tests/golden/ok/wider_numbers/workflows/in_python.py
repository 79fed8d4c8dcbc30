from decimal import Decimal
from typing import TypedDict

from perdure import cast, workflow


class Sums(TypedDict):
    total: Decimal
    count: int
    again: int
    rate: float


@workflow
def in_python(id: int, each: Decimal) -> Sums:
    total, count, again, rate = 0, 0, id, 1
    while count < 3:
        total += each  # type: ignore[assignment]
        count += id
    again = 0
    rate += cast("0.5", float)  # type: ignore[assignment]
    return {
        "total": total,  # type: ignore[typeddict-item]
        "count": count,
        "again": again,
        "rate": rate,
    }
