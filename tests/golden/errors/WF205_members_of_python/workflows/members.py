from datetime import date, datetime, timedelta
from enum import Enum

from perdure import sql, workflow


class State(Enum):
    NEW = "new"
    OLD = "old"


@workflow
def members(state: State, kind: str, at: datetime, day: date, past: timedelta):
    sql("select :state.value")
    if state.value == "new" or kind.value == "a":
        return state.name
    if at.year > 2026 or day.month == 1 or past.days > 3 or past.seconds > 3:
        return (at - past).hour
    days = day - day
    return days.days
