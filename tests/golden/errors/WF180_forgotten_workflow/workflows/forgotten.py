from perdure import http, sleep, sql, workflow

LIMIT = 5


def ship(order_id: int):
    order = sql("select email from shop.orders where id = :order_id", expect="one")
    return {"email": order.email}


def tell(text: str):
    http.post("https://example.com/", json={"text": text})


def nested():
    def inner():
        sleep("1s")

    inner()


def _draft():
    sleep("1s")


def own(sql):
    return sql("select 1")


def limit() -> int:
    return LIMIT


@workflow
def kept():
    sleep("1s")
