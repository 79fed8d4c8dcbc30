"""The registry of codes, one module per range."""

from perdure.diagnostics.codes import (
    calls,
    control,
    durability,
    importing,
    names,
    project,
    python,
    reading,
    reading_text,
    releases,
    shapes,
    sql,
    targets,
)
from perdure.diagnostics.codes.model import Code

REGISTRY: dict[str, Code] = {
    entry.code: entry
    for module in (
        reading,
        reading_text,
        python,
        project,
        names,
        shapes,
        durability,
        control,
        calls,
        sql,
        targets,
        releases,
        importing,
    )
    for entry in module.CODES
}

__all__ = ["REGISTRY", "Code"]
