"""What the tests of this folder start."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, TypedDict
from uuid import UUID

from perdure import Failure, sleep, sql, wait_for_signal, workflow


@dataclass
class Approval:
    approved: bool
    note: str | None


class Result(TypedDict):
    status: str
    total: Decimal
    note: str | None


@dataclass
class Echo:
    number: int
    amount: Decimal
    ratio: float
    flag: bool
    text: str
    at: datetime
    day: date
    pause: timedelta
    id: UUID
    raw: bytes
    tags: Annotated[list[str], "text[]"]
    data: dict[str, object]
    missing: str | None


@workflow
def order_approval(order_id: int, threshold: Decimal = Decimal(1000)) -> Result:
    """Hold large orders until someone approves them."""
    order = sql("select id, total from shop.orders where id = :order_id", expect="one")
    if order.total > threshold:
        approval = wait_for_signal("approval", payload=Approval, timeout="1d")
        if approval.timed_out:
            raise Failure("nobody cared")
        if not approval.data.approved:
            return {
                "status": "rejected",
                "total": order.total,
                "note": approval.data.note,
            }
    sql("update shop.orders set status = 'approved' where id = :order.id")
    return {"status": "approved", "total": order.total, "note": None}


@workflow
def echo(
    number: int,
    amount: Decimal,
    ratio: float,
    flag: bool,
    text: str,
    at: datetime,
    day: date,
    pause: timedelta,
    id: UUID,
    raw: bytes,
    tags: list[str],
    data: dict[str, object],
    missing: str | None = None,
) -> Echo:
    """Return what it was given."""
    return Echo(
        number=number,
        amount=amount,
        ratio=ratio,
        flag=flag,
        text=text,
        at=at,
        day=day,
        pause=pause,
        id=id,
        raw=raw,
        tags=tags,
        data=data,
        missing=missing,
    )


@workflow
def broken(reason: str) -> None:
    """Fail."""
    raise Failure(f"broken: {reason}")


@workflow
def slow() -> None:
    """Take a long time."""
    sleep("1h")


@workflow(name="taken_away")
def not_deployed() -> None:
    """Be deployed like the others, and taken away by the test."""
    sleep("1h")


@workflow(idempotency_key="'order ' || order_id")
def once(order_id: int) -> None:
    """Run once for each order."""
    sql("update shop.orders set status = 'seen' where id = :order_id")
