import enum
from typing import Any

from perdure import branch, http, parallel, sleep, sql, workflow


class Level(enum.StrEnum):
    LOW = "low"
    HIGH = "high"


HOSTS = {"one": "https://one.example.com", "two": "https://two.example.com"}
TEXT = "text"


@workflow
def constants(n: int, word: str) -> Any:
    """Loops over constants, written out; cases of several values."""
    for level in Level:
        sql("insert into shop.audit (what) values (:level)")
    for number, (name, host) in enumerate(HOSTS.items()):
        http.post(f"{host}/{number}")
    total = n
    for more in range(1, 3):
        total += more
    with parallel():
        for shard in (1, 2):
            with branch(f"shard_{shard}"):
                sql("insert into shop.audit (what) values ('shard ' || :shard)")
    match word:
        case Level.LOW | "high":
            sleep("1s")
        case "text":
            return TEXT
    try:
        sleep("1s")
    except Exception:
        sql("insert into shop.audit (what) values ('failed')")
        raise
    match n:
        case -1:
            sleep("1s")
        case 1:
            sleep("2s")
    assert 1 <= n < 10 and n not in (3, 5)
    return n, "a" if n > 2 else "b"
