"""The two functions of a workflow: one per version, and the current one.

The steps of a run see the search_path in force when `df.start` is called. A version
sets the one under which its statements were checked, so that a run means the same
whoever starts it. The compiler's own SQL qualifies every name that is not built in.
"""

from __future__ import annotations

from collections.abc import Sequence

from perdure.emit.inputs import declared, ordered, types
from perdure.emit.literals import dollar_body, quote_name, quote_text
from perdure.plan.tree import Parameter

_OPTIONS = "returns text\nlanguage {language}\nvolatile\n"


def function_name(schema: str, workflow: str, version: int | None) -> str:
    """Return the qualified name of a function."""
    suffix = f"_v{version}" if version else ""
    return f"{quote_name(schema)}.{quote_name(workflow + suffix)}"


def identity(name: str, parameters: Sequence[Parameter]) -> str:
    """Return a function's name and types, as `drop` and `comment` want them."""
    return f"{name}({types(parameters)})"


def version_function(
    name: str,
    workflow: str,
    parameters: Sequence[Parameter],
    declarations: Sequence[str],
    start: str,
    settings: Sequence[str],
) -> str:
    """Return the function that builds the graph and starts a run of it.

    `settings` are the further options of the function, one a line.
    """
    lines = ["", *_declare(declarations), "begin"]
    lines += _required(workflow, parameters)
    lines += [f"  return {start};", "end", ""]
    body = dollar_body("\n".join(lines), "workflow")
    options = _OPTIONS.format(language="plpgsql")
    options += "".join(f"{setting}\n" for setting in settings)
    return f"create function {_head(name, parameters)}\n{options}as {body};"


def current_function(
    verb: str,
    name: str,
    versioned: str,
    parameters: Sequence[Parameter],
    settings: Sequence[str] = (),
) -> str:
    """Return the function that starts a run of the current version."""
    arguments = ", ".join(quote_name(each.name) for each in ordered(parameters))
    body = dollar_body(f"\n  select {versioned}({arguments})\n", "current")
    options = _OPTIONS.format(language="sql")
    options += "".join(f"{setting}\n" for setting in settings)
    return f"{verb} {_head(name, parameters)}\n{options}as {body};"


def comment_on(name: str, parameters: Sequence[Parameter], text: str) -> str:
    """Return the comment of a function."""
    return f"comment on function {identity(name, parameters)} is {quote_text(text)};"


def _head(name: str, parameters: Sequence[Parameter]) -> str:
    shown = [declared(each) for each in ordered(parameters)]
    line = f"{name}({', '.join(shown)})"
    if len(line) <= 72:
        return line
    return f"{name}(\n  " + ",\n  ".join(shown) + "\n)"


def _declare(declarations: Sequence[str]) -> list[str]:
    if not declarations:
        return []
    return ["declare", *(f"  {each}" for each in declarations)]


def _required(workflow: str, parameters: Sequence[Parameter]) -> list[str]:
    """Return the check that inputs which may not be null are not."""
    names = [each.name for each in ordered(parameters) if not each.nullable]
    if not names:
        return []
    tests = " or ".join(f"{quote_name(name)} is null" for name in names)
    if len(tests) > 72:
        tests = "\n    or ".join(f"{quote_name(name)} is null" for name in names)
    message = f"an input of {workflow} that may not be null is: {', '.join(names)}"
    if len(names) == 1:
        message = f"input {names[0]} of {workflow} may not be null"
    return [
        f"  if {tests} then",
        "    raise null_value_not_allowed using",
        f"      message = {quote_text(message)};",
        "  end if;",
    ]
