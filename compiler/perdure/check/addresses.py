"""WF431 and WF432: requests that the worker would not send.

Only what is constant in a URL is looked at: a name is resolved when a request is sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from perdure.check.walk import every_step
from perdure.diagnostics import Diagnostic, error, warning
from perdure.ir import tree as ir

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PLACE = re.compile(r"(?:[^/?#@]*@)?(\[[^\]]*\]|[^/?#:\[\]]*)(?::(\d*))?(?=[/?#]|$)")
_ACCOUNT = re.compile(r"[^/?#]*@")
_BASIC = 'send it as a header: Authorization: "Basic ${secrets.name}"'
_PORTS = {"http": 80, "https": 443}

Refuses = Callable[[str, int], bool]
"""Says of a host and a port whether the worker sends no requests there."""


def unusable_url(workflow: ir.Workflow) -> Iterator[Diagnostic]:
    """Report URLs that are none of HTTP's."""
    for step in _requests(workflow):
        text, whole = _constant(step)
        account = _account(text)
        reason = _wrong(text, whole)
        if account is not None:
            message = "a name or a password in a URL is stored with the workflow"
            yield error("WF431", step.head.span, message, help=_BASIC)
        elif reason is not None:
            message = f'a request cannot be sent to "{text}{"" if whole else "..."}"'
            help_ = "write the whole URL, as in https://example.com/orders"
            yield error("WF431", step.head.span, message, reason, help=help_)


def refused_address(workflow: ir.Workflow, refuses: Refuses) -> Iterator[Diagnostic]:
    """Report addresses that the worker refuses."""
    for step in _requests(workflow):
        text, whole = _constant(step)
        found = _SCHEME.match(text)
        place = _PLACE.match(text, found.end()) if found else None
        if found is None or place is None or (place.end() == len(text) and not whole):
            continue
        host = place[1].lower()
        if refuses(host, int(place[2] or _PORTS.get(found[1].lower(), 0))):
            yield warning(
                "WF432",
                step.head.span,
                f'the worker refuses requests to "{host}"',
                "it is an address inside of the worker's own network",
                help=f'allow it in the configuration: [http] allow = ["{host}"]',
            )


def _requests(workflow: ir.Workflow) -> Iterator[ir.HttpStep]:
    return (s for s in every_step(workflow.steps) if isinstance(s, ir.HttpStep))


def _constant(step: ir.HttpStep) -> tuple[str, bool]:
    """Return the text that a URL begins with, and whether that is all of it."""
    parts = step.url.parts
    first = parts[0] if parts else ""
    return (first, len(parts) == 1) if isinstance(first, str) else ("", not parts)


def _account(text: str) -> str | None:
    """Return what stands before the host of a URL, if that is told by the text."""
    found = _SCHEME.match(text)
    account = _ACCOUNT.match(text, found.end()) if found else None
    return account and account[0]


def _wrong(text: str, whole: bool) -> str | None:
    """Return what is wrong with the beginning of a URL."""
    found = _SCHEME.match(text)
    if found is None:
        told = whole or "/" in text
        return "it has no scheme: https:// or http://" if told else None
    if found[1].lower() not in _PORTS:
        return f"requests are of HTTP, not of {found[1]}"
    rest = text[found.end() :]
    if rest[:1] in ("/", "?", "#") or (whole and not rest):
        return "it has no host"
    return None
