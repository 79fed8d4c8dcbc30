from enum import StrEnum
from typing import Literal

from perdure import Failure, sql, workflow

STATES = ("b", "c", "a")


class State(StrEnum):
    NEW = "new"
    OLD = "old"
    LOST = "lost"


@workflow
def exhaustive(state: State, level: Literal[1, 2]) -> str:
    match state:
        case State.NEW:
            days = 1
        case State.OLD:
            days = 7
        case State.LOST:
            raise Failure("it is lost")
    match level:
        case 1 | 2:
            note = "known"
    for each in sorted(STATES, reverse=True):
        sql("insert into shop.audit (what) values (:each || :note || :days)")
        last = each
    sql("insert into shop.audit (what) values (:last)")
    match level:
        case 1:
            return "low"
        case 2:
            return "high"
