"""2xx: names and types."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF201",
        slug="unknown-name",
        summary="a reference names nothing",
        what="The first word of a reference is no input, no step with a result, no "
        "`let`, and not `run`.",
        why="The value would be missing when the step runs.",
        wrong="input: {order_id: bigint}\nsteps:\n"
        "  - sql: delete from shop.stock where order_id = :ordr_id",
        right="input: {order_id: bigint}\nsteps:\n"
        "  - sql: delete from shop.stock where order_id = :order_id",
    ),
    Code(
        code="WF202",
        slug="no-value-yet",
        summary="a name is used where some path has not bound it",
        what="A step of that name exists, but it comes later, or it stands in an arm, "
        "a loop or a branch that may not have run.",
        why="On that path there is no value to read.",
        wrong="- if: order.total > 100\n  then:\n"
        "    - {name: gift, sql: select 1 as id}\n"
        '- return: "${gift.id}"',
        right="- if: order.total > 100\n  then:\n"
        "    - {name: gift, sql: select 1 as id}\n"
        '    - return: "${gift.id}"',
    ),
    Code(
        code="WF203",
        slug="unknown-column",
        summary="a step's result has no such column",
        what="The word after the dot is no column of the step's result, or no member "
        "of its typed JSON.",
        why="A result has exactly the columns of its statement; `http`, "
        "`wait_for_signal` and `race` have fixed ones.",
        wrong="- {name: order, sql: select total from shop.orders limit 1}\n"
        "- if: order.totl > 100\n  then: [...]",
        right="- {name: order, sql: select total from shop.orders limit 1}\n"
        "- if: order.total > 100\n  then: [...]",
    ),
    Code(
        code="WF204",
        slug="not-a-value",
        summary="a step's name stands where one value is needed",
        what="The name of a step means its whole result, a row or more.",
        why="Which column is meant is not guessed, even when there is only one: a "
        "second column would change the meaning.",
        wrong="- {name: n, sql: select count(*) as left from shop.audit}\n- if: n > 0",
        right="- {name: n, sql: select count(*) as left from shop.audit}\n"
        "- if: n.left > 0",
    ),
    Code(
        code="WF205",
        slug="no-members",
        summary="a value that has no members is followed by a dot",
        what="Only typed JSON has members: the payload of a signal, for one. JSON of "
        "unknown form has none that the compiler could know.",
        why="A member of unknown type cannot be checked; `->>` gives it as text, and "
        "a cast says what it is.",
        wrong="- {name: answer, http: GET https://example.com/rate}\n"
        "- if: answer.json.rate > 1",
        right="- {name: answer, http: GET https://example.com/rate}\n"
        "- if: (answer.json ->> 'rate')::numeric > 1",
    ),
    Code(
        code="WF206",
        slug="no-result",
        summary="a step without a result is read",
        what="The name belongs to a step that has no result, such as `sleep` or `if`.",
        why="Only `sql`, `http`, `wait_for_signal`, `race` and `let` give values.",
        wrong='- {name: pause, sleep: 5s}\n- return: "${pause.seconds}"',
        right="- {name: pause, sleep: 5s}\n- return: 5",
    ),
    Code(
        code="WF207",
        slug="misplaced-row-set",
        summary="`:step.*` is not the rows of an sql step in FROM",
        what="`:step.*` stands for all rows of an sql step, as a table. It is used "
        "where a value is needed, or on something that has no rows.",
        why="A table can be read only after FROM or JOIN.",
        wrong="- sql: delete from shop.stock where order_id in (:orders.*)",
        right="- sql: |\n    delete from shop.stock\n"
        "    where order_id in (select id from :orders.*)",
    ),
    Code(
        code="WF208",
        slug="reserved-name",
        summary="a reserved name is bound",
        what="`run` is the run itself, `err` is the error in a catch. No input, step "
        "or `let` can have these names.",
        why="What `run.id` means must not depend on the workflow.",
        wrong="- {name: run, sql: select 1 as id}",
        right="- {name: attempt, sql: select 1 as id}",
    ),
    Code(
        code="WF209",
        slug="other-shape",
        summary="a name is bound again with other columns or types",
        what="A name may be bound again, in sequence, in the arms of an `if` or in a "
        "loop, when the columns and their types stay the same. Numbers that are "
        "assigned to one name all have the widest of their types, where that loses "
        "nothing: with `total: 0` first and `total: total + 0.5` later it is numeric.",
        why="A later step reads the one or the other, and must know its columns.",
        wrong="- let: {due: current_date}\n- let: {due: now()}",
        right="- let: {due: current_date::timestamptz}\n- let: {due: now()}",
    ),
    Code(
        code="WF210",
        slug="input-bound-again",
        summary="an input is declared twice or bound by a step",
        what="The name of an input stands for the value that the run was started "
        "with, everywhere in the workflow.",
        why="A reader of the run sees its inputs; they must be what the steps saw.",
        wrong="input: {total: numeric}\nsteps:\n  - let: {total: total * 1.2}",
        right="input: {total: numeric}\nsteps:\n  - let: {gross: total * 1.2}",
    ),
    Code(
        code="WF211",
        slug="bound-in-branch",
        summary="branches that run at the same time bind the same name",
        what="A branch of `parallel` or `race` binds a name that is bound outside of "
        "it, or, in a `parallel`, in another branch.",
        why="Which of the values counts would depend on which branch is quicker.",
        wrong="- parallel:\n    a: [{name: n, sql: select 1 as id}]\n"
        "    b: [{name: n, sql: select 2 as id}]",
        right="- parallel:\n    a: [{name: n, sql: select 1 as id}]\n"
        "    b: [{name: m, sql: select 2 as id}]",
    ),
    Code(
        code="WF220",
        slug="unknown-type",
        summary="there is no such type",
        what="PostgreSQL knows no type of that name in the project's schema.",
        why="Types are PostgreSQL's own: `text`, `bigint`, `numeric(12,2)`, an enum "
        "or a domain of the schema.",
        wrong="input: {note: string}",
        right="input: {note: text}",
    ),
    Code(
        code="WF221",
        slug="default-not-constant",
        summary="the default of an input is not constant",
        what="The default reads a name, or calls a function whose result changes.",
        why="A default is part of the generated function's signature.",
        wrong="input: {since: timestamptz = now()}",
        right="input: {since: timestamptz?}\nsteps:\n"
        "  - let: {start: 'coalesce(since, run.started_at)'}",
    ),
    Code(
        code="WF222",
        slug="default-type",
        summary="the default of an input is not of its type",
        what="The default is of another type than the input, or a text that "
        "PostgreSQL does not read as a value of that type.",
        why="A run that is started without the input would fail.",
        wrong="input: {limit: \"integer = 'ten'\"}",
        right="input: {limit: integer = 10}",
    ),
    Code(
        code="WF223",
        slug="condition-not-boolean",
        summary="a condition is not a boolean",
        what="`if`, `elif`, `while`, `until` and `assert` need a boolean.",
        why="What counts as true is not guessed from numbers or texts.",
        wrong="- if: order.total\n  then: [...]",
        right="- if: order.total > 0\n  then: [...]",
    ),
    Code(
        code="WF224",
        slug="wrong-type",
        summary="a step is given a value of another type than it takes",
        what="The expression of the step has another type: `sleep` takes an interval.",
        why="A number of what? An interval says its unit.",
        wrong="- sleep: attempt.seconds",
        right="- sleep: attempt.seconds * interval '1 second'",
    ),
    Code(
        code="WF225",
        slug="return-type",
        summary="a returned value is not of the declared type",
        what="`return` gives a value that does not fit `returns`. A number fits any "
        "type of number, a character string fits text, anything fits jsonb; "
        "everything else needs the same type.",
        why="Callers rely on what `returns` declares.",
        wrong="returns: {status: text}\nsteps:\n  - return: {status: 1}",
        right='returns: {status: text}\nsteps:\n  - return: {status: "1"}',
    ),
    Code(
        code="WF226",
        slug="missing-return",
        summary="some path ends without the value that `returns` declares",
        what="A workflow that ends without `return` has the result null, and "
        "`returns` does not allow null.",
        why="Callers rely on what `returns` declares.",
        wrong="returns: text\nsteps:\n  - if: order.total > 100\n"
        "    then: [{return: large}]",
        right="returns: text\nsteps:\n  - if: order.total > 100\n"
        "    then: [{return: large}]\n  - return: small",
    ),
    Code(
        code="WF227",
        slug="return-members",
        summary="a returned object has other members than declared",
        what="A member that `returns` declares is missing, or one is there that it "
        "does not declare. Members that may be null may be left out.",
        why="Callers rely on what `returns` declares.",
        wrong="returns: {status: text}\nsteps:\n  - return: {state: done}",
        right="returns: {status: text}\nsteps:\n  - return: {status: done}",
    ),
    Code(
        code="WF228",
        slug="date-as-subtraction",
        summary="what looks like a date is a subtraction of numbers",
        what="In an expression a date stands in quotes. Without them `2026-01-01` is "
        "two subtractions: 2024.",
        why="Nothing fails, and the number is kept where a date was meant.",
        wrong="- let: {due: 2026-01-01}",
        right="- let: {due: \"'2026-01-01'::date\"}",
    ),
    Code(
        code="WF230",
        slug="outside-loop",
        summary="`break` or `continue` outside of a loop",
        what="There is no loop around the step.",
        why="`break` and `continue` end a loop, or a round of it. `return` ends the "
        "workflow.",
        wrong="- if: order.total = 0\n  then: [break]",
        right="- if: order.total = 0\n  then: [{return: null}]",
    ),
    Code(
        code="WF240",
        slug="unused-input",
        summary="an input is never read",
        what="No step reads the input.",
        why="Whoever starts a run gives a value in the belief that it matters.",
        wrong="input: {order_id: bigint, note: text}\nsteps:\n"
        "  - sql: delete from shop.stock where order_id = :order_id",
        right="input: {order_id: bigint}\nsteps:\n"
        "  - sql: delete from shop.stock where order_id = :order_id",
    ),
)
