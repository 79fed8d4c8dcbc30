"""Workflow files to syntax trees: every construct, and the places in them."""

from __future__ import annotations

from typing import Any

import pytest

from perdure.dump import to_data
from perdure.source import Source
from perdure.syntax.expr import Binary, Literal, Ref
from perdure.syntax.tree import (
    AssertStep,
    BreakStep,
    Constant,
    ContinueStep,
    Duration,
    FailStep,
    HttpStep,
    IfStep,
    LetStep,
    Listing,
    ListType,
    LoopStep,
    Mapping,
    ParallelStep,
    RaceStep,
    ReturnStep,
    ShapeType,
    SleepStep,
    SqlStep,
    Template,
    WaitForSignalStep,
)
from perdure.syntax.walk import walk
from tests.unit.yaml.reading import read_one, read_steps, read_text, workflow

ORDER_APPROVAL = """\
# workflows/order_approval.yaml
workflow: order_approval
description: Hold large orders until someone approves them.

input:
  order_id: bigint
  threshold: numeric = 1000

steps:
  - name: order
    sql: select id, total, email from shop.orders where id = :order_id
    expect: one

  - if: order.total > threshold
    then:
      - name: approval
        wait_for_signal: approval
        payload: {approved: boolean, approver: text, note: text?}
        timeout: 1d
      - if: approval.timed_out or not approval.data.approved
        then:
          - sql: update shop.orders set status = 'rejected' where id = :order.id
          - return: {status: rejected}

  - parallel:
      reserve:
        - sql: update shop.stock set reserved = reserved + 1 where order_id = :order.id
      notify:
        - http: POST https://hooks.example.com/orders
          json: {text: "Order ${order.id} for ${order.email}"}
          retry: {max_attempts: 5, backoff: 1s}

  - sql: update shop.orders set status = 'approved' where id = :order.id
  - return: {status: approved}
"""


def test_the_example_of_the_design() -> None:
    tree, found = read_text(ORDER_APPROVAL)
    assert found == []
    assert tree is not None
    assert tree.name.text == "order_approval"
    assert tree.description == "Hold large orders until someone approves them."
    assert [(each.name.text, each.type.name) for each in tree.inputs] == [
        ("order_id", "bigint"),
        ("threshold", "numeric"),
    ]
    assert tree.inputs[1].default == Literal("number", "1000", tree.name.span)
    assert [type(step) for step in walk(tree)] == [
        SqlStep,
        IfStep,
        WaitForSignalStep,
        IfStep,
        SqlStep,
        ReturnStep,
        ParallelStep,
        SqlStep,
        HttpStep,
        SqlStep,
        ReturnStep,
    ]


@pytest.mark.parametrize("change", ["\r\n", "\ufeff", "#", "quotes"])
def test_how_a_file_is_written_does_not_change_its_tree(change: str) -> None:
    text = ORDER_APPROVAL
    if change == "\r\n":
        text = text.replace("\n", "\r\n")
    elif change == "\ufeff":
        text = "\ufeff" + text
    elif change == "#":
        text = text.replace("\n", "  # a comment\n")
    else:
        text = text.replace(
            "if: order.total > threshold", 'if: "order.total > threshold"'
        )
    tree, found = read_text(text)
    assert found == []
    assert to_data(tree) == to_data(read_text(ORDER_APPROVAL)[0])


# --- steps ----------------------------------------------------------------------


def test_sql() -> None:
    step = read_one("- name: n\n  sql: select 1 as x\n  expect: one\n  retry: 5")
    assert isinstance(step, SqlStep)
    assert step.head.name is not None
    assert step.head.name.text == "n"
    assert step.sql.text.value == "select 1 as x"
    assert step.expect == "one"
    assert step.retry is not None
    assert step.retry.max_attempts == 5


def test_sql_file() -> None:
    text = "\n-- a comment\nselect :id as x;\n"
    step = read_one("- sql_file: x.sql", {"x.sql": text})
    assert isinstance(step, SqlStep)
    assert step.sql.text.value == text
    span = step.sql.refs[0].span
    assert span.path == "workflows/x.sql"
    assert text[span.start : span.end] == ":id"


def test_retry() -> None:
    step = read_one(
        "- sql: select 1 as x\n"
        "  retry: {max_attempts: 5, backoff: 1s, factor: 1.5, max_backoff: 1m,"
        " jitter: false, on: [08, 40P01, 503, transport]}"
    )
    assert isinstance(step, SqlStep)
    retry = step.retry
    assert retry is not None
    assert (retry.max_attempts, retry.factor, retry.jitter) == (5, 1.5, False)
    assert retry.backoff == Duration(1000, retry.span)
    assert retry.max_backoff == Duration(60_000, retry.span)
    assert [each.text for each in retry.on or ()] == ["08", "40P01", "503", "transport"]


