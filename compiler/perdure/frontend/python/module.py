"""Import the module of a workflow file, to read its constants.

It is imported under a private name, from the text that was read and not from the
file, so that nothing is written beside it and two versions of a file can be compiled
in one process. Modules of the project that it imports are dropped from `sys.modules`
afterwards, for the same reason; installed ones stay. What it prints goes to stderr.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import linecache
import os
import re
import sys
import traceback
import types
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

import perdure
from perdure.diagnostics import Diagnostic, error
from perdure.frontend.python.places import Places, quietly_parsed
from perdure.source import Source, Span

_FILE = re.compile(r" \([^()]*\.(?:py|so|pyd)\)$")
_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class Module:
    """What a module holds, and the modules of the project that it imported.

    `modules` has both by the names that they had in `sys.modules`.
    """

    namespace: dict[str, Any]
    files: tuple[Path, ...] = ()
    modules: Mapping[str, types.ModuleType] = field(default_factory=dict)

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Put the modules back, for what looks names up in them: type hints do."""
        before = {name: sys.modules.get(name) for name in self.modules}
        sys.modules.update(self.modules)
        try:
            yield
        finally:
            for name, module in before.items():
                if module is None:
                    sys.modules.pop(name, None)
                else:
                    sys.modules[name] = module


def load_module(source: Source, root: Path) -> tuple[Module | None, list[Diagnostic]]:
    """Import a workflow file; `root` is the folder that its path starts at.

    Whatever importing raises is a finding, with the user's own frames.
    """
    path = root / source.path
    code = _compiled(source, path)
    if isinstance(code, Diagnostic):
        return None, [code]
    private = private_name(source.path)
    module = types.ModuleType(private)
    module.__file__ = str(path)
    module.__package__ = _package(path, root)
    before = set(sys.modules)
    with _importing(path, root, private, module):
        try:
            exec(code, module.__dict__)  # importing is what this module is for
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            return None, [_failed(source, root, path, failure)]
        finally:
            others = _forget(set(sys.modules) - before - {private}, root)
    files = {Path(each.__file__) for each in others.values() if each.__file__}
    modules = {**others, private: module}
    return Module(module.__dict__, tuple(sorted(files)), modules), []


def private_name(path: str) -> str:
    """Return the `__name__` of the module of a file, by its path in the project."""
    return f"_perdure_{hashlib.sha256(path.encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def _importing(
    path: Path, root: Path, private: str, module: types.ModuleType
) -> Iterator[None]:
    """Let the module find its neighbours, and keep stdout for results."""
    searched = list(sys.path)
    writes = sys.dont_write_bytecode
    sys.modules[private] = module
    sys.path[:0] = [str(path.parent), str(root)]
    sys.dont_write_bytecode = True
    leave, os._exit = os._exit, _exit
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os._exit = leave
        sys.path[:] = searched
        sys.dont_write_bytecode = writes
        sys.modules.pop(private, None)


def _exit(status: int) -> NoReturn:
    """Stand for `os._exit` while a module is imported: it would end the compiler."""
    raise SystemExit(status)


def _forget(names: set[str], root: Path) -> dict[str, types.ModuleType]:
    """Drop the project's modules from `sys.modules`, and return them."""
    own = {}
    for name in names:
        module = sys.modules.get(name)
        places = [getattr(module, "__file__", None)]
        if places == [None]:  # a folder, as part of a longer name
            places = list(getattr(module, "__path__", ()))
        if module is not None and any(_is_own(Path(x), root) for x in places if x):
            own[name] = module
    for name in own:
        del sys.modules[name]
    linecache.checkcache()
    return own


def _package(path: Path, root: Path) -> str:
    """Return the package that `.` means in a file: its folder, from the root on."""
    parts = path.parent.relative_to(root).parts if path.is_relative_to(root) else ()
    return ".".join(parts) if all(each.isidentifier() for each in parts) else ""


def _is_own(file: Path, root: Path) -> bool:
    return file.is_relative_to(root) and not _INSTALLED & set(
        file.relative_to(root).parts
    )


def _compiled(source: Source, path: Path) -> types.CodeType | Diagnostic:
    """Compile a file without the bodies of its workflows, which are never executed.

    What Python would refuse in them, such as `await`, is reported by the reader.
    """
    try:
        tree = quietly_parsed(source.text, "exec")
        assert isinstance(tree, ast.Module)
        _empty_workflows(tree)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return compile(tree, str(path), "exec", dont_inherit=True)
    except SyntaxError as failure:
        return _not_python(source, failure)
    except (RecursionError, MemoryError):  # of a sum of some thousand terms
        message = "the file nests deeper than Python reads"
        help_ = "assign parts of long expressions to names"
        return error("WF105", Span(source.path, 0, 0), message, help=help_)
    except ValueError as failure:
        message = f"the file is not Python: {failure}"
        return error("WF170", Span(source.path, 0, 0), message)


