"""A small real HTTP server for tests: what it answers depends on the path."""

from __future__ import annotations

import gzip
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


class Server(ThreadingHTTPServer):
    """Remembers the requests that it was sent."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[dict[str, Any]] = []
        self.count: Counter[str] = Counter()
        self.open = 0
        self.most_open = 0
        self.lock = threading.Lock()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def url(self, path: str) -> str:
        return f"http://{self.place}{path}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: tests close connections early on purpose."""


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        with self.server.lock:
            self.server.open += 1
            self.server.most_open = max(self.server.most_open, self.server.open)
            self.server.count[parts.path] += 1
            self.server.seen.append(
                {
                    "method": self.command,
                    "path": self.path,
                    "headers": {k.lower(): v for k, v in self.headers.items()},
                    "body": body.decode(errors="surrogateescape"),
                }
            )
        try:
            name = parts.path.strip("/").split("/")[0] or "echo"
            getattr(self, f"_{name}")(query)
        finally:
            with self.server.lock:
                self.server.open -= 1

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve

    def _send(
        self, status: int, body: bytes, kind: str | None = "text/plain", **headers: str
    ) -> None:
        self.send_response(status)
        if kind:
            self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _echo(self, query: dict[str, str]) -> None:
        body = json.dumps(self.server.seen[-1]).encode()
        self._send(200, body, "application/json")

    def _status(self, query: dict[str, str]) -> None:
        self._send(int(query["code"]), b"so be it")

    def _flaky(self, query: dict[str, str]) -> None:
        """500 for the first `fail` requests, then 200."""
        late = self.server.count[urlsplit(self.path).path] > int(query["fail"])
        self._send(200 if late else 500, b"ok" if late else b"not yet")

    def _slow(self, query: dict[str, str]) -> None:
        time.sleep(float(query["seconds"]))
        self._send(200, b"at last")

    def _trickle(self, query: dict[str, str]) -> None:
        """Send a byte now and then, without end."""
        self.send_response(200)
        self.send_header("content-length", "1000000")
        self.end_headers()
        for _ in range(100):
            self.wfile.write(b".")
            self.wfile.flush()
            time.sleep(0.05)

    def _big(self, query: dict[str, str]) -> None:
        self._send(200, b"x" * int(query["bytes"]))

    def _bomb(self, query: dict[str, str]) -> None:
        body = gzip.compress(b"\0" * int(query["bytes"]))
        self._send(200, body, content_encoding="gzip")

    def _bytes(self, query: dict[str, str]) -> None:
        kind = query.get("kind") or None
        self._send(200, bytes.fromhex(query["hex"]), kind)

    def _redirect(self, query: dict[str, str]) -> None:
        self._send(int(query.get("code", "302")), b"", location=query["to"])

    def _loop(self, query: dict[str, str]) -> None:
        self._send(302, b"", location="/loop")

    def _hangup(self, query: dict[str, str]) -> None:
        self.close_connection = True


@contextmanager
def serving() -> Iterator[Server]:
    """Run a server on a free port of the loopback interface."""
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
