import os
import random
from datetime import UTC, date, datetime

from perdure import http, sleep, sql, workflow

NOW = datetime.now(UTC)
TABLE = f"orders_{random.randrange(10**9)}"
REGION = os.environ.get("PERDURE_GOLDEN_REGION", "eu")
TODAY = date.today().isoformat()
FIXED = random.Random(7).random()


@workflow
def by_time(n: int):
    sleep("1s")
    return {"n": n, "fixed": FIXED, "now": NOW}


@workflow
def by_chance():
    sql(f"select '{TABLE}' as name")
    sleep("1s")


@workflow
def by_surroundings():
    http.post(f"https://{REGION}.example.com/", retry=3)
    return {"region": REGION, "today": TODAY}


@workflow
def in_the_workflow():
    sleep("1s")
    return os.environ["HOME"]
