"""14x and 15x: expressions, templates, types and durations; 16x: SQL text."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF140",
        slug="expression-syntax",
        summary="the text is no expression",
        what="An expression breaks off, has a part too many, or a parenthesis without "
        "its other half. Expressions are written as in PostgreSQL: literals, "
        "references, and/or/not, comparisons, is null, in, between, like, arithmetic, "
        "||, case, casts, -> and ->>, and calls of functions.",
        why="PostgreSQL evaluates the expression when the workflow runs. What it could "
        "not read then is refused now.",
        wrong="- if: order.total > and order.paid",
        right="- if: order.total > 100 and order.paid",
    ),
    Code(
        code="WF141",
        slug="string-without-end",
        summary="a string in an expression has no closing quote",
        what="A string stands in single quotes. A quote inside of it is written twice.",
        why="Everything after the opening quote would be part of the string.",
        wrong="- if: order.note = 'it's late'",
        right="- if: order.note = 'it''s late'",
    ),
    Code(
        code="WF142",
        slug="unknown-operator",
        summary="the operator is not part of expressions",
        what="The operator is from another language, or one of PostgreSQL's that "
        "expressions do not have. Two operators without a space between them are "
        "read as one, as PostgreSQL reads them.",
        why="Expressions are a small part of SQL, so that their meaning can be "
        "checked. Any other operator can be used in an SQL step.",
        wrong="- if: order.status == 'new' && !order.paid",
        right="- if: order.status = 'new' and not order.paid",
    ),
    Code(
        code="WF143",
        slug="string-in-double-quotes",
        summary="a string stands in double quotes",
        what="As in SQL, strings stand in single quotes. Double quotes are for names "
        "of types.",
        why="PostgreSQL would read a text in double quotes as the name of a column.",
        wrong='- if: order.status = "new"',
        right="- if: order.status = 'new'",
    ),
    Code(
        code="WF144",
        slug="marked-reference",
        summary="a reference in an expression is marked like one in SQL or in text",
        what="In an expression a name stands bare. The colon is for references in SQL "
        "text, and ${...} for expressions inside of a text.",
        why="Each place has one way to refer to a value, so that what is a value and "
        "what is text can be seen.",
        wrong="- if: :order.total > ${threshold}",
        right="- if: order.total > threshold",
    ),
    Code(
        code="WF145",
        slug="malformed-number",
        summary="letters or a second point follow a number",
        what="A number is written as 42, 3.5, 1_000 or 1.5e3, without a unit.",
        why="PostgreSQL refuses letters after a number, too; a name that begins with a "
        "digit can't be referred to.",
        wrong="- let: {limit: 10days}",
        right="- let: {limit: interval '10 days'}",
    ),
    Code(
        code="WF146",
        slug="template-without-end",
        summary="an expression in a text is not closed",
        what='An expression in a text begins with "${" and ends with "}". The two '
        'characters themselves are written "$${".',
        why="Without its end it can't be told what is expression and what is text.",
        wrong='- fail: "order ${order.id failed"',
        right='- fail: "order ${order.id} failed"',
    ),
    Code(
        code="WF147",
        slug="empty-expression",
        summary="an expression is empty",
        what="An expression was expected and nothing is there.",
        why="There is no value that nothing could stand for. A null is written null.",
        wrong='- if: ""',
        right="- if: order.paid",
    ),
    Code(
        code="WF148",
        slug="type-syntax",
        summary="the text is no type",
        what="A type is written as in PostgreSQL: text, numeric(10,2), timestamp with "
        'time zone, text[]. A "?" at its end, or "| null", allows null.',
        why="Types of inputs and of payloads are checked where they are used.",
        wrong="input:\n  tags: list[text]",
        right="input:\n  tags: text[]",
    ),
    Code(
        code="WF149",
        slug="duration-syntax",
        summary="the text is no duration",
        what="A duration is a number with a unit, or several from the longest to the "
        "shortest: 250ms, 5s, 1m30s, 2h, 1d, 1w.",
        why="A number without a unit means seconds to one reader and milliseconds to "
        "the next; months and years have no fixed length.",
        wrong="- sleep: 5 minutes",
        right="- sleep: 5m",
    ),
    Code(
        code="WF150",
        slug="duration-too-long",
        summary="the duration is too long",
        what="A duration can be at most 2,147,483,647 seconds, which is 68 years.",
        why="The runtimes count the seconds of a timeout as an integer.",
        wrong="- sleep: 100000d",
        right="- sleep: 3650d",
    ),
    Code(
        code="WF151",
        slug="no-part-of-expressions",
        summary="the expression uses a part of SQL that expressions do not have",
        what="Queries, window functions, aggregates and subscripts are not part of "
        "expressions.",
        why="An expression is evaluated between steps, and reads no tables: whatever "
        "reads data is a step, which is recorded and can be seen.",
        wrong="- if: (select count(*) from shop.orders) > 10",
        right="- name: orders\n"
        "  sql: select count(*) as n from shop.orders\n"
        "- if: orders.n > 10",
    ),
    Code(
        code="WF152",
        slug="expression-too-deep",
        summary="the expression nests too deeply",
        what="An expression may nest 100 levels deep; each operator of a chain is one.",
        why="Nobody can read such an expression, and it is mostly a list in disguise.",
        wrong="- if: status = 'a' or status = 'b' or status = 'c'  # and 100 more",
        right="- if: status in ('a', 'b', 'c')",
    ),
    Code(
        code="WF160",
        slug="sql-without-end",
        summary="a string, name, body or comment in SQL text has no end",
        what="A literal in quotes, a quoted name, a dollar-quoted body or a comment "
        "begins and does not end. Comments between /* and */ nest.",
        why="PostgreSQL would take the rest of the statement as part of it.",
        wrong="- sql: select 'it's late'",
        right="- sql: select 'it''s late'",
    ),
    Code(
        code="WF161",
        slug="several-statements",
        summary="a step has more than one SQL statement",
        what="A semicolon separates statements, and a step is exactly one. A semicolon "
        "at the end does no harm.",
        why="A step has one result, and is done or not done: with two statements it "
        "could not be told which of them failed.",
        wrong="- sql: |\n"
        "    update shop.orders set status = 'new';\n"
        "    insert into shop.audit (what) values ('reset')",
        right="- sql: update shop.orders set status = 'new'\n"
        "- sql: insert into shop.audit (what) values ('reset')",
    ),
    Code(
        code="WF162",
        slug="empty-sql",
        summary="a step has no SQL statement",
        what="The SQL text is empty, or has nothing but comments.",
        why="A step without a statement does nothing.",
        wrong="- sql: -- later",
        right="- sql: select 1",
    ),
    Code(
        code="WF163",
        slug="sql-parameter",
        summary="SQL text refers to a parameter by number",
        what="$1 and the like are parameters of prepared statements, which a step does "
        "not have.",
        why="A value is referred to by its name, and gets its type from there.",
        wrong="- sql: select id from shop.orders where id = $1",
        right="- sql: select id from shop.orders where id = :order_id",
    ),
    Code(
        code="WF164",
        slug="reference-in-literal",
        summary="a reference stands inside of a string or a body",
        what="What looks like a reference is part of a literal: a colon and a name at "
        "the literal's start, or after white space or punctuation, or `${name}`; and "
        "the workflow has the name. If it is meant to be text, split the literal after "
        "the colon or the dollar: 'see :' || 'x'.",
        why="In a literal no value is put in its place. If it were, a value with a "
        "quote in it could change the statement.",
        wrong="- sql: insert into shop.audit (what) values ('Order :order.id')",
        right="- sql: insert into shop.audit (what) values ('Order ' || :order.id)",
    ),
    Code(
        code="WF165",
        slug="statement-is-no-step",
        summary="the statement cannot be a step",
        what="Statements that control transactions, change the session or need a "
        "client are no steps.",
        why="A step's effects and its checkpoint commit in one transaction, on a "
        "connection that serves other runs as well.",
        wrong="- sql: begin\n"
        "- sql: delete from shop.stock where reserved = 0\n"
        "- sql: commit",
        right="- sql: delete from shop.stock where reserved = 0",
    ),
    Code(
        code="WF166",
        slug="foreign-reference",
        summary="SQL text refers to a value in the way of another language",
        what="A reference in SQL text is a colon and a name: :order_id, :order.total. "
        "${...} is for other texts, $name, {name} and {{name}} are for other tools, "
        "and :'name' is for psql.",
        why="References are values with a type, and never pieces of text.",
        wrong="- sql: select id from shop.orders where id = ${order_id}",
        right="- sql: select id from shop.orders where id = :order_id",
    ),
    Code(
        code="WF167",
        slug="unexpected-character",
        summary="a character has no meaning in SQL",
        what="Outside of literals and quoted names PostgreSQL has no use for this "
        "character. A backslash begins a command of psql, which is not SQL.",
        why="PostgreSQL would refuse the statement.",
        wrong="- sql: select id from shop.orders where id = {5}",
        right="- sql: select id from shop.orders where id = 5",
    ),
    Code(
        code="WF168",
        slug="unbalanced-parentheses",
        summary="a parenthesis or bracket in SQL has no other half",
        what="A parenthesis or a bracket is not closed, or closes nothing.",
        why="PostgreSQL would report it at the end of the statement; here it is shown "
        "where it begins.",
        wrong="- sql: select count(* from shop.orders",
        right="- sql: select count(*) from shop.orders",
    ),
)