def refused_by_python(source: Source, function: ast.stmt) -> Diagnostic | None:
    """Return what Python has against a workflow when its module is really imported.

    Some of it only compiling finds, such as a case after `case _`.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(ast.Module([function], []), source.path, "exec", dont_inherit=True)
    except SyntaxError as failure:
        return _not_python(source, failure)
    except (RecursionError, MemoryError):
        return None  # of less depth than the reader's limit it is no matter
    return None


def _empty_workflows(tree: ast.Module) -> None:
    """Empty the functions that a decorator named as perdure's makes workflows.

    Of the decorator's options only the name is left: the reader checks the others.
    """
    names = {
        "workflow" if alias.name == "*" else alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "perdure"
        for alias in node.names
        if alias.name in ("workflow", "*")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and any(
            _is_named(each, names) for each in node.decorator_list
        ):
            node.body = [ast.copy_location(ast.Pass(), node.body[0])]
            for each in node.decorator_list:
                if isinstance(each, ast.Call) and _is_named(each, names):
                    each.keywords = [k for k in each.keywords if k.arg == "name"]


def _is_named(decorator: ast.expr, names: set[str]) -> bool:
    named = decorator.func if isinstance(decorator, ast.Call) else decorator
    if isinstance(named, ast.Attribute):
        return named.attr == "workflow"
    return isinstance(named, ast.Name) and named.id in names


def _not_python(source: Source, failure: SyntaxError) -> Diagnostic:
    places = Places(source)
    line = min(failure.lineno or 1, places.lines)
    start = places.line_start(line) + max(0, (failure.offset or 1) - 1)
    start = min(start, len(source.text))
    end = start + 1
    if failure.end_offset and failure.end_lineno == failure.lineno:
        end = max(end, start + failure.end_offset - (failure.offset or 1))
    span = Span(source.path, start, min(end, len(source.text)))
    reason = failure.msg[:1].lower() + failure.msg[1:]
    return error("WF170", span, f"the file is not Python: {reason}")


# --- what went wrong ------------------------------------------------------------


def _failed(
    source: Source, root: Path, path: Path, failure: BaseException
) -> Diagnostic:
    frames = [
        frame
        for frame in traceback.extract_tb(failure.__traceback__)
        if _is_own(Path(frame.filename), root) and Path(frame.filename) != path
    ]
    notes = [
        f"in {Path(frame.filename).relative_to(root).as_posix()}, line {frame.lineno}: "
        f"{frame.line}"
        for frame in frames
    ]
    kind = type(failure).__name__
    text = _text(failure).strip().splitlines()
    reason = f"{kind}: {_FILE.sub('', text[0])}" if text else kind
    message = f"importing this file fails with {reason}"
    span = _place(source, path, failure)
    return error("WF171", span, message, *notes, help=_help(failure))


def _text(failure: BaseException) -> str:
    """Return what a failure says; one of the user's own classes may fail at it."""
    try:
        return str(failure)
    except Exception:
        return ""


def _place(source: Source, path: Path, failure: BaseException) -> Span:
    """Return the line of this file that the failure came through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(failure.__traceback__)
        if Path(frame.filename) == path and frame.lineno
    ]
    if not lines:
        return Span(source.path, 0, 0)
    number = min(lines[-1], len(source.line_starts))
    line = source.line(number)
    start = source.line_starts[number - 1]
    indent = len(line) - len(line.lstrip())
    return Span(source.path, start + indent, start + len(line.rstrip()))


def _help(failure: BaseException) -> str | None:
    if isinstance(failure, ImportError) and failure.name == "perdure":
        wanted = getattr(failure, "name_from", None)  # from Python 3.12 on
        wanted = wanted or str(failure).split("'")[1]
        near = get_close_matches(wanted, perdure.__all__, 1)
        return f'did you mean "{near[0]}"?' if near else None
    if isinstance(failure, NameError) and failure.name in perdure.__all__:
        return f"add: from perdure import {failure.name}"
    if isinstance(failure, ImportError) and "circular import" in str(failure):
        return 'import one way, and call the other by name: call("name", {...})'
    if isinstance(failure, ImportError) and "relative import" in str(failure):
        return "write its name without dots: it is found beside this file"
    if isinstance(failure, ModuleNotFoundError):
        return f'install "{failure.name}" where perdure is installed'
    if isinstance(failure, SystemExit):
        return 'put what a script does below if __name__ == "__main__":'
    return None
