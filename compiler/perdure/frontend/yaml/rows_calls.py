"""Rows of the language's table: other workflows, and how runs are started and bounded.

They stand apart from `language` only for their number.
"""

from __future__ import annotations

from perdure.frontend.yaml.rows import (
    EFFECTS_KEY,
    RETRY_KEY,
    TIMEOUT_KEY,
    UNDO_KEY,
)
from perdure.frontend.yaml.table import Key, Kind, StepKind

OVERLAPS = ("skip", "queue", "allow")

_CALLED = """\
workflow: ship_order
input: {order_id: bigint, note: text = 'by parcel'}
steps:
  - name: hurry
    wait_for_signal: hurry
    payload: {by: date}
    timeout: 1d
  - sql: insert into shop.audit (what) values ('shipped ' || :order_id || :note)
  - return: {late: "${hurry.timed_out}"}
"""

_WITH = Key("with", Kind.ARGUMENTS, "Values for its inputs.")

CALLS: tuple[StepKind, ...] = (
    StepKind(
        (
            Key("call", Kind.NAME, "The name of the workflow.", required=True),
            _WITH,
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Run another workflow and wait for it. What it returns is the step's result; "
        "its failure is the step's.",
        """\
- name: shipped
  call: ship_order
  with: {order_id: "${order_id}", note: by hand}
- assert: not shipped.late
""",
        files=(("ship_order.yaml", _CALLED),),
    ),
    StepKind(
        (
            Key("start", Kind.NAME, "The name of the workflow.", required=True),
            _WITH,
            Key(
                "key",
                Kind.TEMPLATE,
                "Starts of the workflow with an equal key give one run: the first.",
            ),
            EFFECTS_KEY,
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Start a run of another workflow and go on. The result has `run_id`.",
        """\
- name: shipment
  start: ship_order
  with: {order_id: "${order_id}"}
  key: order ${order_id}
""",
    ),
    StepKind(
        (
            Key("signal", Kind.NAME, "The name of the signal.", required=True),
            Key("to", Kind.TEMPLATE, "The id of the run.", required=True),
            Key("data", Kind.VALUE, "What the signal carries, as JSON."),
            EFFECTS_KEY,
            RETRY_KEY,
            TIMEOUT_KEY,
            UNDO_KEY,
        ),
        "Send a signal to a run. To a run that has ended it does nothing.",
        """\
- name: shipment
  start: ship_order
  with: {order_id: "${order_id}"}
- signal: hurry
  to: ${shipment.run_id}
  data: {by: "2030-01-01"}
""",
    ),
)

OPTIONS: tuple[Key, ...] = (
    Key(
        "schedule",
        Kind.CRON,
        "When runs start by themselves: minute, hour, day of the month, month, day of "
        "the week.",
    ),
    Key("timezone", Kind.ZONE, "The time zone of the schedule. Default UTC."),
    Key(
        "overlap",
        Kind.OVERLAP,
        "What a schedule does while its last run goes on: `skip` the start, `queue` "
        "it, or `allow` both. Default skip.",
    ),
    Key(
        "on_failure",
        Kind.STEPS,
        "Steps that run when the workflow fails, with the error as `err`. It still "
        "fails.",
    ),
    Key(
        "timeout",
        Kind.LIMIT,
        "How long a run may take from its start; longer is a failure.",
    ),
    Key(
        "idempotency_key",
        Kind.EXPRESSION,
        "An expression over the inputs; starts with an equal value give one run. Null "
        "is no key.",
    ),
    Key("concurrency", Kind.CONCURRENCY, "How many runs go on at a time."),
    Key(
        "role",
        Kind.IDENTIFIER,
        "The role that runs belong to and steps run as, whoever starts them. Default: "
        "who starts it.",
    ),
    Key(
        "database",
        Kind.IDENTIFIER,
        "The only database that the workflow may be installed in.",
    ),
    Key(
        "search_path",
        Kind.SCHEMAS,
        "The schemas in which steps find what they name. Default `public`.",
    ),
)

CONCURRENCY: tuple[Key, ...] = (
    Key("limit", Kind.COUNT, "How many. Later runs wait, in order.", required=True),
    Key(
        "key",
        Kind.EXPRESSION,
        "An expression over the inputs; the limit counts for each of its values.",
    ),
)

PART: tuple[Key, ...] = (
    Key("body", Kind.TEMPLATE, "The text of the part."),
    Key("from", Kind.NAME, "An earlier `http` step, whose body is the part's."),
    Key("filename", Kind.TEMPLATE, "The name of the file that the part is."),
    Key("content_type", Kind.TEXT, "Its media type."),
)

FORM_KEY = Key(
    "form", Kind.FORM, "Body of the request, sent as a form: a text for each field."
)
MULTIPART_KEY = Key(
    "multipart",
    Kind.PARTS,
    "Body of the request, sent in parts: text, or a mapping, for each.",
)
RETURNS_KEY = Key(
    "returns",
    Kind.TYPE,
    "The type of the JSON of a response that is ok; another form is a failure.",
)
STATUS_KEY = Key(
    "expect_status",
    Kind.STATUSES,
    "Statuses (`201`) or their classes (`2xx`); any other one is a failure.",
)

SHARED: tuple[Key, ...] = (
    Key("types", Kind.TYPES, "Types by name, for all workflows of the project."),
    Key("retries", Kind.RETRIES, "Retry policies by name."),
)