def test_retry_without_keys_is_all_defaults() -> None:
    step = read_one("- sql: select 1 as x\n  retry: {}")
    assert isinstance(step, SqlStep)
    assert step.retry is not None
    assert (step.retry.max_attempts, step.retry.backoff, step.retry.on) == (
        3,
        None,
        None,
    )


def test_http() -> None:
    step = read_one(
        "- http: PUT ${base}/orders?q=a b\n"
        "  headers: {X-Id: '${id}', Accept: 1}\n"
        "  body: <${id}>\n"
        "  timeout: 10s\n"
    )
    assert isinstance(step, HttpStep)
    assert step.method.text == "PUT"
    assert isinstance(step.url.parts[0], Ref)
    assert [name.text for name, _ in step.headers] == ["X-Id", "Accept"]
    assert step.json is None
    assert step.body is not None
    assert len(step.body.parts) == 3
    assert step.timeout == Duration(10_000, step.head.span)


@pytest.mark.parametrize("written", ["GET   https://a", ">\n    GET\n    https://a\n"])
def test_white_space_between_method_and_url(written: str) -> None:
    step = read_one(f"- http: {written}")
    assert isinstance(step, HttpStep)
    (url,) = step.url.parts
    assert getattr(url, "value", None) == "https://a"


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("5m", Duration),
        ("1m30s", Duration),
        ("interval '1 day' * 2", Binary),
        ("d", Ref),
    ],
)
def test_sleep(written: str, kind: type) -> None:
    step = read_one(f"- sleep: {written}")
    assert isinstance(step, SleepStep)
    assert isinstance(step.duration, kind)


def test_objects_and_lists_may_be_null() -> None:
    step = read_one(
        "- wait_for_signal: go\n  payload: {a: [{b: int}, null], c: [[int], null]}"
    )
    assert isinstance(step, WaitForSignalStep)
    assert isinstance(step.payload, ShapeType)
    found = [(name.text, type(of), of.nullable) for name, of in step.payload.fields]
    assert found == [("a", ShapeType, True), ("c", ListType, True)]


def test_wait_for_signal() -> None:
    step = read_one("- wait_for_signal: go\n  payload: {a: 'text?', b: [{c: 'int[]'}]}")
    assert isinstance(step, WaitForSignalStep)
    assert step.signal.text == "go"
    assert to_data(step.payload)["fields"] == [
        [_name("a"), _type("text", nullable=True)],
        [
            _name("b"),
            {
                "is": "ListType",
                "item": {
                    "is": "ShapeType",
                    "fields": [[_name("c"), _type("int[]")]],
                    "nullable": False,
                },
                "nullable": False,
            },
        ],
    ]


def _name(text: str) -> dict[str, Any]:
    return {"is": "Name", "text": text}


def _type(name: str, *, nullable: bool = False) -> dict[str, Any]:
    return {"is": "NamedType", "name": name, "nullable": nullable}


def test_let() -> None:
    step = read_one("- let: {a: 1, b: a + 1}")
    assert isinstance(step, LetStep)
    assert [name.text for name, _ in step.bindings] == ["a", "b"]


def test_if() -> None:
    step = read_one(
        "- if: a\n  then: [break]\n"
        "  elif:\n    - if: b\n      then: [continue]\n"
        "    - if: c\n      then: [return]\n"
        "  else: [{fail: x}]"
    )
    assert isinstance(step, IfStep)
    assert [type(arm.steps[0]) for arm in step.arms] == [
        BreakStep,
        ContinueStep,
        ReturnStep,
    ]
    assert step.otherwise is not None
    assert isinstance(step.otherwise[0], FailStep)


@pytest.mark.parametrize("kind", ["parallel", "race"])
def test_branches(kind: str) -> None:
    step = read_one(
        f"- {kind}:\n    a: [break]\n    b:\n      - sleep: 1s\n      - break"
    )
    assert isinstance(step, ParallelStep | RaceStep)
    assert [(each.name.text, len(each.steps)) for each in step.branches] == [
        ("a", 1),
        ("b", 2),
    ]


def test_loop() -> None:
    step = read_one("- loop: [break]\n  while: a\n  until: b\n  every: 250ms")
    assert isinstance(step, LoopStep)
    assert isinstance(step.while_, Ref)
    assert isinstance(step.until, Ref)
    assert step.every == Duration(250, step.head.span)


@pytest.mark.parametrize("form", ["- break", "- break:", "- {break: }"])
def test_break(form: str) -> None:
    assert isinstance(read_one(form), BreakStep)


