"""Control flow beyond `if` and `loop`: WF153, WF23x, WF44x and WF62x."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF153",
        slug="cron-syntax",
        summary="not a cron expression",
        what="A cron expression has five fields: minute, hour, day of the month, "
        "month, day of the week. Each is `*`, numbers, names, ranges `1-5`, steps "
        "`*/15`, or a list of them.",
        why="Nothing can be said of when it is due.",
        wrong="- wait_for_schedule: 0 0 9 * * MON",
        right="- wait_for_schedule: 0 9 * * MON",
    ),
    Code(
        code="WF154",
        slug="impossible-schedule",
        summary="a cron expression fits no date",
        what="The day of the month does not exist in any of the months.",
        why="The wait would never end.",
        wrong="- wait_for_schedule: 0 9 31 4,6 *",
        right="- wait_for_schedule: 0 9 30 4,6 *",
    ),
    Code(
        code="WF155",
        slug="unknown-time-zone",
        summary="PostgreSQL knows no such time zone",
        what="The name of the time zone is none that PostgreSQL has.",
        why="The time to wait for can't be computed.",
        wrong="- wait_for_schedule: 0 9 * * MON\n  timezone: Europe/Berln",
        right="- wait_for_schedule: 0 9 * * MON\n  timezone: Europe/Berlin",
    ),
    Code(
        code="WF231",
        slug="foreach-syntax",
        summary="`foreach` does not say what it goes over",
        what="The value is a name for the row, `in`, and the name of a step.",
        why="Both are needed: the step gives the rows, and the steps below read the "
        "row by its name.",
        wrong="- foreach: open_orders\n  do: [...]",
        right="- foreach: o in open_orders\n  do: [...]",
    ),
    Code(
        code="WF232",
        slug="incomplete-try",
        summary="a `try` without a handler",
        what="`catch` names the error and `do` has the steps that handle it: one needs "
        "the other. A `try` has these two, or `finally`, or all three.",
        why="Alone it would do nothing.",
        wrong="- try:\n    - sql: select 1\n  catch: err",
        right="- try:\n    - sql: select 1\n  catch: err\n  do:\n"
        "    - sql: insert into shop.audit (what) values (:err.message)",
    ),
    Code(
        code="WF233",
        slug="foreach-without-rows",
        summary="`foreach` over something that has not many rows",
        what="The step is no SQL step, or it is proved to give at most one row.",
        why="There is nothing to repeat, so probably another step was meant.",
        wrong="- {name: order, sql: select id from shop.orders where id = 1}\n"
        "- foreach: o in order\n  do: [...]",
        right="- {name: orders, sql: select id from shop.orders where total > 1}\n"
        "- foreach: o in orders\n  do: [...]",
    ),
    Code(
        code="WF234",
        slug="fail-without-message",
        summary="`fail` without a message outside of a `catch`",
        what="`fail` alone fails again with the error that a `catch` has named.",
        why="Elsewhere there is no error.",
        wrong="- fail",
        right="- fail: the order is gone",
    ),
    Code(
        code="WF235",
        slug="duplicate-case",
        summary="two cases of a `switch` are the same value",
        what="The values are spelled differently and are equal.",
        why="The second one would never be taken.",
        wrong="- switch: order.total\n  cases:\n    1: [...]\n    1.0: [...]",
        right="- switch: order.total\n  cases:\n    1: [...]\n    2: [...]",
    ),
    Code(
        code="WF236",
        slug="case-type",
        summary="a case is not a value of the type that `switch` looks at",
        what="PostgreSQL does not read the case as a value of that type, or the type "
        "has no values that can be compared. In Python a number is no case of text. "
        "Null is no case, it goes to `default`.",
        why="The case could never be taken.",
        wrong="- switch: order.id\n  cases:\n    first: [...]",
        right="- switch: order.id\n  cases:\n    1: [...]",
    ),
    Code(
        code="WF440",
        slug="exit-from-cleanup",
        summary="`return`, `break` or `continue` leaves a `finally` or an `undo`",
        what="These steps run because something else ended, perhaps with a failure.",
        why="Leaving them another way would hide that failure, or replace what was to "
        "be returned.",
        wrong="- try:\n    - sql: select 1\n  finally:\n    - return: done",
        right="- try:\n    - sql: select 1\n  finally:\n"
        "    - sql: insert into shop.audit (what) values ('tried')\n- return: done",
    ),
    Code(
        code="WF441",
        slug="not-in-transaction",
        summary="a step that cannot be part of a transaction",
        what="A `transaction` holds `sql`, `sql_file`, `let` and `assert` steps, which "
        "have no `when`, `timeout`, `retry` or `undo` of their own.",
        why="Its steps are one checkpoint of the database. Nothing in it can wait, "
        "leave the database, or be decided between two of its steps.",
        wrong="- transaction:\n    - sql: insert into shop.audit (what) values ('a')\n"
        "    - sleep: 1m",
        right="- transaction:\n    - sql: insert into shop.audit (what) values ('a')\n"
        "- sleep: 1m",
    ),
    Code(
        code="WF442",
        slug="swallowed-error",
        summary="a `catch` never looks at the error",
        what="The steps below `catch` do not read the error, and do not fail.",
        why="Every failure is handled alike and forgotten, also those that nobody "
        "thought of, such as a table that is gone.",
        wrong="- try:\n    - http: GET https://example.com\n  catch: err\n  do:\n"
        "    - sql: insert into shop.audit (what) values ('no answer')",
        right="- try:\n    - http: GET https://example.com\n  catch: err\n  do:\n"
        "    - sql: insert into shop.audit (what) values ('failed: ' || "
        ":err.message)",
    ),
    Code(
        code="WF443",
        slug="repeated-request",
        summary="a request is sent again when a later step fails",
        what="A POST or PATCH stands in a group with `retry`, has no `undo`, and is "
        "not the last step. When a later step fails, the whole group is tried again.",
        why="What the request did is done twice, because each try of the group sends a "
        "new request.",
        wrong="- do:\n    - http: POST https://pay.example.com/charges\n"
        "    - http: GET https://example.com/status\n  retry: 3",
        right="- http: POST https://pay.example.com/charges\n  retry: 3\n"
        "- http: GET https://example.com/status\n  retry: 3",
    ),
    Code(
        code="WF444",
        slug="undo-reads-rebound",
        summary="an `undo` reads a name that is bound again later",
        what="By the time the undo runs, the name may have the later value.",
        why="It would take back something else than what was done.",
        wrong="- name: a\n  sql: insert into shop.audit (what) values ('1') "
        "returning id\n  undo:\n"
        "    - sql: delete from shop.audit where id = :a.id\n"
        "- name: a\n  sql: insert into shop.audit (what) values ('2') returning id",
        right="- name: a\n  sql: insert into shop.audit (what) values ('1') "
        "returning id\n  undo:\n"
        "    - sql: delete from shop.audit where id = :a.id\n"
        "- name: b\n  sql: insert into shop.audit (what) values ('2') returning id",
    ),
    Code(
        code="WF445",
        slug="unread-collect",
        summary="`collect` of a step without a name",
        what="The rows that `collect` gives are the result of the step, and results "
        "are read by the step's name.",
        why="Nothing can read them.",
        wrong='- foreach: o in orders\n  do: [...]\n  collect: {id: "${o.id}"}',
        right="- name: done\n  foreach: o in orders\n  do: [...]\n"
        '  collect: {id: "${o.id}"}',
    ),
    Code(
        code="WF446",
        slug="undo-never-runs",
        summary="an `undo` on the last step of its list",
        what="An undo runs when a later step of the same list fails. There is none.",
        why="It looks as if the step were taken back when the workflow fails further "
        "on, which is outside of its list.",
        wrong="- if: order_id > 0\n  then:\n"
        "    - sql: insert into shop.audit (what) values ('a')\n"
        "      undo: [{sql: delete from shop.audit where what = 'a'}]\n- fail: no",
        right="- sql: insert into shop.audit (what) values ('a')\n"
        "  undo: [{sql: delete from shop.audit where what = 'a'}]\n- fail: no",
    ),
    Code(
        code="WF447",
        slug="effects-never-once",
        summary="`effects: once` on a statement that no transaction can hold",
        what="PostgreSQL executes `VACUUM`, `CREATE INDEX CONCURRENTLY`, `CREATE "
        "DATABASE` and their like outside of any transaction.",
        why="The effects of a step happen once because a note of them commits in the "
        "same transaction. After a crash, such a statement may run again.",
        wrong="- sql: reindex index concurrently shop.orders_by_email\n  effects: once",
        right="- sql: reindex index concurrently shop.orders_by_email",
    ),
    Code(
        code="WF448",
        slug="retry-of-same-run",
        summary="a retry of a call would get the run that has failed",
        what="The workflow that is called has an `idempotency_key`, so the second "
        "attempt, with the same inputs, finds the run of the first one.",
        why="Each attempt would fail in the same way, at once.",
        wrong="- call: charge  # which has an idempotency_key\n  retry: 3",
        right="workflow: charge\nidempotency_key: order_id\n"
        "input: {order_id: bigint}\nsteps:\n  - http: POST https://pay.example.com\n"
        "    retry: 3",
    ),
    Code(
        code="WF620",
        slug="construct-on-target",
        summary="the target's runtime has nothing for a construct",
        what="A `break` or `continue` leads out of a `try` that has a `finally`: "
        "pg_durable has neither; Perdure rewrites a `return` there, and a failure. Or "
        "a statement that no function can execute, such as `CALL`, is to be handled "
        "when it fails, or to have its effects once.",
        why="The steps of `finally` would be passed over; the statement would fail.",
        wrong="target = 'pg_durable>=0.2.5'  # in perdure.toml\n\n"
        "- loop:\n    - try:\n        - break\n      finally: [...]",
        right="- loop:\n    - try:\n        - {name: n, sql: select true as over}\n"
        "      finally: [...]\n    - if: n.over\n      then: [break]",
    ),
)
