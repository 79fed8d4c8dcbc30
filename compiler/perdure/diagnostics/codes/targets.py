"""6xx: targets."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF601",
        slug="retry-on-target",
        summary="the target has no retry",
        what="A step has `retry`, and the target's runtime cannot try a step again.",
        why="On pg_durable one error ends the run, and nothing in a graph can catch "
        "it. Leaving the retry out silently would be another workflow.",
        wrong="target = 'pg_durable>=0.2.5'  # in perdure.toml\n\n"
        "- http: POST https://hooks.example.com/orders\n  retry: 5",
        right="target = 'perdure'  # in perdure.toml\n\n"
        "- http: POST https://hooks.example.com/orders\n  retry: 5",
    ),
    Code(
        code="WF602",
        slug="part-of-a-second",
        summary="a time is not whole seconds, and the target takes no other",
        what="The timeout of a request is whole seconds everywhere; on pg_durable a "
        "sleep and the pace of a loop are, too.",
        why="A rounded time would be another one than was asked for.",
        wrong="- http: GET https://example.com\n  timeout: 500ms",
        right="- http: GET https://example.com\n  timeout: 1s",
    ),
    Code(
        code="WF603",
        slug="exit-on-target",
        summary="a return or continue cannot be expressed on the target",
        what="pg_durable can only leave a loop. Perdure rewrites `return` and "
        "`continue` in terms of that, except a return in a branch of a race, and a "
        "continue after which two ways go on.",
        why="What follows would have to be copied into every way, or a branch that "
        "lost the race could decide the result.",
        wrong="- race:\n    paid:\n      - wait_for_signal: paid\n"
        "      - return: paid\n"
        "    expired:\n      - sleep: 1d",
        right="- name: outcome\n  race:\n    paid:\n      - wait_for_signal: paid\n"
        "    expired:\n      - sleep: 1d\n- if: outcome.winner = 'paid'\n  then:\n"
        "    - return: paid",
    ),
    Code(
        code="WF604",
        slug="stale-parallel-result",
        summary="a result of a parallel in a loop would be a round old",
        what="A branch of a `parallel` inside a `loop` binds a name that is read after "
        "the `parallel`.",
        why="pg_durable merges the branches' results in their order, and later "
        "branches still have the previous round's copies.",
        wrong="- loop:\n    - parallel:\n        a:\n          - name: x\n"
        "            sql: select count(*) as n from shop.orders\n        b:\n"
        "          - sleep: 1s\n    - if: x.n > 3\n      then: [break]",
        right="- loop:\n    - parallel:\n        a:\n          - sql: select 1\n"
        "        b:\n          - sleep: 1s\n    - name: x\n"
        "      sql: select count(*) as n from shop.orders\n"
        "    - if: x.n > 3\n      then: [break]",
    ),
    Code(
        code="WF605",
        slug="merge-row-count",
        summary="the rows affected by a merge are read",
        what="`rows_affected` of a `merge` is read, or expected.",
        why="Counting needs RETURNING, which `merge` has from PostgreSQL 17 on only; "
        "the migration would fail on older servers when the step runs.",
        wrong="- name: m\n  sql: merge into shop.stock ...\n"
        "- assert: m.rows_affected > 0",
        right="- name: m\n  sql: >-\n"
        "    with m as (merge into shop.stock ... returning 1)\n"
        "    select count(*) as n from m\n- assert: m.n > 0",
    ),
    Code(
        code="WF606",
        slug="utility-result",
        summary="the result of a statement that is no query is read",
        what="A statement such as `show`, `call` or `explain` is read as a row set, "
        "with `expect`, or with a column whose type or name must be converted.",
        why="What is kept of a result is chosen by putting the statement into a WITH "
        "list, where only queries may stand.",
        wrong="- name: path\n  sql: show search_path\n  expect: one",
        right="- name: path\n  sql: select current_setting('search_path') as value",
    ),
    Code(
        code="WF607",
        slug="graph-too-large",
        summary="the workflow exceeds a limit of the target",
        what="The graph has more nodes, or nests deeper, than the runtime takes. Long "
        "chains are already balanced, so their length is not their depth.",
        why="The runtime would refuse to start it.",
        wrong="# 10,001 steps for pg_durable",
        right="# two workflows",
    ),
    Code(
        code="WF608",
        slug="method-on-target",
        summary="the target has no request of that method",
        what="pg_durable sends GET, POST, PUT, PATCH and DELETE.",
        why="It refuses any other method when the run is started.",
        wrong="- name: page\n  http: HEAD https://example.com/file",
        right="- name: page\n  http: GET https://example.com/file",
    ),
)
