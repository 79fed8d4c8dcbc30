"""Functions that have steps, and no `@workflow` above them.

They are found in the text alone: a file that mentions no workflow is not imported. When
in doubt nothing is said: of a function that has a decorator, whose name begins with
`_`, or that the module names anywhere else, where what uses it is reported.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from perdure.diagnostics import Diagnostic, warning
from perdure.frontend.python.places import Places, quietly_parsed
from perdure.source import Source

_STEPS = frozenset(
    {"sql", "sql_file", "sleep", "sleep_until", "wait_for_signal", "wait_for_schedule"}
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_SCOPES = (*_FUNCTIONS, ast.ClassDef)


def forgotten_workflows(sources: Iterable[Source]) -> list[Diagnostic]:
    """Return a warning for each function of Python files that has steps for nothing."""
    return [each for source in sources for each in _of_file(source)]


def _of_file(source: Source) -> Iterator[Diagnostic]:
    tree = _parsed(source)
    words = _words(tree)
    if not words:
        return
    places, used = Places(source), _used(tree)
    for node in tree.body:
        if not isinstance(node, _FUNCTIONS) or not _is_apart(node, used):
            continue
        if not words.isdisjoint(_called(node)):
            start = places.span(node).start
            span = places.find(node.name, start + len("def "), len(source.text))
            message = f'function "{node.name}" has steps and is no workflow'
            help_ = "write @workflow above it"
            yield warning("WF180", span, message, help=help_)


def _parsed(source: Source) -> ast.Module:
    if not source.path.endswith(".py") or "perdure" not in source.text:
        return ast.Module([], [])
    try:
        tree = quietly_parsed(source.text, "exec")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
    assert isinstance(tree, ast.Module)
    return tree


def _words(tree: ast.Module) -> set[str]:
    """Return the calls that are steps, as the module names them."""
    words: set[str] = set()
    for node in tree.body:
        match node:
            case ast.ImportFrom(module="perdure", level=0, names=names):
                for each in names:
                    words |= _imported(each)
            case ast.Import(names=names):
                for each in names:
                    if each.name == "perdure":
                        words |= {f"{each.asname or each.name}.{x}" for x in _STEPS}
                        words.add(f"{each.asname or each.name}.http.")
    own = _bound(each for each in tree.body if not isinstance(each, _SCOPES))
    own |= {each.name for each in tree.body if isinstance(each, _SCOPES)}
    return {each for each in words if each.split(".")[0] not in own}


def _imported(alias: ast.alias) -> set[str]:
    if alias.name == "*":
        return {*_STEPS, "http."}
    name = alias.asname or alias.name
    if alias.name == "http":
        return {f"{name}."}
    return {name} if alias.name in _STEPS else set()


def _called(function: ast.AST) -> Iterator[str]:
    """Yield what a function calls, of requests without their method."""
    own = _bound([function])
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name.split(".")[0] not in own:
            yield name
            yield name.rpartition(".")[0] + "."


def _bound(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that something else than an import binds, at any depth."""
    names: set[str] = set()
    for node in (each for top in nodes for each in ast.walk(top)):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                names.add(name)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                names.add(node.name)
    return names


def _used(tree: ast.Module) -> set[str]:
    """Return the names that a module reads, and the texts that may be names."""
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name, ctx=ast.Load()) | ast.Attribute(attr=name):
                names.add(name)
            case ast.Constant(value=str() as name):
                names.add(name)
    return names


def _is_apart(node: ast.FunctionDef | ast.AsyncFunctionDef, used: set[str]) -> bool:
    alone = not node.decorator_list and node.name not in used
    return alone and not node.name.startswith("_")
