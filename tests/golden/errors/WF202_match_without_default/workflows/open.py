from enum import StrEnum
from typing import Literal

from perdure import sql, workflow


class State(StrEnum):
    NEW = "new"
    OLD = "old"


@workflow
def one_is_missing(state: State):
    match state:
        case State.NEW:
            days = 1
    sql("insert into shop.audit (what) values ('for days: ' || :days)")


@workflow
def may_be_null(state: Literal["new", "old"] | None):
    match state:
        case "new":
            days = 1
        case "old":
            days = 7
    sql("insert into shop.audit (what) values ('for days: ' || :days)")


@workflow
def assigned(state: State):
    state = "lost"
    match state:
        case State.NEW:
            days = 1
        case State.OLD:
            days = 7
    sql("insert into shop.audit (what) values ('for days: ' || :days)")
