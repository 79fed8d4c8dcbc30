"""The transport under the worker's HTTP client: every connection passes the guard.

The guard stands where the socket is opened, so nothing above it (redirects, connection
reuse, a client option) can go around it, and the address that was judged is the
one that is connected to, while TLS still verifies the name and `Host` still carries
it. The rejected way was to put the address into the URL: connections are then kept
by address, and two names on one address share a TLS session that verified only one.

Proxies of the environment are not used: a proxy would resolve names itself.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import typing
from collections.abc import AsyncIterator, Iterable

import httpcore
import httpx

from perdure.engine.guard import Guard, resolve_addresses

TRANSPORT_ERRORS = (
    httpx.TransportError,
    httpx.DecodingError,
    httpcore.NetworkError,
    httpcore.TimeoutException,
    httpcore.RemoteProtocolError,
    OSError,
)
LOCAL_ERRORS = (
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpcore.LocalProtocolError,
    httpcore.UnsupportedProtocol,
)


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Opens sockets to addresses that the guard let pass."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Resolve, judge, and connect to the first address that answers."""
        try:
            addresses = await asyncio.to_thread(resolve_addresses, host, port)
        except OSError as error:
            why = error.strerror or str(error)
            raise httpcore.ConnectError(f"cannot resolve {host}: {why}") from error
        failures = []
        for address in self._guard.check(host, port, addresses):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                named = "" if address == host else f"{address}: "
                failures.append(f"{named}{_why(error)}")
        reasons = "; ".join(failures) or "it has no address"
        raise httpcore.ConnectError(f"cannot connect to {host}:{port}: {reasons}")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[typing.Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Refuse: no URL of a workflow names a socket file."""
        raise httpcore.UnsupportedProtocol("unix sockets are not supported")

    async def sleep(self, seconds: float) -> None:
        """Sleep, between attempts to connect."""
        await asyncio.sleep(seconds)


def _why(error: Exception) -> str:
    """Return the system's reason, which stands at the end of the chain of causes."""
    if isinstance(error, httpcore.ConnectTimeout):
        return "no answer"
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    number = cause.errno if isinstance(cause, OSError) else None
    return os.strerror(number) if number else str(cause)


class _Body(httpx.AsyncByteStream):
    """The body of a response, as httpx reads it."""

    def __init__(self, stream: typing.AsyncIterable[bytes]) -> None:
        self._stream = stream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        close = getattr(self._stream, "aclose", None)
        if close is not None:
            await close()


class GuardedTransport(httpx.AsyncBaseTransport):
    """httpx over a connection pool whose sockets the guard opens."""

    def __init__(
        self, guard: Guard, max_connections: int, context: ssl.SSLContext | None = None
    ) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=context or httpx.create_ssl_context(),
            max_connections=max_connections,
            max_keepalive_connections=max_connections,
            keepalive_expiry=5,
            network_backend=GuardedBackend(guard),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; redirects are the caller's matter."""
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=typing.cast(httpx.AsyncByteStream, request.stream),
                extensions=request.extensions,
            )
        )
        stream = typing.cast(typing.AsyncIterable[bytes], response.stream)
        return httpx.Response(
            status_code=response.status,
            headers=response.headers,
            stream=_Body(stream),
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Close every connection."""
        await self._pool.aclose()
