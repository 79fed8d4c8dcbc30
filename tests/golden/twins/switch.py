from decimal import Decimal
from typing import Any

from perdure import Failure, func, sql, workflow


@workflow
def switch(word: str, number: Decimal) -> Any:
    match word:
        case "it's":
            return "quote"
        case "1":
            sql("insert into shop.audit (what) values ('one')")
        case _:
            raise Failure(f"{word} is no word")
    match number * func.random():
        case 0:
            sql("insert into shop.audit (what) values ('zero')")
