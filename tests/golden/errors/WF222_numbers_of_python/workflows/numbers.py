from decimal import Decimal
from typing import Annotated, Any, Optional

from perdure import sql, workflow

LIMIT = 2.5


@workflow
def numbers(
    a: int = 1.0,
    b: int = "1",
    c: int | None = "x",
    d: Optional[int] = 1.5,
    e: int = LIMIT,
    f: float = "0.5",
    g: Decimal = "1.5",
    h: int = 1e400,
    fine: float = 1,
    also: Decimal = 0.5,
    named: Annotated[Any, "bigint"] = "5",
):
    sql("select :a, :b, :c, :d, :e, :f, :g, :h, :fine, :also, :named")
