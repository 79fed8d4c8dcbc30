"""The worker's HTTP: claims ready requests, sends them, records what came back.

A request of a worker that died is sent again by another one, with the same idempotency
key.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, LiteralString
from urllib.parse import urlsplit

import psycopg
from psycopg.types.json import Jsonb

from perdure.engine.http_client import Failure, HttpClient, Request, Response
from perdure.engine.http_multipart import read_parts
from perdure.engine.secrets import SecretError, find_values, hidden, put_in
from perdure.engine.worker_claims import ClaimedWork
from perdure.engine.worker_log import Log
from perdure.engine.worker_session import Session, reason
from perdure.engine.worker_wake import Backoff

# The lease is the request's timeout and this; a record after it would be refused.
LEASE_MARGIN_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Claimed:
    """A request that this worker holds; `secrets` are names by their tokens in it."""

    id: int
    run: str
    node: str
    attempt: int
    request: Request
    secrets: Mapping[str, str]

    def facts(self) -> dict[str, str | int]:
        """Return what the log says of it; a URL's path and query may hold secrets."""
        return {
            "run": self.run,
            "node": self.node,
            "attempt": self.attempt,
            "method": self.request.method,
            "host": _host(self.request.url),
        }


class HttpWork(ClaimedWork[Claimed]):
    """Serves requests until it is told to stop; several at once."""

    _failed_event = "http.claim_failed"
    _statements = False

    def __init__(
        self, session: Session, client: HttpClient, log: Log, *, name: str, at_once: int
    ) -> None:
        super().__init__(session, log, name=name, at_once=at_once)
        self._client = client

    async def _claim(self, most: int) -> list[Claimed]:
        rows = await self._session.fetch(
            "select request_id, run_id, node_id, attempt, method, url, headers, body,"
            " timeout_seconds, idempotency_key, parts, secrets"
            " from df.claim_http(%s, %s)",
            self._name,
            most,
        )
        return [_claimed(row) for row in rows]

    async def _serve(self, claimed: Claimed) -> None:
        lease = claimed.request.timeout + LEASE_MARGIN_SECONDS
        deadline = time.monotonic() + lease
        outcome = await self._send(claimed)
        backoff = Backoff()
        while True:
            try:
                recorded = await self._record(claimed, outcome)
                break
            except psycopg.Error as error:
                self._log.warning(
                    "http.record_failed", reason=reason(error), **claimed.facts()
                )
                pause = backoff.take()
                if time.monotonic() + pause > deadline:
                    return
                await asyncio.sleep(pause)
        self.served += 1
        self._log_outcome(claimed, outcome, recorded)

    async def _send(self, claimed: Claimed) -> Response | Failure:
        """Send a request with its secrets; what comes back is without them."""
        if not claimed.secrets:
            return await self._client.send(claimed.request)
        try:
            values = await find_values(claimed.secrets, self._ask)
            request = put_in(claimed.request, claimed.secrets, values)
        except SecretError as error:
            return Failure("secret", str(error))
        except psycopg.Error as error:
            return Failure("secret", f"the function of secrets: {reason(error)}")
        return hidden(await self._client.send(request), values)

    async def _ask(self, query: LiteralString, name: str) -> list[tuple[Any, ...]]:
        # The only part that is not constant is checked to be a name.
        return await self._session.fetch(query, name)

    async def _record(self, claimed: Claimed, outcome: Response | Failure) -> bool:
        if isinstance(outcome, Response):
            try:
                return await self._finish(claimed, outcome)
            except psycopg.DataError as error:
                # For example a body that jsonb cannot hold: the same again next time.
                outcome = Failure("invalid", f"the response: {reason(error)}")
        rows = await self._session.fetch(
            "select df.fail_http(%s, %s, %s, %s)",
            claimed.id,
            claimed.attempt,
            outcome.message,
            outcome.kind,
        )
        return bool(rows[0][0])

    async def _finish(self, claimed: Claimed, response: Response) -> bool:
        rows = await self._session.fetch(
            "select df.finish_http(%s, %s, %s)",
            claimed.id,
            claimed.attempt,
            Jsonb(response.envelope()),
        )
        return bool(rows[0][0])

    def _log_outcome(
        self, claimed: Claimed, outcome: Response | Failure, recorded: bool
    ) -> None:
        facts = claimed.facts()
        if not recorded:
            self._log.warning("http.too_late", **facts)
        elif isinstance(outcome, Response):
            facts |= {"status": outcome.status, "ms": outcome.duration_ms}
            self._log.info("http.answered", **facts)
        else:
            facts |= {"kind": outcome.kind, "reason": outcome.message}
            self._log.warning("http.failed", **facts)


def _claimed(row: tuple[Any, ...]) -> Claimed:
    number, run, node, attempt, method, url, headers, body, timeout, key = row[:10]
    parts, names = row[10:]
    # A header whose value came out null is not sent.
    texts = {name: str(v) for name, v in (headers or {}).items() if v is not None}
    request = Request(method, url, texts, body, timeout, key, read_parts(parts))
    return Claimed(number, run, node, attempt, request, names or {})


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
