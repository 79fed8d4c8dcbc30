from datetime import datetime
from decimal import Decimal
from typing import TypedDict

from perdure import coalesce, every, sql, workflow


class Best(TypedDict):
    total: Decimal | None
    at: datetime | None
    number: int | None


@workflow
def in_python(id: int) -> Best:
    total, at, number = None, None, id
    while coalesce(number, 0) < 3:
        every("1s")
        row = sql("select 1.5 as total, now() as at", expect="one")
        if total is None or row.total > total:
            total = row.total
            at = row.at
        number = number + 1
        if row.total > 2:
            number = None
    return {"total": total, "at": at, "number": number}
