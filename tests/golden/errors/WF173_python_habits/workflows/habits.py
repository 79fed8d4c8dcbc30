import os
from dataclasses import dataclass

from perdure import Retry, func, http, sleep, sleep_until, sql, workflow


@dataclass
class Answer:
    id: int
    status: str


@workflow
def of_values(order_id: int, email: str):
    tags = sql("select array['a'] as list, now() as at", expect="one")
    first = tags.list[0]
    found = "a" in tags.list
    part = email in "abc"
    mail = email or "nobody"
    other = email if email else "nobody"
    joined = email + 1
    letter = email[0]
    late = tags.at + 3
    same = email == 3
    moment = func.now
    key = os.environ["KEY"]
    sleep(tags.at)
    sleep_until("2030-01-31")


@workflow
def of_rows(order_id: int):
    rows = sql("select id, total from shop.orders where id > :order_id")
    total = 0
    first = rows[0].id
    for row in rows:
        total += row.total
    if rows:
        sleep("1s")
    return rows


@workflow
def of_requests(order_id: int):
    r = http.get("https://x.example.com", params={"id": order_id}, retry=Retry(5, "1s"))
    http.post("https://x.example.com", data={"id": order_id}, when="order_id > 1")
    http.post("https://x.example.com", json=dict(id=order_id))
    name = r.json()["name"]
    r.raise_for_status()
    return Answer(order_id)


@workflow(idempotency_key="f'order {order_id}'")
def of_keys(order_id: int):
    sql("update shop.orders set status = 'seen' where id = :order_id")
