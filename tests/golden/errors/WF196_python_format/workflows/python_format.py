from enum import Enum, IntEnum, StrEnum

from perdure import Failure, sql, workflow

RATE = 0.19


class State(Enum):
    NEW = "new"


class Level(IntEnum):
    LOW = 1


class Size(StrEnum):
    BIG = "big"


@workflow
def python_format(order_id: int):
    order = sql("select total from shop.orders where id = :order_id", expect="one")
    if order.total > 10:
        raise Failure(f"only {order.total:.2f} of {order_id=}")
    return f"{order.total!r}"


@workflow
def of_members(state: State, size: Size, total: float):
    for each in State:
        sql(f"select '{each}', '{State.NEW}', '{Size.BIG}', {Level.LOW}, {RATE:.0%}")
    if state == State.NEW:
        return f"{state} {size} {state.value} {State.NEW.value} {RATE:.3f}"
    return f"{total:,.0f} {total:05} {total:%Y} {total:>9}"
