"""One HTTP request of a workflow: sent, bounded, and turned into a result.

Nothing here raises for what the network or the other side does: an outcome is a
`Response` (4xx and 5xx too; what they mean is the runtime's decision) or a `Failure`
with a kind that the runtime's retry rules know. The whole request, redirects and
body included, has one deadline, so a server that sends a byte a second can't hold it.
"""

from __future__ import annotations

import asyncio
import base64
import re
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import httpcore
import httpx

from perdure import __version__
from perdure.engine.guard import DEFAULT_PORTS, Guard, Refused
from perdure.engine.http_multipart import Part, encode
from perdure.engine.http_transport import (
    LOCAL_ERRORS,
    TRANSPORT_ERRORS,
    GuardedTransport,
)

DEFAULT_MAX_BYTES = 10 * 1024 * 1024
MAX_REDIRECTS = 10
CONNECT_SECONDS = 10.0

Kind = Literal["transport", "refused", "too_large", "invalid", "secret"]

_REDIRECTS = (301, 302, 303, 307, 308)
# What frames the message or names the host is set from the URL and the body alone:
# with a `host` of its own, a request to an allowed name could mean another one.
OWN_HEADERS = {
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
}
_SECRET_HEADERS = {"authorization", "cookie"}
_BODY_HEADERS = {"content-type", "content-encoding", "content-language"}
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_WRONG_HEADER = "has a line break in it, or a space at an end"
_TEXTUAL = re.compile(
    r"text/|application/(.*\+)?(json|xml|yaml|javascript|x-www-form-urlencoded"
    r"|x-ndjson|graphql|sql)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Request:
    """What a node asks for; `timeout` in seconds, for everything together.

    With parts the body is theirs, multipart/form-data. What is secret does not follow a
    redirect to another origin.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: str | None
    timeout: float
    idempotency_key: str
    parts: tuple[Part, ...] = ()
    secret_headers: frozenset[str] = frozenset()
    secret_body: bool = False


@dataclass(frozen=True, slots=True)
class Response:
    """An answer, whatever its status; `encoding` is `text` or `base64`."""

    status: int
    body: str
    encoding: Literal["text", "base64"]
    headers: Mapping[str, str]
    duration_ms: int

    def envelope(self) -> dict[str, object]:
        """Return the node's result, as df.http gives it."""
        return {
            "status": self.status,
            "body": self.body,
            "encoding": self.encoding,
            "headers": dict(self.headers),
            "ok": 200 <= self.status < 300,
            "duration_ms": self.duration_ms,
        }


@dataclass(frozen=True, slots=True)
class Failure:
    """No answer that could be used; only `transport` may be tried again."""

    kind: Kind
    message: str


class _Stop(Exception):
    """Carries a failure out of the request."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.failure = Failure(kind, message)


class HttpClient:
    """Sends requests, many at once; lives in one event loop."""

    def __init__(
        self,
        guard: Guard,
        *,
        max_connections: int = 32,
        max_bytes: int = DEFAULT_MAX_BYTES,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._max_bytes = max_bytes
        self._client = httpx.AsyncClient(
            transport=GuardedTransport(guard, max_connections, context),
            follow_redirects=False,
            trust_env=False,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._client.aclose()

    async def send(self, request: Request) -> Response | Failure:
        """Send a request and follow its redirects."""
        try:
            async with asyncio.timeout(request.timeout):
                return await self._follow(request)
        except _Stop as stop:
            return stop.failure
        except Refused as refusal:
            return Failure("refused", str(refusal))
        except TimeoutError:
            return Failure("transport", f"no answer within {request.timeout:g} s")
        except LOCAL_ERRORS as error:
            return Failure("invalid", _describe(error))
        except TRANSPORT_ERRORS as error:
            return Failure("transport", _describe(error))
        except Exception as error:
            # A URL or header can provoke errors that no list foresees (a port out of
            # range, a host that is no IDNA); a request without an answer would leave
            # its run waiting for ever.
            return Failure("invalid", _describe(error))

    async def _follow(self, request: Request) -> Response:
        started = time.monotonic()
        message = self._first(request)
        for _ in range(MAX_REDIRECTS + 1):
            answer = await self._client.send(message, stream=True)
            try:
                where = answer.headers.get("location")
                if answer.status_code not in _REDIRECTS or where is None:
                    content = await self._read(answer)
                    return _response(answer, content, started)
            finally:
                await answer.aclose()
            message = self._redirected(request, message, answer.status_code, where)
        raise _Stop("invalid", f"more than {MAX_REDIRECTS} redirects")

    def _first(self, request: Request) -> httpx.Request:
        headers = {
            "user-agent": f"perdure/{__version__}",
            "accept": "*/*",
            "accept-encoding": "identity",
            "idempotency-key": request.idempotency_key,
            **{name.lower(): value for name, value in request.headers.items()},
        }
        own = OWN_HEADERS.intersection(headers)
        if own:
            raise _Stop("invalid", f'header "{min(own)}" cannot be set by a workflow')
        for name, value in headers.items():
            if value != value.strip() or _CONTROL.search(value):
                raise _Stop("invalid", f'header "{name}" {_WRONG_HEADER}')
        body: str | bytes | None = request.body
        if request.parts:
            headers["content-type"], body = self._form(request.parts)
        url = _checked_url(httpx.URL(request.url))
        return self._build(request.method.upper(), url, headers, body)

    def _form(self, parts: tuple[Part, ...]) -> tuple[str, bytes]:
        try:
            media_type, body = encode(parts)
        except ValueError as error:
            raise _Stop("invalid", str(error)) from error
        if len(body) > self._max_bytes:
            raise _Stop("too_large", f"the body is larger than {self._max_bytes} bytes")
        return media_type, body

    def _build(
        self,
        method: str,
        url: httpx.URL,
        headers: Mapping[str, str],
        body: str | bytes | None,
    ) -> httpx.Request:
        encoded = {name.encode(): value.encode() for name, value in headers.items()}
        return self._client.build_request(
            method,
            url,
            headers=list(encoded.items()),
            content=body,
            timeout=httpx.Timeout(None, connect=CONNECT_SECONDS),
        )

    def _redirected(
        self, request: Request, message: httpx.Request, status: int, where: str
    ) -> httpx.Request:
        url = _checked_url(message.url.join(where))
        to_get = status == 303 or (status in (301, 302) and message.method == "POST")
        method = "GET" if to_get and message.method != "HEAD" else message.method
        drop = {"host", "content-length"}
        if to_get:
            drop |= _BODY_HEADERS
        if _origin(url) != _origin(message.url):
            drop |= _SECRET_HEADERS | request.secret_headers
            if request.secret_body and not to_get:
                raise _Stop("refused", "a redirect would give a secret to another host")
        headers = {
            name: value for name, value in message.headers.items() if name not in drop
        }
        body = None if to_get else message.content or None
        return self._build(method, url, headers, body)

    async def _read(self, answer: httpx.Response) -> bytes:
        content = bytearray()
        async for part in answer.aiter_bytes():
            content += part
            if len(content) > self._max_bytes:
                raise _Stop(
                    "too_large", f"the response is larger than {self._max_bytes} bytes"
                )
        return bytes(content)


def _checked_url(url: httpx.URL) -> httpx.URL:
    if url.scheme not in DEFAULT_PORTS:
        scheme = f'"{url.scheme}"' if url.scheme else "a URL without a scheme"
        raise _Stop("invalid", f"only http and https can be requested, found {scheme}")
    if not url.host:
        raise _Stop("invalid", "the URL has no host")
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int]:
    return url.scheme, url.host, url.port or DEFAULT_PORTS[url.scheme]


def _response(answer: httpx.Response, content: bytes, started: float) -> Response:
    declared = answer.headers.get("content-type", "")
    text = _text(content, declared, answer.charset_encoding)
    return Response(
        status=answer.status_code,
        body=base64.b64encode(content).decode() if text is None else text,
        encoding="base64" if text is None else "text",
        headers=dict(answer.headers),
        duration_ms=round((time.monotonic() - started) * 1000),
    )


def _text(content: bytes, declared: str, charset: str | None) -> str | None:
    """Return a body as text, or None when it is not text that jsonb can hold."""
    if declared and not _TEXTUAL.match(declared):
        return None
    try:
        text = content.decode(charset or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return None
    return None if "\0" in text else text


def _describe(error: Exception) -> str:
    """Return an error's message with its class; many of these have no text."""
    cause = error
    while not str(cause) and cause.__cause__ is not None:
        cause = cause.__cause__  # type: ignore[assignment]  # causes are Exceptions
    if isinstance(error, httpcore.ConnectError):
        return str(error)
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return f"{name}: {cause}" if str(cause) else name
