"""Values that look like code, references or variables, through every kind of step."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from psycopg import sql
from psycopg.types.json import Jsonb

from tests.property.runs import Bench, Inputs, Signal
from tests.unit.engine.http_server import Server, serving

FOLDER = Path(__file__).parent / "hostile"
HOSTILE = {
    "quotes": "it''s \"O'Neil\" '); drop table shop.audit; --",
    "backslashes": "\\ \\' \\\\ \\n \\u0041 \\x27 E'\\''",
    "reference": "$t $seen.x? $r1_seen.x $input.t ${t} :t :seen.x $1",
    "variable": "{t} {sys_instance_id} {sys_label} {}",
    "dollar": "$$ $sql$ $graph$ $do$ $source$ $map$ $_$",
    "comment": "-- x /* y */ \n; select 1",
    "lines": "one\ntwo\r\n\tthree\n",
    "unicode": "é ß 漢字 \U0001f600 \u2028 \ufeff \x01 \x7f",
    "json": '{"a": ["b", null]} "x" null 1e3',
    "format": "%s %% %I %1$L %",
    "blank": " ",
    "empty": "",
    "large": ("0123456789abcde'" * 65536)[: 1 << 20],
}


@pytest.fixture(scope="module")
def deployed(workbench: Bench) -> Bench:
    for path in sorted(FOLDER.glob("*.yaml")):
        workbench.deploy(path.read_text(encoding="utf-8"), path.stem)
    return workbench


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
def test_value_survives_every_step(deployed: Bench, value: str) -> None:
    doc = {"t": value, value[:100]: [value[:100], None, 1.5]}
    inputs = {
        "t": sql.Literal(value),
        "list": sql.SQL("{}::text[]").format(sql.Literal([value, None, "x"])),
        "doc": sql.SQL("{}::jsonb").format(sql.Literal(json.dumps(doc))),
    }
    payload = json.dumps({"t": value, "deep": {"list": [value]}})
    seen = deployed.run("everywhere", inputs, [Signal(0, "go", payload)])
    assert (seen.error, seen.status) == (None, "completed")
    (row,) = seen.result["rows"]
    assert row["result"] == {
        "t": value,
        "template": f"<{value}{value}>",
        "ok": True,
        "doubled": True,
        "doc": json.loads(json.dumps(doc)) | {value[:100]: [value[:100], None, 1.5]},
        "listed": [value, {"it's $t": value}],
    }
    assert seen.rows == ((value, doc), (value, None))


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "large"])
def test_message_of_a_failure(deployed: Bench, name: str) -> None:
    seen = deployed.run("failing", {"t": sql.Literal(HOSTILE[name])})
    assert (seen.status, seen.error) == ("failed", f"<{HOSTILE[name]}>")


@pytest.mark.parametrize("name", [name for name in HOSTILE if name != "large"])
def test_value_survives_a_request(deployed: Bench, server: Server, name: str) -> None:
    value = HOSTILE[name]
    header = value if value.isascii() and value.isprintable() else "(other)"
    inputs = {
        "base": sql.Literal(server.url("")),
        "t": sql.Literal(value),
        "n": sql.SQL("1.50::numeric"),
        "none": sql.SQL("null"),
        "header": sql.Literal(header),
    }
    run = started(deployed, "request", inputs)
    seen = deployed.seen(run)
    assert (seen.error, seen.status) == (None, "completed")
    (row,) = seen.result["rows"]
    result = row["result"]
    assert (result["status"], result["ok"], result["same"]) == (200, True, True)
    assert result["sent"] == {
        "text": value,
        "it's $t {t}": f"<{value}>",
        "number": 1.5,
        "list": [1, 2.5, True, None, None, {"deep": value}],
    }
    url = httpx.URL(server.url("") + result["path"])
    assert url.params["q"] == value
    assert url.params["n"] == "1.50"
    assert url.raw_path.count(b"/") == 2
    assert result["headers"]["x-kind"] == "it's \\ 1.50 $t {t}"
    assert result["headers"]["x-value"] == f"<{header}>"
    assert result["headers"]["content-type"] == "application/json"
    assert '"number": 1.50' in json.loads(json.dumps(server.seen[-1]))["body"]


def test_body_that_is_no_json(deployed: Bench, server: Server) -> None:
    inputs = {"base": sql.Literal(server.url("")), "t": sql.Literal("it's")}
    assert deployed.seen(started(deployed, "plain", inputs)).status == "completed"
    first, second = server.seen
    assert (first["method"], first["body"]) == ("PUT", "$t {t} it's ${t}\n")
    assert first["headers"]["content-type"] == "text/plain"
    assert json.loads(second["body"]) == {"constant": "$t {t} it's", "n": 1.5}
    assert '"n": 1.50' in second["body"]


def started(workbench: Bench, name: str, inputs: Inputs) -> str:
    """Start a run and drive it to its end, answering its requests."""
    workbench.set_time(0)
    run = workbench.start(name, inputs)
    workbench.drive(run)
    while answered(workbench):
        workbench.drive(run)
    return run


def answered(workbench: Bench) -> bool:
    """Do the requests that are due as the worker would; say whether there were any."""
    claims = workbench.connection.execute(
        "select request_id, attempt, method, url, headers, body"
        " from df.claim_http('the test', 10)"
    ).fetchall()
    for request, attempt, method, url, headers, body in claims:
        got = httpx.request(method, url, headers=headers, content=body)
        answer: dict[str, Any] = {
            "status": got.status_code,
            "body": got.text,
            "encoding": "text",
            "headers": dict(got.headers),
            "ok": got.is_success,
            "duration_ms": 1,
        }
        workbench.connection.execute(
            "select df.finish_http(%s, %s, %s)", [request, attempt, Jsonb(answer)]
        )
    return bool(claims)
