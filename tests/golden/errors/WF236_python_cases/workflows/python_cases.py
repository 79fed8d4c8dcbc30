from enum import Enum

from perdure import sql, workflow


class Level(Enum):
    LOW = 1


@workflow
def python_cases(status: str, level: int):
    match status:
        case 1:
            sql("select 1 as one")
        case Level.LOW | True:
            sql("select 2 as two")
    match level:
        case "1" | Level.LOW:
            sql("select 3 as three")
        case "low":
            sql("select 4 as four")
