"""What a type checker finds with the stubs of this project; see `bad/`."""

from workflows.orders import KNOWN

from perdure import sql, sql_file


def mistakes() -> None:
    order = sql(
        "select id, total, email, state, tags, details, placed_at, weight, key, class"
        " from shop.orders where id = :order_id",
        expect="one",
    )
    order.totl  # E: "ExactOrder" has no attribute "totl"
    order.total.upper()  # E: "Numeric" has no attribute "upper"
    order.email + "x"  # E: Unsupported left operand type for + ("None")
    order.id.upper()  # E: "int" has no attribute "upper"
    order.key.nothing  # E: "UUID" has no attribute "nothing"
    order.tags.nothing  # E: "list[str]" has no attribute "nothing"
    order.details["any"].thing
    order.state.anything
    order.placed_at.year
    maybe = sql("""
        select id, weight
        from shop.orders
        where id = :order_id
    """)
    maybe.id + 1  # E: Unsupported operand types for + ("None" and "int")
    known = sql(KNOWN, expect="one")
    known.mail  # E: "KindsKnown" has no attribute "mail"
    done = sql("update shop.orders set total = 0 where id = :order_id")
    done.total  # E: "KindsDone" has no attribute "total"
    sql_file("totals.sql").numbr  # E: "KindsTotals" has no attribute "numbr"
    sql("select 'é\n''%' as a, 5 as b").c  # E: "KindsOther" has no attribute "c"
    rows = sql("select id, email from shop.orders")
    rows.id  # E: "Rows[ManyRows]" has no attribute "id"
    for row in rows:
        row.idd  # E: "ManyRows" has no attribute "idd"
    sql("select id, email from shop.orders", expect="one").anything
    sql("a statement that no workflow has").anything
    sql("select 1", expct="one")  # E: No overload variant of "sql"
