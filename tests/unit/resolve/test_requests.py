"""What is said of requests before they are sent."""

from __future__ import annotations

from perdure.engine.http_client import OWN_HEADERS as REFUSED
from perdure.resolve.requests import OWN_HEADERS


def test_the_headers_of_the_worker_are_those_that_it_refuses() -> None:
    assert OWN_HEADERS == REFUSED
