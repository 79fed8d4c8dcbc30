"""Of several ranges: other workflows, a workflow's own keys, requests in full."""

from perdure.diagnostics.codes.model import Code

_SHIP = "input: {order_id: bigint}\nsteps:\n"

CODES: tuple[Code, ...] = (
    Code(
        code="WF132",
        slug="part-without-content",
        summary="a part of a request has no content, or two",
        what="A part of `multipart` has either `body`, its text, or `from`, an earlier "
        "response whose body it is.",
        why="Nobody could tell what is to be sent.",
        wrong="- http: POST https://example.com\n  multipart: {a: {filename: a.txt}}",
        right="- http: POST https://example.com\n"
        "  multipart: {a: {filename: a.txt, body: text}}",
    ),
    Code(
        code="WF133",
        slug="invalid-status",
        summary="expect_status has something that is no status, or is a failure anyway",
        what="`expect_status` takes statuses from 100 to 499 and their classes, such "
        "as `2xx`.",
        why="A status of 5xx is a failure of the server, which `retry` tries again and "
        "`try` catches.",
        wrong="- http: GET https://example.com\n  expect_status: [ok, 503]",
        right="- http: GET https://example.com\n  expect_status: [200, 404]",
    ),
    Code(
        code="WF134",
        slug="invalid-overlap",
        summary="a schedule knows no such way to overlap",
        what="`overlap` is `skip`, `queue` or `allow`.",
        why="It decides what happens when a tick comes while the last run goes on.",
        wrong="workflow: w\nschedule: 0 9 * * *\noverlap: wait",
        right="workflow: w\nschedule: 0 9 * * *\noverlap: queue",
    ),
    Code(
        code="WF135",
        slug="invalid-identifier",
        summary="PostgreSQL can have no such name",
        what="A name of a role, a database or a schema has 1 to 63 bytes.",
        why="PostgreSQL would cut it, and mean something else.",
        wrong="workflow: w\nrole: ''",
        right="workflow: w\nrole: app",
    ),
    Code(
        code="WF136",
        slug="key-without-schedule",
        summary="timezone or overlap without a schedule",
        what="`timezone` and `overlap` say how `schedule` is meant, and there is none.",
        why="They would look as if they did something.",
        wrong="workflow: w\ntimezone: Europe/Berlin",
        right="workflow: w\nschedule: 0 9 * * *\ntimezone: Europe/Berlin",
    ),
    Code(
        code="WF137",
        slug="unknown-shared-name",
        summary="the shared file defines no such retry policy",
        what="`retry` may name a policy of the file of shared definitions, and this "
        "name is not there.",
        why="The step would not be tried again as it was meant.",
        wrong="- sql: select 1 as x\n  retry: gentle # there is none",
        right="- sql: select 1 as x\n  retry: 5",
    ),
    Code(
        code="WF138",
        slug="shared-type-name",
        summary="a shared type has a name that it can't have",
        what="A shared type may not be named like a type of PostgreSQL, nor lead back "
        "to itself.",
        why="A reader of a workflow would take it for the other one; a type that "
        "contains itself has no end.",
        wrong="types:\n  text: {a: bigint}",
        right="types:\n  message: {a: bigint}",
    ),
    Code(
        code="WF139",
        slug="invalid-effects",
        summary="`effects` is not `once`",
        what="`effects` of a step has one value, `once`.",
        why="Without the key, effects happen once on target perdure, and at least "
        "once on pg_durable.",
        wrong="- sql: select 1 as x\n  effects: twice",
        right="- sql: select 1 as x\n  effects: once",
    ),
    Code(
        code="WF241",
        slug="unknown-workflow",
        summary="a step names a workflow that is not there",
        what="`call` and `start` name a workflow of the same project.",
        why="There would be nothing to run.",
        wrong="- call: ship_ordr",
        right="- call: ship_order",
    ),
    Code(
        code="WF242",
        slug="unknown-input",
        summary="a value is given for an input that the workflow does not have",
        what="The names under `with` are those of the inputs of the workflow.",
        why="The value would be lost, and most likely another input has none.",
        wrong="- call: ship_order\n  with: {order: 1}",
        right="- call: ship_order\n  with: {order_id: 1}",
    ),
    Code(
        code="WF243",
        slug="missing-input",
        summary="an input of a workflow is given no value",
        what="An input without a default that may not be null needs a value.",
        why="The run could not be started.",
        wrong="- call: ship_order",
        right="- call: ship_order\n  with: {order_id: 1}",
    ),
    Code(
        code="WF244",
        slug="input-type",
        summary="a value does not fit the input that it is for",
        what="A value has the type of the input, up to a number for a number and a "
        "text for a text; constant text may be anything that PostgreSQL reads so.",
        why="A cast that nobody sees may lose something.",
        wrong='- call: ship_order\n  with: {order_id: "${order.email}"}',
        right='- call: ship_order\n  with: {order_id: "${order.id}"}',
    ),
    Code(
        code="WF245",
        slug="endless-call",
        summary="a workflow calls itself, directly or not, in every run",
        what="The call happens in every run, and so does the one that comes back.",
        why="No run would ever end: each waits for one more.",
        wrong="workflow: again\nsteps:\n  - call: again",
        right="workflow: again\ninput: {n: integer}\nsteps:\n"
        '  - if: n > 0\n    then:\n      - {call: again, with: {n: "${n - 1}"}}',
    ),
    Code(
        code="WF246",
        slug="signal-never-taken",
        summary="a signal is sent to a workflow that never waits for it",
        what="The run belongs to a workflow in which no step waits for a signal of "
        "that name.",
        why="The signal would be kept for a wait that never comes.",
        wrong="- {name: run, start: ship_order, with: {order_id: 1}}\n"
        '- {signal: hury, to: "${run.run_id}"}',
        right="- {name: run, start: ship_order, with: {order_id: 1}}\n"
        '- {signal: hurry, to: "${run.run_id}"}',
    ),
    Code(
        code="WF247",
        slug="signal-data",
        summary="the data of a signal does not fit what the wait declares",
        what="The step that waits for the signal declares a `payload`, and the data "
        "that is sent has another form.",
        why="The wait would fail when it takes the signal.",
        wrong="- signal: approval\n  to: ${run.run_id}\n  data: {approved: maybe}",
        right="- signal: approval\n  to: ${run.run_id}\n  data: {approved: true}",
    ),
    Code(
        code="WF248",
        slug="misplaced-secret",
        summary="a secret is read outside of a request",
        what="`${secrets.name}` stands alone in the URL, the headers or the body of an "
        "`http` step, and nowhere else; no expression may be made of it.",
        why="Only the worker that sends the request knows the value. Anywhere else it "
        "would be stored in the database.",
        wrong="- sql: insert into shop.audit (what) values (:secrets.token)",
        right="- http: GET https://example.com\n"
        "  headers: {Authorization: 'Bearer ${secrets.token}'}",
    ),
    Code(
        code="WF249",
        slug="key-of-run",
        summary="a key reads the run that it is to decide about",
        what="`idempotency_key` and the key of `concurrency` are computed from the "
        "inputs when a run is about to be started.",
        why="There is no run yet.",
        wrong="workflow: w\nidempotency_key: run.id\n" + _SHIP,
        right="workflow: w\nidempotency_key: order_id\n" + _SHIP,
    ),
    Code(
        code="WF250",
        slug="schedule-without-input",
        summary="a scheduled workflow needs inputs",
        what="A schedule starts runs without inputs, so each input needs a default, or "
        "may be null.",
        why="No run could be started.",
        wrong="workflow: w\nschedule: 0 9 * * *\ninput: {days: integer}",
        right="workflow: w\nschedule: 0 9 * * *\ninput: {days: integer = 7}",
    ),
    Code(
        code="WF251",
        slug="unknown-schema",
        summary="a schema of the search path does not exist",
        what="PostgreSQL knows no schema of that name in the project's schema.",
        why="PostgreSQL itself passes over it, and finds another table or none.",
        wrong="workflow: w\nsearch_path: [shp, public]",
        right="workflow: w\nsearch_path: [shop, public]",
    ),
    Code(
        code="WF252",
        slug="return-on-failure",
        summary="on_failure returns",
        what="The steps of `on_failure` run when the workflow has failed, and it stays "
        "failed.",
        why="A `return` would say that it succeeded.",
        wrong="on_failure:\n  - return: {ok: false}",
        right="steps:\n  - try: [...]\n    catch: err\n"
        "    do:\n      - return: {ok: false}",
    ),
    Code(
        code="WF253",
        slug="contradicting-options",
        summary="a schedule and another key of the workflow contradict each other",
        what="`overlap: queue` means that one run goes on at a time, which "
        "`concurrency` says otherwise; and runs that a schedule starts all have the "
        "same `idempotency_key`, unless it is computed from the time.",
        why="Only one of the two could be kept.",
        wrong="schedule: 0 9 * * *\noverlap: queue\nconcurrency: 2",
        right="schedule: 0 9 * * *\noverlap: queue",
    ),
    Code(
        code="WF254",
        slug="part-of-no-response",
        summary="a part of a request is the body of something that is no response",
        what="`from` names an earlier `http` step.",
        why="Nothing else has a body that can be handed on as it came.",
        wrong="- {name: file, sql: select 1 as body}\n"
        "- http: POST https://example.com\n  multipart: {file: {from: file}}",
        right="- {name: file, http: GET https://example.com}\n"
        "- http: POST https://example.com\n  multipart: {file: {from: file}}",
    ),
    Code(
        code="WF255",
        slug="senseless-wait",
        summary="a wait that is over before it begins, or never ends",
        what="The time of a `sleep` or `sleep_until` is a constant: none or less than "
        "none, or infinite.",
        why="The step would do nothing, or hold the run for ever.",
        wrong="- sleep: interval '-1 day'",
        right="- sleep: 1d",
    ),
    Code(
        code="WF256",
        slug="unsteady-key",
        summary="a key is another one each time it is computed",
        what="`idempotency_key`, the key of `concurrency`, or the `key` of a `start` "
        "calls a volatile function, such as `random()` or `clock_timestamp()`.",
        why="Two starts that mean the same would never have the same key, so the key "
        "would do nothing.",
        wrong="workflow: w\nidempotency_key: gen_random_uuid()\n" + _SHIP,
        right="workflow: w\nidempotency_key: order_id\n" + _SHIP,
    ),
    Code(
        code="WF257",
        slug="no-run-id",
        summary="a signal is sent to what is the id of no run",
        what="`to` is a constant text, and not the eight hex digits of an id.",
        why="The step would fail in every run. Mostly a `${...}` is missing.",
        wrong="- {name: run, start: ship_order, with: {order_id: 1}}\n"
        "- {signal: hurry, to: run}",
        right="- {name: run, start: ship_order, with: {order_id: 1}}\n"
        '- {signal: hurry, to: "${run.run_id}"}',
    ),
    Code(
        code="WF611",
        slug="option-on-target",
        summary="the target does not have a key of the workflow",
        what="`role` and `search_path` of a workflow need the runtime of Perdure.",
        why="On pg_durable a run belongs to the role that is logged in, and its steps "
        "see that role's own search path.",
        wrong="workflow: w\nrole: clerk",
        right="workflow: w",
    ),
    Code(
        code="WF612",
        slug="secret-on-target",
        summary="the target cannot keep a secret",
        what="`${secrets.name}` needs a worker that puts the value in.",
        why="pg_durable would store it with the graph.",
        wrong="- http: GET https://example.com\n"
        "  headers: {Authorization: 'Bearer ${secrets.token}'}",
        right="- sql: select my_extension.call('https://example.com')",
    ),
)
