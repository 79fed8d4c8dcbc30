"""Requests of the worker against a real server on the loopback interface."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from perdure.engine.guard import guard
from perdure.engine.http_client import Failure, HttpClient, Request, Response
from perdure.engine.http_multipart import Part
from tests.unit.engine.http_server import Server, serving


@pytest.fixture
def server() -> Iterator[Server]:
    with serving() as started:
        yield started


def send(
    server: Server | None,
    url: str,
    *,
    method: str = "GET",
    headers: dict[str, str] | None = None,
    body: str | None = None,
    timeout: float = 10,
    max_bytes: int = 1000,
    allow: tuple[str, ...] = (),
    parts: tuple[Part, ...] = (),
) -> Response | Failure:
    async def run() -> Response | Failure:
        allowed = (*allow, server.place) if server else allow
        client = HttpClient(guard(allowed), max_bytes=max_bytes)
        try:
            request = Request(method, url, headers or {}, body, timeout, "key-1", parts)
            return await client.send(request)
        finally:
            await client.aclose()

    return asyncio.run(run())


def answered(outcome: Response | Failure) -> Response:
    assert isinstance(outcome, Response), outcome
    return outcome


def failed(outcome: Response | Failure) -> tuple[str, str]:
    assert isinstance(outcome, Failure), outcome
    return outcome.kind, outcome.message


def echo(outcome: Response | Failure) -> dict[str, Any]:
    seen: dict[str, Any] = json.loads(answered(outcome).body)
    return seen


def test_request_carries_method_headers_body_and_key(server: Server) -> None:
    outcome = send(
        server,
        server.url("/echo?a=b%20c"),
        method="post",
        headers={"Content-Type": "application/json", "X-Order": "ü"},
        body='{"text": "Grüße"}',
    )
    seen = echo(outcome)
    assert seen["method"] == "POST"
    assert seen["path"] == "/echo?a=b%20c"
    assert seen["body"] == '{"text": "Grüße"}'
    assert seen["headers"]["idempotency-key"] == "key-1"
    assert seen["headers"]["content-type"] == "application/json"
    assert seen["headers"]["host"] == server.place
    assert seen["headers"]["user-agent"].startswith("perdure/")


def test_envelope_has_the_fields_of_df_http(server: Server) -> None:
    envelope = answered(send(server, server.url("/status?code=404"))).envelope()
    assert set(envelope) == {
        "status",
        "body",
        "encoding",
        "headers",
        "ok",
        "duration_ms",
    }
    assert (envelope["status"], envelope["ok"]) == (404, False)
    assert envelope["body"] == "so be it"


def test_server_error_is_an_answer(server: Server) -> None:
    assert answered(send(server, server.url("/status?code=503"))).status == 503


def test_own_idempotency_key_of_a_workflow_wins(server: Server) -> None:
    outcome = send(server, server.url("/echo"), headers={"Idempotency-Key": "mine"})
    assert echo(outcome)["headers"]["idempotency-key"] == "mine"


def test_parts_make_a_multipart_body(server: Server) -> None:
    seen = echo(
        send(
            server,
            server.url("/echo"),
            method="PUT",
            headers={"Content-Type": "text/plain", "X-A": "b"},
            parts=(Part("f", "AP8=", "x.bin", "image/png"), Part("note", "aGk=")),
        )
    )
    kind, _, boundary = seen["headers"]["content-type"].partition("; boundary=")
    assert (seen["method"], kind, seen["headers"]["x-a"]) == (
        "PUT",
        "multipart/form-data",
        "b",
    )
    assert (
        seen["body"].encode(errors="surrogateescape")
        == (
            f"--{boundary}\r\n"
            'content-disposition: form-data; name="f"; filename="x.bin"\r\n'
            "content-type: image/png\r\n\r\n"
        ).encode()
        + b"\0\xff"
        + (
            f"\r\n--{boundary}\r\n"
            'content-disposition: form-data; name="note"\r\n\r\n'
            f"hi\r\n--{boundary}--\r\n"
        ).encode()
    )


def test_a_multipart_body_obeys_the_limit_and_the_guard(server: Server) -> None:
    small, large = Part("f", "AA=="), Part("f", "A" * 4000)
    kind, message = failed(
        send(server, server.url("/echo"), method="POST", parts=(large,))
    )
    assert kind == "too_large"
    assert "1000 bytes" in message
    kind, message = failed(
        send(server, server.url("/echo"), method="POST", parts=(Part("f", "$x"),))
    )
    assert (kind, server.seen) == ("invalid", [])
    assert "base64" in message
    kind, _ = failed(send(None, server.url("/echo"), method="POST", parts=(small,)))
    assert (kind, server.seen) == ("refused", [])


@pytest.mark.parametrize(
    ("content", "kind", "encoding", "body"),
    [
        ("Grüße".encode(), "text/plain; charset=utf-8", "text", "Grüße"),
        ("Grüße".encode("latin-1"), "text/plain; charset=latin-1", "text", "Grüße"),
        (b'{"a": 1}', "application/problem+json", "text", '{"a": 1}'),
        (b"plain", "", "text", "plain"),
        (b"a\0b", "text/plain", "base64", None),
        (b"\xff\xfe", "text/plain", "base64", None),
        (b"plain", "image/png", "base64", None),
        (b"x", "text/plain; charset=nonsense", "base64", None),
    ],
)
def test_body_as_text_or_base64(
    server: Server, content: bytes, kind: str, encoding: str, body: str | None
) -> None:
    query = urlencode({"hex": content.hex(), "kind": kind})
    answer = answered(send(server, server.url(f"/bytes?{query}")))
    assert answer.encoding == encoding
    if body is None:
        assert base64.b64decode(answer.body) == content
    else:
        assert answer.body == body


def test_response_up_to_the_limit_is_read(server: Server) -> None:
    assert len(answered(send(server, server.url("/big?bytes=1000"))).body) == 1000


@pytest.mark.parametrize("path", ["/big?bytes=1001", "/bomb?bytes=5000000"])
def test_response_beyond_the_limit_is_refused(server: Server, path: str) -> None:
    kind, message = failed(send(server, server.url(path)))
    assert kind == "too_large"
    assert "1000 bytes" in message


@pytest.mark.parametrize("path", ["/slow?seconds=3", "/trickle"])
def test_deadline_holds_for_the_whole_request(server: Server, path: str) -> None:
    started = time.monotonic()
    outcome = send(server, server.url(path), timeout=0.4, max_bytes=10**9)
    assert failed(outcome) == ("transport", "no answer within 0.4 s")
    assert time.monotonic() - started < 2


def test_connection_closed_without_answer(server: Server) -> None:
    kind, message = failed(send(server, server.url("/hangup")))
    assert kind == "transport"
    assert "disconnected" in message


def test_port_that_nobody_listens_on() -> None:
    outcome = send(None, "http://127.0.0.1:1/", allow=("127.0.0.1:1",))
    assert failed(outcome) == (
        "transport",
        "cannot connect to 127.0.0.1:1: Connection refused",
    )


def test_port_out_of_range_is_an_answer() -> None:
    assert isinstance(send(None, "http://127.0.0.1:99999/"), Failure)


def test_host_that_does_not_exist() -> None:
    kind, message = failed(send(None, "http://nothing.invalid/"))
    assert kind == "transport"
    assert message.startswith("cannot resolve nothing.invalid: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:9/",
        "http://localhost:9/",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "https://10.0.0.1/",
        "http://user:secret@127.0.0.1:9/",
    ],
)
def test_private_address_is_refused(url: str) -> None:
    assert failed(send(None, url, timeout=3))[0] == "refused"


def test_redirect_to_a_private_address_is_refused(server: Server) -> None:
    with serving() as other:
        url = server.url(f"/redirect?to={other.url('/echo')}")
        kind, message = failed(send(server, url))
    assert kind == "refused"
    assert other.place in message
    assert other.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "example.com",
        "",
        "http://",
        "/a",
        "http://xn--a/",
    ],
)
def test_only_http_urls_are_requested(url: str) -> None:
    assert failed(send(None, url))[0] == "invalid"


def test_redirect_to_another_scheme_is_refused(server: Server) -> None:
    outcome = send(server, server.url("/redirect?to=file:///etc/passwd"))
    assert failed(outcome)[0] == "invalid"


def test_endless_redirects_end(server: Server) -> None:
    assert failed(send(server, server.url("/loop")))[0] == "invalid"
    assert server.count["/loop"] == 11


@pytest.mark.parametrize(
    ("code", "method", "then", "body"),
    [
        (301, "POST", "GET", ""),
        (302, "POST", "GET", ""),
        (303, "PUT", "GET", ""),
        (307, "POST", "POST", "payload"),
        (308, "PUT", "PUT", "payload"),
        (302, "PUT", "PUT", "payload"),
    ],
)
def test_method_and_body_after_a_redirect(
    server: Server, code: int, method: str, then: str, body: str
) -> None:
    url = server.url(f"/redirect?code={code}&to=/echo")
    headers = {"content-type": "text/plain", "authorization": "Bearer t"}
    outcome = send(server, url, method=method, body="payload", headers=headers)
    seen = echo(outcome)
    assert (seen["method"], seen["body"]) == (then, body)
    assert ("content-type" in seen["headers"]) is bool(body)
    assert seen["headers"]["authorization"] == "Bearer t"
    assert seen["headers"]["idempotency-key"] == "key-1"


def test_credentials_stay_with_their_origin(server: Server) -> None:
    with serving() as other:
        url = server.url(f"/redirect?to={other.url('/echo')}")
        headers = {"Authorization": "Bearer t", "Cookie": "c=1", "X-Kept": "yes"}
        outcome = send(server, url, headers=headers, allow=(other.place,))
    seen = echo(outcome)
    assert seen["headers"]["host"] == other.place
    assert "authorization" not in seen["headers"]
    assert "cookie" not in seen["headers"]
    assert seen["headers"]["x-kept"] == "yes"


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "internal"},
        {"Content-Length": "3"},
        {"Transfer-Encoding": "chunked"},
        {"X-A": "one\r\nX-B: two"},
        {"X A": "b"},
        {"": "b"},
    ],
)
def test_headers_that_a_workflow_cannot_set(
    server: Server, headers: dict[str, str]
) -> None:
    assert failed(send(server, server.url("/echo"), headers=headers))[0] == "invalid"
    assert server.seen == []


def test_several_requests_run_at_once(server: Server) -> None:
    async def run() -> list[Response | Failure]:
        client = HttpClient(guard([server.place]))
        url = server.url("/slow?seconds=0.3")
        requests = [Request("GET", url, {}, None, 5, str(i)) for i in range(8)]
        try:
            return await asyncio.gather(*(client.send(each) for each in requests))
        finally:
            await client.aclose()

    assert all(answered(each).status == 200 for each in asyncio.run(run()))
    assert server.most_open > 4
