"""Requests of compiled workflows: what a worker is given, and what answers lead to."""

from __future__ import annotations

import base64
import json
from textwrap import dedent
from typing import Any

import pytest
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.property.runs import Bench


def deploy(bench: Bench, text: str) -> None:
    text = dedent(text)
    bench.deploy(text, text.split()[1])


def claimed(bench: Bench) -> dict[str, Any]:
    """Return the one request that is ready."""
    bench.work()
    cursor = bench.connection.cursor(row_factory=dict_row)
    rows = cursor.execute("select * from df.claim_http('test', 10)").fetchall()
    assert len(rows) == 1
    return rows[0]


def answer(bench: Bench, request: dict[str, Any], **response: Any) -> None:
    """Answer a request and do what follows."""
    status = response.get("status", 200)
    envelope = {
        "status": status,
        "ok": status < 300,
        "encoding": "text",
        "headers": {},
        "duration_ms": 1,
        "body": "",
        **response,
    }
    bench.connection.execute(
        "select df.finish_http(%s, %s, %s)",
        [request["request_id"], request["attempt"], Jsonb(envelope)],
    )
    bench.work()


def ended(bench: Bench, run: str) -> tuple[Any, ...]:
    return bench.one(
        "select status, error, sqlstate from df.instances where id = %s", [run]
    )


def test_bodies_of_all_kinds(workbench: Bench) -> None:
    deploy(
        workbench,
        """\
        workflow: bodies
        steps:
          - name: text
            sql: select 'a "b" & ü' as value, null::text as nothing
            expect: one
          - http: POST https://x.example/${secrets.path}?q=${text.value}
            headers: {X-Key: "k ${secrets.key}z"}
            json:
              plain: "${secrets.key}"
              mixed: "x ${text.value} ${secrets.key}"
              nothing: "${text.nothing}"
              list: [1, "${text.value}"]
          - http: POST https://x.example
            form: {grant type: "a b&c", value: "${text.value}"}
          - name: file
            http: GET https://x.example/file
          - http: PUT https://x.example
            multipart:
              note: "${text.value}"
              file: {from: file, filename: "${text.value}.bin", content_type: a/b}
        """,
    )
    run = workbench.start("bodies", {})
    first = claimed(workbench)
    names = {name: token for token, name in first["secrets"].items()}
    assert set(names) == {"path", "key"}
    assert (
        first["url"]
        == f"https://x.example/{names['path']}?q=a%20%22b%22%20%26%20%C3%BC"
    )
    assert first["headers"]["X-Key"] == f"k {names['key']}z"
    assert json.loads(first["body"]) == {
        "plain": names["key"],
        "mixed": f'x a "b" & ü {names["key"]}',
        "nothing": None,
        "list": [1, 'a "b" & ü'],
    }
    answer(workbench, first)
    second = claimed(workbench)
    assert second["body"] == "grant+type=a+b%26c&value=a%20%22b%22%20%26%20%C3%BC"
    assert second["headers"]["content-type"] == "application/x-www-form-urlencoded"
    assert second["secrets"] is None
    answer(workbench, second)
    content = bytes(range(256))
    encoded = base64.b64encode(content).decode()
    answer(workbench, claimed(workbench), body=encoded, encoding="base64")
    upload = claimed(workbench)
    note, file = upload["parts"]
    assert base64.b64decode(note["data_b64"]).decode() == 'a "b" & ü'
    assert base64.b64decode(file["data_b64"]) == content
    assert (file["filename"], file["content_type"]) == ('a "b" & ü.bin', "a/b")
    answer(workbench, upload)
    assert ended(workbench, run) == ("completed", None, None)


CUSTOMER = """\
workflow: customer
steps:
  - name: customer
    http: GET https://x.example
    expect_status: [2xx, 404]
    returns: {name: text, since: date?, tags: [text]}
  - let: {all: customer.json}
  - return: {ok: "${customer.ok}", name: "${customer.json.name}", all: "${all}"}
"""

NO_JSON = 'step "customer": the response '


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            {"body": '{"name": "Ada", "tags": ["a", 2], "more": 1}'},
            {
                "ok": True,
                "name": "Ada",
                "all": {"name": "Ada", "since": None, "tags": ["a", "2"]},
            },
        ),
        (
            {"status": 404, "body": '{"name": 5}'},
            {"ok": False, "name": None, "all": None},
        ),
        (
            {"status": 409, "body": "no"},
            ('step "customer": HTTP status 409, expected 2xx or 404', "PD024"),
        ),
        (
            {"body": '{"name": "Ada", "since": "soon", "tags": [null]}'},
            (
                'step "customer": json.since is "soon", expected date; '
                "json.tags[0] is missing or null",
                "PD025",
            ),
        ),
        ({"body": "null"}, ('step "customer": json is missing or null', "PD025")),
        ({"body": ""}, (f"{NO_JSON}is empty, JSON was expected", "PD025")),
        (
            {"body": "YQBi", "encoding": "base64"},
            (f"{NO_JSON}is no text, JSON was expected", "PD025"),
        ),
        (
            {"body": "<html>"},
            (
                f"{NO_JSON}is no JSON that PostgreSQL can keep: "
                "invalid input syntax for type json",
                "PD025",
            ),
        ),
        (
            {"body": '{"name": "A\\u0000da"}'},
            (
                f"{NO_JSON}is no JSON that PostgreSQL can keep: "
                "unsupported Unicode escape sequence",
                "PD025",
            ),
        ),
    ],
)
def test_a_response_has_the_declared_form(
    workbench: Bench, response: dict[str, Any], expected: Any
) -> None:
    present = workbench.one("select to_regproc('workflows.customer') is null")[0]
    if present:
        deploy(workbench, CUSTOMER)
    run = workbench.start("customer", {})
    answer(workbench, claimed(workbench), **response)
    status, *failure = ended(workbench, run)
    if isinstance(expected, dict):
        assert (status, failure) == ("completed", [None, None])
        found = workbench.one("select df.result(%s)::jsonb", [run])[0]
        assert found["rows"] == [{"result": expected}]
    else:
        assert (status, tuple(failure)) == ("failed", expected)
