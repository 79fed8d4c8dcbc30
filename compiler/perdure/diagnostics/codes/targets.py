"""6xx: targets."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF601",
        slug="break-out-of-retry",
        summary="a break leaves a group with retry on a target without retry",
        what="A group with `retry` holds a `break` or `continue` of a loop around it.",
        why="On pg_durable the attempts are a loop themselves, which the `break` would "
        "end instead.",
        wrong="target = 'pg_durable>=0.2.5'  # in perdure.toml\n\n"
        "- loop:\n    - do:\n        - name: n\n"
        "          sql: select count(*) as n from q\n"
        "        - if: n.n = 0\n          then: [break]\n      retry: 3",
        right="- loop:\n    - name: n\n      sql: select count(*) as n from q\n"
        "      retry: 3\n    - if: n.n = 0\n      then: [break]",
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
        summary="a continue cannot be expressed on the target",
        what="pg_durable can only leave a loop. Perdure rewrites `return` and "
        "`continue` in terms of that, except a `continue` in a branch of a `parallel` "
        "or a `race` that stands in the loop.",
        why="The branch cannot end the round of the other branches.",
        wrong="- loop:\n    - race:\n        done:\n          - wait_for_signal: done\n"
        "          - continue\n        late:\n          - sleep: 1d",
        right="- loop:\n    - name: outcome\n      race:\n        done:\n"
        "          - wait_for_signal: done\n        late:\n          - sleep: 1d\n"
        "    - if: outcome.winner = 'done'\n      then: [continue]",
    ),
    Code(
        code="WF604",
        slug="stale-parallel-result",
        summary="a result of a parallel in a loop would be a round old",
        what="A branch of a `parallel` inside a `loop`, a `foreach` or a block with "
        "`retry` binds a name that is read after the `parallel`, and is not the last "
        "branch.",
        why="pg_durable merges the branches' results in their order, and later "
        "branches still have the copies of the round, item or attempt before.",
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
    Code(
        code="WF630",
        slug="newer-version-of-target",
        summary="a step needs a later version of pg_durable than the target serves",
        what="The version in `target` is the oldest one that has to be served, and the "
        "step needs something that came later: loops, and waits that are made of "
        "loops, 0.2.5; requests in parts 0.2.5; schedules 0.2.4.",
        why="On the older version it would mean something else, or fail when the run "
        "gets there.",
        wrong="target = 'pg_durable>=0.2.3'  # in perdure.toml\n\n"
        "- wait_for_signal: approval\n  timeout: 1d",
        right="target = 'pg_durable>=0.2.5'  # in perdure.toml\n\n"
        "- wait_for_signal: approval\n  timeout: 1d",
    ),
    Code(
        code="WF631",
        slug="slow-on-target",
        summary="a step would be slow on the target",
        what="The step takes a second or more for each row or round on the target, "
        "whatever is in it.",
        why="On pg_durable a round of a loop takes a second at least: 10,000 rows are "
        "three hours, where one statement is a second.",
        wrong="# target = 'pg_durable>=0.2.5'\n- foreach: o in orders\n  do:\n"
        "    - sql: update shop.orders set status = 'seen' where id = :o.id",
        right="- sql: >-\n    update shop.orders set status = 'seen'\n"
        "    where id in (select id from :orders.* o)",
    ),
)
