"""3xx: nullability and cardinality."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF301",
        slug="nullable-condition",
        summary="a condition may be null",
        what="Something that the condition reads may be null, and then the condition "
        "is null too, which counts as false. Of a Python file the condition in "
        "`a if x > 1 else b` is one, too.",
        why="`not (note = 'x')` is false as well when `note` is null, which is seldom "
        "what was meant.",
        wrong="- if: customer.note = 'vip'\n  then: [...]",
        right="- if: coalesce(customer.note = 'vip', false)\n  then: [...]",
    ),
    Code(
        code="WF302",
        slug="nullable-into-non-null",
        summary="a value that may be null stands where null is not allowed",
        what="The value may be null, and the declared type is without `?`. A column "
        "of a step that may return no row may be null, and so may what was bound in "
        "a branch of a race. A URL, and the space at an end of a header that a null "
        "leaves (`Bearer ${token}`), are such places; elsewhere in a request a null "
        "reads as empty.",
        why="Callers rely on what `returns` declares; a timer of length null has no "
        "meaning, and neither has the URL of an order without a number.",
        wrong='returns: {note: text}\nsteps:\n  - return: {note: "${customer.note}"}',
        right='returns: {note: text?}\nsteps:\n  - return: {note: "${customer.note}"}',
    ),
    Code(
        code="WF303",
        slug="many-used-as-one",
        summary="a column is read of a step that may return many rows",
        what="Nothing proves that the statement returns at most one row: no unique "
        "key is pinned by an equality, there is no `limit 1`, and no aggregate "
        "without GROUP BY.",
        why="Which row would be meant is open.",
        wrong="- name: order\n"
        "  sql: select id from shop.orders where email = :email\n"
        '- return: "${order.id}"',
        right="- name: order\n"
        "  sql: select id from shop.orders where email = :email\n"
        "  expect: one\n"
        '- return: "${order.id}"',
    ),
    Code(
        code="WF304",
        slug="expect-without-rows",
        summary="`expect` on a statement that returns no rows",
        what="A statement without RETURNING has the one column `rows_affected`, and "
        "always exactly one row.",
        why="`expect` counts the rows that are returned, not those that are changed.",
        wrong="- sql: update shop.orders set status = 'new' where id = :id\n"
        "  expect: one",
        right="- name: changed\n"
        "  sql: update shop.orders set status = 'new' where id = :id returning id\n"
        "  expect: one",
    ),
    Code(
        code="WF305",
        slug="nullable-part-of-text",
        summary="a part of a text in Python may be null, which makes all of it null",
        what="An f-string, or `+` beside text, joins its parts by PostgreSQL's `||`, "
        "which is null as soon as one of them is. Where text is written for JSON or a "
        "message, a part that is null reads as empty, and is not reported; in a URL it "
        "is an error, WF302.",
        why="In Python the f-string is text in any case; here nothing would be left of "
        "it, and nothing would say so.",
        wrong='greeting = f"Dear {customer.name}"',
        right='greeting = f"Dear {coalesce(customer.name, "customer")}"',
    ),
)
