"""The stub of the package: its names, and the overloads of `sql` and `sql_file`."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import perdure
from perdure import application, authoring
from perdure.ir.types import Cardinality, Field
from perdure.stubs.statements import FUNCTIONS, Statement
from perdure.stubs.types import MODULES, NUMERIC, column_type, merged

_HEAD = '''\
"""Written by `perdure stubs`: what the SQL statements of this project return.

It stands in for the package perdure where types are checked. Do not edit it.
"""

# ruff: noqa
# fmt: off
# mypy: disable-error-code="overload-overlap"
# pyright: reportOverlappingOverload=false
'''
_OPTIONS = "Duration, Effects, Expect, Retries, Step"
_OPERATORS = ("add", "sub", "mul", "truediv", "floordiv", "mod")


@dataclass(frozen=True, slots=True)
class _Row:
    """A class of the stub: the rows of one text."""

    name: str
    about: str
    function: str
    text: str
    expect: str | None
    cardinality: Cardinality
    columns: tuple[Field, ...]


def stub(statements: Sequence[Statement]) -> str:
    """Return the text of `perdure/__init__.pyi` for a project with these statements."""
    rows = list(_rows(statements))
    parts = [*_classes(rows), *_functions(rows)]
    body = "".join(f"\n\n{part}" for part in parts)
    return "\n".join([_HEAD, *_imports(body)]) + body


def _rows(statements: Sequence[Statement]) -> Iterator[_Row]:
    def key(each: Statement) -> tuple[str, str, str]:
        return each.function, each.text, each.expect or ""

    groups = [list(group) for _, group in groupby(sorted(statements, key=key), key)]
    taken: set[str] = set()
    for group in sorted(groups, key=lambda group: statements.index(group[0])):
        first = group[0]
        name = _unique(_camel(f"{first.workflow}_{first.step}"), taken)
        kinds = {each.cardinality for each in group}
        yield _Row(
            name,
            ", ".join(dict.fromkeys(f"{each.workflow}.{each.step}" for each in group)),
            first.function,
            first.text,
            first.expect,
            next(each for each in ("many", "maybe", "one") if each in kinds),
            merged(each.columns for each in group),
        )


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def _unique(name: str, taken: set[str]) -> str:
    number, unique = 1, name
    while unique in taken or unique in perdure.__all__ or unique in (NUMERIC, "Rows"):
        number += 1
        unique = f"{name}{number}"
    taken.add(unique)
    return unique


# --- classes -------------------------------------------------------------------------


def _classes(rows: Sequence[_Row]) -> Iterator[str]:
    written = "".join(_class(each) for each in rows)
    if re.search(rf"\b{NUMERIC}\b", written):
        yield _numeric()
    if any(each.cardinality == "many" for each in rows):
        yield (
            '_T = TypeVar("_T")\n\n\nclass Rows(Generic[_T]):\n'
            '    """Any number of rows."""\n\n'
            "    def __iter__(self) -> Iterator[_T]: ...\n"
        )
    yield from (_class(each) for each in rows)


def _class(row: _Row) -> str:
    lines = [f"class {row.name}:", f'    """A row of {row.about}."""']
    shown = [each for each in row.columns if _is_name(each.name)]
    if shown:
        lines.append("")
    maybe = row.cardinality == "maybe"
    lines += [f"    {each.name}: {column_type(each, maybe=maybe)}" for each in shown]
    return "\n".join(lines) + "\n"


def _is_name(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name)


def _numeric() -> str:
    """Return the type of numeric: PostgreSQL calculates with it and any number."""
    names = [f"__{side}{each}__" for each in _OPERATORS for side in ("", "r")]
    lines = [
        f"    def {name}(self, value: Decimal | int | float, /) -> {NUMERIC}: ..."
        for name in names
    ]
    head = f'class {NUMERIC}(Decimal):\n    """A value of type numeric."""\n\n'
    return head + "\n".join(lines) + "\n"


# --- functions -----------------------------------------------------------------------


def _functions(rows: Sequence[_Row]) -> Iterator[str]:
    for function in FUNCTIONS:
        own = [each for each in rows if each.function == function]
        for each in own:
            text, result = f"Literal[{each.text!r}]", each.name
            if each.cardinality == "many":
                result = f"Rows[{each.name}]"
            yield "@overload\n" + _signature(function, text, each.expect, result)
        if own:
            yield "@overload\n" + _signature(function, None, None, "Row")


def _signature(function: str, text: str | None, expect: str | None, result: str) -> str:
    """Return a signature of the function for one text, or the one for any."""
    signature = inspect.signature(getattr(perdure, function))
    first, *others = signature.parameters.values()
    lines = [f"{first.name}: {text or first.annotation},", "/,", "*,"]
    for each in others:
        if each.name == "expect" and text is not None:
            declared = f"Literal[{expect!r}]" if expect else "None = None"
            lines.append(f"expect: {declared},")
        else:
            lines.append(f"{each.name}: {each.annotation} = {each.default!r},")
    inside = "".join(f"    {line}\n" for line in lines)
    return f"def {function}(\n{inside}) -> {result}: ...\n"


# --- imports -------------------------------------------------------------------------

_STRINGS = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def _imports(body: str) -> Iterator[str]:
    """Yield the lines of imports that the body of the stub needs, and its names."""
    used = set(re.findall(r"\w+", _STRINGS.sub("", body)))
    modules = dict(MODULES)
    modules |= dict.fromkeys(("Generic", "Literal", "TypeVar", "overload"), "typing")
    modules |= {"Iterator": "collections.abc", "Decimal": "decimal"}
    needed = sorted((module, name) for name, module in modules.items() if name in used)
    for module, names in groupby(needed, lambda each: each[0]):
        yield f"from {module} import {', '.join(name for _, name in names)}"
    yield ""
    own = {name for name in FUNCTIONS if name in used}
    others = set(perdure.__all__) - own - {"__version__"}
    for package in (application, authoring):
        for name in sorted(others & set(package.__all__)):
            yield f"from {package.__name__} import {name} as {name}"
    if own:
        yield f"from perdure.authoring.options import {_OPTIONS}"
    yield from ("", "__version__: str", "")
