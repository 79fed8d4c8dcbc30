import asyncio
import math
from datetime import datetime
from decimal import Decimal

from perdure import Failure, http, sql, workflow


@workflow
def of_failures(order_id: int):
    try:
        sql("update shop.orders set status = 'x' where id = :order_id")
    except Failure as e:
        text = str(e)
        sql("insert into shop.audit (what) values ('failed')", when=e == "x")
        http.post("https://x.example.com", json={"text": f"failed: {e}"}, retry=3)
        raise Failure(f"not done: {e}")


@workflow
def of_numbers(n: int, x: float, d: Decimal):
    a = math.ceil(d)
    b = math.floor(d)
    c = math.sqrt(x)
    e = pow(n, 3)
    f = divmod(n, 7)
    g = math.pi
    h = round(x, 2)
    i = round(d)
    return d.quantize(2)


@workflow
def of_steps(order_id: int):
    sql.execute("select 1")
    http("https://x.example.com")
    r = sql.query("select 1 as n")
    http("https://x.example.com", json={"a": 1})


@workflow
def of_values(order_id: int, email: str):
    order = sql("select total, email from shop.orders limit 1", expect="one")
    if isinstance(order_id, int):
        x = order["total"]
    if "@" in order.email:
        y = "{}".format(order_id)
    sql("select 1 where :order_id = {}".format(order_id))
    a, b = asyncio.gather(order_id, email)
    user, domain = email.split("@")
    return order["email"]


@workflow
def of_defaults(order_id: int, at: datetime = datetime.now()):
    return at
