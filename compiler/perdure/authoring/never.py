"""What happens when a workflow's parts are called as ordinary Python."""

from __future__ import annotations

from typing import NoReturn


def compiled_only(name: str) -> NoReturn:
    """Raise the error that says that workflows are compiled, not called."""
    raise RuntimeError(
        f"{name} is part of a workflow: its source is compiled by `perdure compile` "
        "and runs inside PostgreSQL, it can't be called from Python"
    )
