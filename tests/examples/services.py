"""The HTTP services of the examples: a small real server, one route a function."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg

Answer = tuple[int, Any]


class Services(ThreadingHTTPServer):
    """Remembers what was asked, and answers by the first segment of the path."""

    daemon_threads = True

    def __init__(self, database: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.database = database
        self.asked: list[str] = []
        self.counts: Counter[str] = Counter()

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    def answer(self, method: str, path: str, body: Any) -> Answer:
        name = path.strip("/").split("/")[0]
        self.asked.append(f"{method} {path}")
        self.counts[f"{method} {name}"] += 1
        return ROUTES[name](self, method, body)


class Handler(BaseHTTPRequestHandler):
    server: Services
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _serve(self) -> None:
        size = int(self.headers.get("content-length") or 0)
        text = self.rfile.read(size)
        body = json.loads(text) if text else None
        status, value = self.server.answer(self.command, self.path, body)
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_DELETE = _serve


def _booking(services: Services, method: str, body: Any) -> Answer:
    """Book for everybody; grace gets no car."""
    if method == "DELETE":
        return 200, {}
    return 201, {"reference": f"R{sum(services.counts.values())}"}


def _car(services: Services, method: str, body: Any) -> Answer:
    if body["traveller"] == "grace":
        return 503, {"error": "no cars left"}
    return _booking(services, method, body)


def _jobs(services: Services, method: str, body: Any) -> Answer:
    """Call back at once, before the answer: the run is not yet waiting."""
    if method == "POST" and body["source"] != "slow.mov":
        ok = body["source"] != "broken.mov"
        told = {"ok": True, "location": "s3://talk.mp4"}
        if not ok:
            told = {"ok": False, "reason": "not a video"}
        with psycopg.connect(services.database) as connection:
            connection.execute(
                "select df.signal(%s, %s, %s)",
                [body["run"], body["signal"], json.dumps(told)],
            )
    return (202, {"job": "J1"}) if method == "POST" else (200, {})


def _hooks(services: Services, method: str, body: Any) -> Answer:
    return 200, {}


def _embeddings(services: Services, method: str, body: Any) -> Answer:
    """Embed a text as the numbers of its vowels; be busy at first."""
    if services.counts[f"{method} embeddings"] == 1:
        return 429, {"error": "slow down"}
    return 200, {"embedding": [body["text"].count(vowel) for vowel in "aeiou"]}


ROUTES: dict[str, Callable[[Services, str, Any], Answer]] = {
    "flights": _booking,
    "hotels": _booking,
    "cars": _car,
    "jobs": _jobs,
    "orders": _hooks,
    "embeddings": _embeddings,
}


@contextmanager
def serving(database: str) -> Iterator[Services]:
    """Serve until the end of the block."""
    services = Services(database)
    thread = threading.Thread(target=services.serve_forever, daemon=True)
    thread.start()
    try:
        yield services
    finally:
        services.shutdown()
        services.server_close()
        thread.join()
