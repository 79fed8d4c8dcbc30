from perdure import sql, workflow

NUMBERS = tuple(range(45))


@workflow
def nested() -> None:
    for one in NUMBERS:
        for two in NUMBERS:
            sql("insert into shop.audit (what) values (:one::text || :two::text)")
