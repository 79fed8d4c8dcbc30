from perdure import coalesce, expr, func, sql, workflow


@workflow
def greet(name: str | None, title: str | None, city: str) -> str:
    said = f"Dear {title} {name}, of {city}"
    told = "to " + func.lower(name) + " in " + city
    if name is not None:
        known = f"Dear {name}"
        sql("insert into shop.audit (what) values (:known)")
    maybe = f"Dear {name}" if name is not None else f"Dear {title}"
    default = coalesce(f"Dear {name}", "Dear customer")
    meant = expr("'Dear ' || name")
    has_name = f"Dear {name}" is not None
    sql(
        "insert into shop.audit (what) values (:said), (:told), "
        "(:maybe), (:default), (:meant), (:has_name)"
    )
    return f"Dear {name}"
