from perdure import Failure, sleep, sql, workflow


@workflow
def handled(count: int):
    try:
        sql("insert into shop.audit (what) values ('a')")
    except ValueError as err:
        sql("insert into shop.audit (what) values (:err.message)")
    except Failure:
        pass
    else:
        sleep("1s")
    try:
        sleep("1s")
    except Exception:
        pass
    match count:
        case 1 if count > 0:
            sleep("1s")
        case [first, *others]:
            sleep("1s")
        case None:
            sleep("1s")
        case int():
            sleep("1s")
        case other:
            sleep("1s")
    raise
    raise ValueError
    raise Failure("no") from count