def test_return_values() -> None:
    (step,) = read_steps(
        "- return: {a: 1, b: -1.5e3, c: true, d: null, e: , f: '1', g: yes, h: 007,"
        " i: [1, '${x}'], j: {}, k: [], l: ~, m: 1:30, n: on}"
    )
    assert isinstance(step, ReturnStep)
    assert isinstance(step.value, Mapping)
    read = {name.text: value for name, value in step.value.entries}
    constants = {k: v.text for k, v in read.items() if isinstance(v, Constant)}
    assert constants == {"a": "1", "b": "-1.5e3", "c": "true", "d": "null", "e": "null"}
    texts = {
        name: getattr(value.parts[0], "value", None)
        for name, value in read.items()
        if isinstance(value, Template)
    }
    assert texts == {
        "f": "1",
        "g": "yes",
        "h": "007",
        "l": "~",
        "m": "1:30",
        "n": "on",
    }
    assert isinstance(read["i"], Listing)
    assert read["j"] == Mapping((), step.head.span)
    assert read["k"] == Listing((), step.head.span)


@pytest.mark.parametrize("form", ["- return", "- return:", "- return: null"])
def test_return_of_nothing(form: str) -> None:
    step = read_one(form)
    assert isinstance(step, ReturnStep)
    assert step.value is None or step.value == Constant("null", step.head.span)


def test_assert() -> None:
    step = read_one("- assert: a > 1\n  message: a is ${a}")
    assert isinstance(step, AssertStep)
    assert step.message is not None
    assert len(step.message.parts) == 2


# --- workflow -------------------------------------------------------------------


def test_inputs() -> None:
    tree, found = read_text(
        "workflow: w\n"
        "input:\n"
        "  a: bigint\n"
        "  b: text?\n"
        "  c: numeric(10, 2)[]\n"
        "  d: text = 'a = b'\n"
        "  e: text | null=null\n"
        "steps: [return]\n"
    )
    assert found == []
    assert tree is not None
    assert [
        (each.name.text, each.type.name, each.type.nullable) for each in tree.inputs
    ] == [
        ("a", "bigint", False),
        ("b", "text", True),
        ("c", "numeric(10,2)[]", False),
        ("d", "text", False),
        ("e", "text", True),
    ]
    defaults = [getattr(each.default, "text", None) for each in tree.inputs]
    assert defaults == [None, None, None, "a = b", None]


def test_returns() -> None:
    tree, found = read_text("workflow: w\nreturns: {a: [text]}\nsteps: [return]\n")
    assert found == []
    assert tree is not None
    assert to_data(tree.returns)["fields"][0][0]["text"] == "a"


def test_words_that_yaml_reads_otherwise_are_text() -> None:
    tree, found = read_text("workflow: on\nsteps:\n  - name: no\n    sleep: y\n")
    assert found == []
    assert tree is not None
    assert tree.name.text == "on"
    assert tree.steps[0].head.name is not None
    assert tree.steps[0].head.name.text == "no"


# --- places ---------------------------------------------------------------------


def test_heads_know_their_places() -> None:
    text = workflow("- name: n\n  sql: |\n    select 1 as x\n\n\n- break")
    tree, _ = read_text(text)
    assert tree is not None
    sql, stop = (step.head for step in tree.steps)
    assert sql.name is not None
    assert text[sql.name.span.start : sql.name.span.end] == "n"
    assert text[sql.span.start : sql.span.end] == "sql"
    assert text[sql.whole.start : sql.whole.end].startswith("name: n\n    sql: |\n")
    assert text[sql.whole.start : sql.whole.end].endswith("select 1 as x\n")
    assert text[stop.span.start : stop.whole.end] == "break"


@pytest.mark.parametrize(
    "scalar",
    [
        "select 'é😀' as a, :order.id as b",
        "\"select '\\xe9\\n' as a, :order.id as b\"",
        "'select ''é😀'' as a, :order.id as b'",
        "select 'é😀' as a,\n    :order.id as b",
        "|\n      select 'é😀' as a,\n             :order.id as b\n",
        ">-\n      select 'é😀' as a,\n      :order.id as b\n",
        "|2-\n      select 'é😀' as a,\n        :order.id as b\n",
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_reference_is_found_in_every_style(scalar: str, line_end: str) -> None:
    text = workflow(f"- sql: {scalar}").replace("\n", line_end)
    tree, found = read_text(text)
    assert found == []
    assert tree is not None
    (step,) = tree.steps
    assert isinstance(step, SqlStep)
    (ref,) = step.sql.refs
    assert text[ref.span.start : ref.span.end] == ":order.id"
    assert [text[p.span.start : p.span.end] for p in ref.parts] == ["order", "id"]
    line, column = Source("f", text).position(ref.span.start)
    assert text.split("\n")[line - 1][column - 1 :].startswith(":order.id")


def test_the_place_of_an_expression_in_a_template() -> None:
    text = workflow('- fail: "caf\\u00e9 ${a} and ${order.idd + 1}"')
    tree, _ = read_text(text)
    assert tree is not None
    (step,) = tree.steps
    assert isinstance(step, FailStep)
    assert step.message is not None
    sum_ = step.message.parts[3]
    assert isinstance(sum_, Binary)
    span = sum_.left.span
    assert text[span.start : span.end] == "order.idd"
