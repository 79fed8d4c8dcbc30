"""Requests whose URL is computed.

The extension looks at a URL when the graph is built, and refuses `$r1_request.url`
for its scheme. It leaves a URL with a brace alone until it is sent, so a reference in
braces goes into the fragment, which is never sent. The rejected way was to write the
constant start of the URL into the node, which does not serve a base URL that is an
input.
"""

from __future__ import annotations

from dataclasses import replace

from perdure.plan.query import ResultRef, StringLiteral
from perdure.plan.tree import Http, Node
from perdure.plan.walk import rebuilt

_FRAGMENT = StringLiteral("#{sys_instance_id}")


def lower_http(node: Node) -> Node:
    """Return a node whose computed URLs are taken when the graph is built."""
    if isinstance(node, Http):
        computed = any(isinstance(piece, ResultRef) for piece in node.url)
        return replace(node, url=(*node.url, _FRAGMENT)) if computed else node
    return rebuilt(node, lower_http)
