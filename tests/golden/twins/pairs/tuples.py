from typing import NamedTuple, TypedDict

from perdure import call, sql, workflow


class Price(NamedTuple):
    net: int
    label: str = "none"


class Line(TypedDict, total=False):
    sku: str


class Order(TypedDict):
    lines: list[Line | None] | None
    tags: tuple[str, ...]


@workflow
def tuples(order_id: int, tags: tuple[str, ...]) -> Order | None:
    net, label = price_of(order_id)
    again, _ = call(price_of(net), retry=2)
    if again < 3:
        return None
    sql("insert into shop.audit (what) values (:label)")
    return {"lines": None, "tags": ("a",)}


@workflow
def price_of(order_id: int) -> Price:
    if order_id > 3:
        return Price(order_id)
    return Price(net=1, label="one")
