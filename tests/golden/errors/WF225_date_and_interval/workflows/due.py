from datetime import date
from typing import TypedDict

from perdure import cast, interval, workflow


class Due(TypedDict):
    at: date
    note: str


@workflow
def due(at: date) -> Due:
    return {"at": at + interval("1 day"), "note": at}


@workflow
def due_in_days(at: date) -> date:
    return cast(at + interval("1 day"), date)


@workflow
def due_again(at: date) -> date:
    next_ = at
    while next_ < at + 7:
        next_ += interval("1 day")
    return next_
