from datetime import datetime
from typing import Any

from perdure import interval, sleep, sleep_until, wait_for_schedule, workflow


@workflow
def times(at: datetime, hours: int) -> Any:
    sleep_until(at + interval("1 day"))
    sleep(hours * interval("1 hour"))
    wait_for_schedule("0 9 1-7 1,7 *")
    wait_for_schedule("30 17 * * MON-FRI", timezone="Europe/Berlin")
