"""The function that starts the current version: made to call one version or another."""

from __future__ import annotations

from collections.abc import Sequence

from perdure.emit import inputs, options
from perdure.emit.functions import current_function, identity
from perdure.emit.literals import quote_text
from perdure.plan.tree import Parameter, PlanOptions

LIMITS = ("set local lock_timeout = '5s';", "set local statement_timeout = '60s';")
_ALLOWED = "-- squawk-ignore ban-drop-function"


def refuse_runs(workflow: str, versions: Sequence[int]) -> str:
    """Return what fails while runs of versions have not ended."""
    shown = ", ".join(map(str, versions))
    return f"select perdure.refuse_runs({quote_text(workflow)}, array[{shown}]);"


def dropped(name: str, parameters: Sequence[Parameter], *, there: bool = True) -> str:
    """Return what drops a function; `there` says that it can't be gone already."""
    what = "function" if there else "function if exists"
    return f"{_ALLOWED}\ndrop {what} {identity(name, parameters)};"


def replaced(
    name: str,
    before: Sequence[Parameter] | None,
    after: Sequence[Parameter],
    versioned: str,
    role: str | None,
    role_before: str | None,
) -> list[str]:
    """Return what makes the current function call a version.

    One that takes other inputs, or belongs to another role than before, is made anew.
    What was granted on it stays, unless the role is another one.
    """
    own = PlanOptions(role=role)
    settings = options.definer(own)
    if role is not None:
        settings = (*settings, "set search_path = pg_catalog")
    same = before is not None and _declared(before) == _declared(after)
    if same and role == role_before:
        verb = "create or replace function"
        return [current_function(verb, name, versioned, after, settings)]
    made = [
        current_function("create function", name, versioned, after, settings),
        *options.owned(own, name, after, new=True),
    ]
    if before is None:
        return made
    if role is None or role != role_before:
        return [dropped(name, before), *made]
    keep, give = options.grants_over_drop(name, before, after)
    return [keep, dropped(name, before), *made, give]


def described(
    workflow: str, version: int, description: str | None, *, whole: bool
) -> str:
    """Return the comment of a function: which version it is of, and what it is for."""
    start = f"{workflow}, version {version}"
    head = start if whole else f"Starts a run of {start}"
    return f"{head}: {description.strip()}" if description else head


def _declared(parameters: Sequence[Parameter]) -> list[str]:
    return [inputs.declared(each) for each in inputs.ordered(parameters)]
