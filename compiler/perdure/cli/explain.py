"""`perdure explain`: the registry's page of a code."""

from __future__ import annotations

import json as json_
from dataclasses import asdict
from difflib import get_close_matches
from typing import Annotated

import typer

from perdure.cli.project import fail


def explain(
    code: Annotated[
        str | None, typer.Argument(help="A code such as WF203, or its name.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Explain a finding: what it says, why it matters, how to mend it."""
    from perdure.diagnostics.codes import REGISTRY
    from perdure.diagnostics.explain import explain as page

    if code is None:
        if json:
            typer.echo(json_.dumps([asdict(each) for each in REGISTRY.values()]))
            return
        for entry in sorted(REGISTRY.values(), key=lambda each: each.code):
            typer.echo(f"{entry.code}  {entry.summary}")
        return
    by_slug = {entry.slug: entry for entry in REGISTRY.values()}
    found = REGISTRY.get(code.upper()) or by_slug.get(code.lower())
    if found is None:
        near = get_close_matches(code.upper(), REGISTRY, 1) or get_close_matches(
            code.lower(), by_slug, 1
        )
        fail(
            f'there is no code "{code}"', f'did you mean "{near[0]}"?' if near else None
        )
    typer.echo(json_.dumps(asdict(found), indent=2) if json else page(found.code))
