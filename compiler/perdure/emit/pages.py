"""Files made from the templates at the top of the checkout."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from perdure.assets import assets

if TYPE_CHECKING:
    from jinja2 import Environment


def page(template: str, facts: Mapping[str, Any]) -> str:
    """Return the text of a template, which ends with one line end."""
    return _environment().get_template(template).render(facts).rstrip("\n") + "\n"


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(assets("templates") / "migration"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # the files are SQL
    )
