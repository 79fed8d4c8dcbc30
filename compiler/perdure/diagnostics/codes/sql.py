"""5xx: SQL."""

from perdure.diagnostics.codes.model import Code

_SCHEMA: tuple[Code, ...] = (
    Code(
        code="WF501",
        slug="schema-refused",
        summary="PostgreSQL refuses a statement of the project's schema",
        what="The files of `schema` are loaded into a scratch database, in order, one "
        "statement after the other; this one failed. The message and the SQLSTATE are "
        "PostgreSQL's own. Nothing is checked until the schema can be loaded.",
        why="Statements of workflows are described by a PostgreSQL that holds the "
        "schema; without it, nothing is known of any table.",
        wrong="# schema.sql: create table shop.orders (id bigint primary kee);\n"
        'workflow: ship\nsteps:\n  - sql: "delete from shop.orders where id = 1"',
        right="# schema.sql: create table shop.orders (id bigint primary key);\n"
        'workflow: ship\nsteps:\n  - sql: "delete from shop.orders where id = 1"',
    ),
    Code(
        code="WF502",
        slug="extension-missing",
        summary="the schema needs an extension that the checking server does not have",
        what="The embedded PostgreSQL has no extensions but `vector`. Name the bin "
        "folder of an installed PostgreSQL that has the extension "
        "(`postgres.bin_dir`): a private cluster is made from it. Or name a server "
        "that has it (`postgres.url`): a scratch database is made and dropped there.",
        why="Types and functions of the extension are part of the schema.",
        wrong="# perdure.toml: schema = 'schema.sql'\n"
        "# schema.sql: create extension hstore;\n"
        'workflow: tag\nsteps:\n  - sql: "select 1"',
        right="# perdure.toml: schema = 'schema.sql'\n"
        "#               postgres.bin_dir = '/usr/lib/postgresql/18/bin'\n"
        "# schema.sql: create extension hstore;\n"
        'workflow: tag\nsteps:\n  - sql: "select 1"',
    ),
    Code(
        code="WF503",
        slug="schema-unreadable",
        summary="the project's schema cannot be read",
        what="A file of `schema` cannot be read or is not UTF-8, a folder has no "
        "`.sql` file, or the schema of the live database cannot be dumped.",
        why="Statements of workflows are described by a PostgreSQL that holds the "
        "schema; without it, nothing is known of any table.",
        wrong="# perdure.toml: schema = 'schema', an empty folder\n"
        'workflow: ship\nsteps:\n  - sql: "select 1"',
        right="# perdure.toml: schema = 'schema.sql'\n"
        'workflow: ship\nsteps:\n  - sql: "select 1"',
    ),
)

_REJECTED: tuple[Code, ...] = (
    Code(
        code="WF510",
        slug="sql-rejected",
        summary="PostgreSQL refuses a statement or an expression",
        what="The message and the SQLSTATE are PostgreSQL's own, for the statement "
        "as it would run against the project's schema.",
        why="The step would fail in the same way, in production.",
        wrong="- sql: select id from shop.orders o, shop.stock s",
        right="- sql: select o.id from shop.orders o, shop.stock s",
    ),
    Code(
        code="WF511",
        slug="sql-syntax",
        summary="PostgreSQL cannot parse a statement",
        what="The statement is not SQL as PostgreSQL reads it (42601).",
        why="The step would fail in the same way, in production.",
        wrong="- sql: selct 1",
        right="- sql: select 1",
    ),
    Code(
        code="WF512",
        slug="unknown-table",
        summary="a statement names a table that does not exist",
        what="The project's schema has no such table, or the statement does not read "
        "it (42P01), or there is no such schema (3F000). A value of the workflow is "
        "written with a colon.",
        why="The step would fail in the same way, in production.",
        wrong="- sql: delete from shop.order where id = 1",
        right="- sql: delete from shop.orders where id = 1",
    ),
    Code(
        code="WF513",
        slug="unknown-column-in-sql",
        summary="a statement names a column that does not exist",
        what="No table that the statement reads has such a column (42703). A value of "
        "the workflow is written with a colon.",
        why="The step would fail in the same way, in production.",
        wrong="input: {order_id: bigint}\nsteps:\n"
        "  - sql: delete from shop.orders where id = order_id",
        right="input: {order_id: bigint}\nsteps:\n"
        "  - sql: delete from shop.orders where id = :order_id",
    ),
    Code(
        code="WF514",
        slug="unknown-function",
        summary="there is no such function or operator for these types",
        what="PostgreSQL knows no function or operator of that name that takes the "
        "types it is given (42883). Often the types differ from what was expected.",
        why="The step would fail in the same way, in production.",
        wrong="- if: order.email > 10\n  then: [...]",
        right="- if: length(order.email) > 10\n  then: [...]",
    ),
    Code(
        code="WF515",
        slug="sql-type",
        summary="a value in a statement is of the wrong type",
        what="PostgreSQL cannot read a value as the type that is needed at its place, "
        "or cannot convert it (42804, 42846, 22P02, 22007, 42P18).",
        why="The step would fail in the same way, in production.",
        wrong="- sql: update shop.orders set total = 'a lot' where id = 1",
        right="- sql: update shop.orders set total = 1000 where id = 1",
    ),
)

