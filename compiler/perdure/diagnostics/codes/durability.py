"""4xx: durability and effects."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF401",
        slug="unreachable-step",
        summary="a step is never reached",
        what="Every path ends before the step, with `return`, `fail`, `break` or "
        "`continue`, or in a loop that nothing ends.",
        why="It looks as if the step did something.",
        wrong="- return: done\n- sql: delete from shop.audit where id = 1",
        right="- sql: delete from shop.audit where id = 1\n- return: done",
    ),
    Code(
        code="WF402",
        slug="endless-loop",
        summary="a loop cannot end and never waits",
        what="The loop has no `while` and no `until`, there is no `break`, `return` or "
        "`fail` in it, and nothing in it waits.",
        why="It runs as fast as the database can, for ever. A loop without an end "
        "that waits is a service, and is fine.",
        wrong="- loop:\n    - sql: insert into shop.audit (what) values ('alive')",
        right="- loop:\n    - sql: insert into shop.audit (what) values ('alive')\n"
        "  every: 5m",
    ),
    Code(
        code="WF403",
        slug="spinning-loop",
        summary="a loop polls without a pause",
        what="All that the loop does is to read, until what it reads changes, and it "
        "does not wait in between.",
        why="It asks the same question thousands of times a second.",
        wrong="- loop:\n    - name: n\n"
        "      sql: select count(*) as left from shop.audit\n"
        "  until: n.left = 0",
        right="- loop:\n    - name: n\n"
        "      sql: select count(*) as left from shop.audit\n"
        "  until: n.left = 0\n  every: 10s",
    ),
    Code(
        code="WF404",
        slug="fixed-condition",
        summary="no round of a loop changes its condition",
        what="`while` or `until` reads only what is bound outside of the loop, and "
        "there is no other way out.",
        why="The loop ends after the first round, or never.",
        wrong="- {name: n, sql: select count(*) as left from shop.audit}\n"
        "- loop:\n    - sql: delete from shop.audit where id = 1\n"
        "  while: n.left > 0",
        right="- loop:\n    - sql: delete from shop.audit where id = 1\n"
        "    - {name: n, sql: select count(*) as left from shop.audit}\n"
        "  until: n.left = 0",
    ),
    Code(
        code="WF405",
        slug="decided-condition",
        summary="a condition is decided before the workflow runs",
        what="The condition of an `if`, a `when` or an `assert`, or the value "
        "of a `switch`, is made of constants and of `let` values that are "
        "constants.",
        why="One way is never taken: its steps are left out of what is deployed. Often "
        "that is a comparison that was meant to read something.",
        wrong="- let: {debug: false}\n- if: debug\n  then:\n"
        "    - sql: insert into shop.audit (what) values ('debugging')",
        right="input:\n  debug: boolean = false\n\nsteps:\n  - if: debug\n    then:\n"
        "      - sql: insert into shop.audit (what) values ('debugging')",
    ),
    Code(
        code="WF411",
        slug="missing-where",
        summary="`update` or `delete` without `where`",
        what="The statement changes every row of the table.",
        why="A forgotten `where` cannot be undone.",
        wrong="- sql: delete from shop.stock",
        right="- sql: delete from shop.stock where order_id = :order.id",
    ),
    Code(
        code="WF412",
        slug="captured-star",
        summary="a named step selects `*`",
        what="The result of the step has all columns that the table happens to have.",
        why="They are stored with every run, and a column that is added later "
        "changes the workflow.",
        wrong="- name: order\n  sql: select * from shop.orders where id = :id",
        right="- name: order\n  sql: select id, total from shop.orders where id = :id",
    ),
    Code(
        code="WF421",
        slug="endless-wait",
        summary="a wait for a signal has no timeout",
        what="Nothing bounds the wait: it has no `timeout`, and no other branch of a "
        "`race` around it ends by itself.",
        why="A signal that is never sent leaves the run waiting for ever.",
        wrong="- {name: approval, wait_for_signal: approval}",
        right="- {name: approval, wait_for_signal: approval, timeout: 3d}\n"
        "- if: approval.timed_out\n  then: [{fail: nobody answered}]",
    ),
    Code(
        code="WF422",
        slug="unchecked-timeout",
        summary="the data of a signal is read, its `timed_out` is not",
        what="The wait has a timeout, and on some path to here no condition has read "
        "`timed_out`.",
        why="After a timeout there is no data: every member is null.",
        wrong="- name: approval\n  wait_for_signal: approval\n"
        "  payload: {approved: boolean}\n  timeout: 1d\n"
        "- if: approval.data.approved",
        right="- name: approval\n  wait_for_signal: approval\n"
        "  payload: {approved: boolean}\n  timeout: 1d\n"
        "- if: approval.timed_out or not approval.data.approved",
    ),
    Code(
        code="WF431",
        slug="unusable-url",
        summary="a URL is none of HTTP's",
        what="The URL of a request has no scheme, another one than `http` or `https`, "
        "or no host. Or a name or a password stands before its host.",
        why="The request could never be sent; the step would fail in every run. A "
        "password would stand in the database for everybody to read.",
        wrong="- http: GET ftp://example.com/orders.csv",
        right="- http: GET https://example.com/orders.csv",
    ),
    Code(
        code="WF432",
        slug="refused-address",
        summary="the worker refuses requests to an address",
        what="The URL names `localhost`, or an address that is private, loopback or "
        "link-local, and `http.allow` in the configuration does not name it.",
        why="A request to the inside of the worker's network lends the worker's place "
        "there to whoever wrote the workflow. So it is refused, unless an operator "
        "allows the host.",
        wrong="- http: GET http://127.0.0.1:8080/orders",
        right='[http]\nallow = ["127.0.0.1:8080"]  # in perdure.toml',
    ),
)