_VALUES: tuple[Code, ...] = (
    Code(
        code="WF518",
        slug="failing-constant",
        summary="PostgreSQL cannot compute an expression that reads nothing",
        what="The expression has no reference, and PostgreSQL fails to compute it: a "
        "division by zero, a value out of range, a text that is none of the type.",
        why="It would fail in the same way in every run.",
        wrong="- let: {share: 100 / 0}",
        right="- let: {share: 100 / 4}",
    ),
    Code(
        code="WF519",
        slug="anonymous-record",
        summary="a value that is read is an anonymous record",
        what="A column, or what `let` binds, is a `record` or a list of them, as "
        "`row(...)` gives, and something reads it.",
        why="Between two steps a result stands as JSON. To read it from there "
        "PostgreSQL has to know the columns of the record, and of an anonymous one "
        "nobody does (0A000).",
        wrong='- name: pair\n  sql: select row(1, 2) as p\n- return: "${pair.p}"',
        right="- name: pair\n  sql: select jsonb_build_object('a', 1, 'b', 2) as p\n"
        '- return: "${pair.p}"',
    ),
)

_COLUMNS: tuple[Code, ...] = (
    Code(
        code="WF516",
        slug="unnamed-column",
        summary="a column of a named step has no name",
        what="PostgreSQL calls the column `?column?`; nothing can refer to it.",
        why="Columns of a result are read by name.",
        wrong="- {name: n, sql: select 1 + 1}",
        right="- {name: n, sql: select 1 + 1 as sum}",
    ),
    Code(
        code="WF517",
        slug="duplicate-column",
        summary="two columns of a named step have the same name",
        what="The select list gives the same name twice, often by way of a join.",
        why="Only one of them could be read, and which one would be left to chance.",
        wrong="- name: both\n"
        "  sql: select o.id, s.id from shop.orders o, shop.stock s limit 1",
        right="- name: both\n"
        "  sql: select o.id, s.id as stock_id from shop.orders o, shop.stock s limit 1",
    ),
)

_NULLS: tuple[Code, ...] = (
    Code(
        code="WF520",
        slug="column-left-empty",
        summary="an insert leaves out a column that is not null and has no default",
        what="The column is `not null` in the project's schema, or of a domain that "
        "is, and a row that the statement inserts gets no value for it. Nothing is "
        "said of a table with a trigger before inserts, which may fill the column in, "
        "or with rules, of a view, and of a foreign table.",
        why="PostgreSQL accepts the statement and refuses its rows (23502): the step "
        "would fail in every run. A column that is added to a table needs a default "
        "for as long as there are versions that do not know it.",
        wrong="- sql: insert into shop.customers (name) values ('Ann')",
        right="- sql: insert into shop.customers (name, email) values ('Ann', :email)",
    ),
    Code(
        code="WF521",
        slug="null-into-not-null",
        summary="a null is written to a column that is not null",
        what="The column is `not null` in the project's schema, or of a domain that "
        "is, and the statement writes a literal `null` to it, in `values`, in a select "
        "list or after `set`. The tables of which WF520 says nothing, and those with a "
        "trigger before updates, are left out.",
        why="PostgreSQL accepts the statement and refuses its rows (23502): the step "
        "would fail in every run. A default does not stand in for a null.",
        wrong="- sql: update shop.customers set email = null where id = :id",
        right="- sql: update shop.customers set email = '' where id = :id",
    ),
)

CODES: tuple[Code, ...] = (*_SCHEMA, *_REJECTED, *_COLUMNS, *_VALUES, *_NULLS)
