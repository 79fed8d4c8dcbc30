"""Import the module of a workflow file, to read its constants.

It is imported under a private name, from the text that was read and not from the
file, so that nothing is written beside it and two versions of a file can be compiled
in one process. Modules of the project that it imports are dropped from `sys.modules`
afterwards, for the same reason; installed ones stay. What it prints goes to stderr.
"""

from __future__ import annotations

import contextlib
import hashlib
import linecache
import sys
import traceback
import types
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import perdure
from perdure.diagnostics import Diagnostic, error
from perdure.frontend.yaml.language import LATER_STEPS
from perdure.source import Source, Span

_INSTALLED = {"site-packages", "dist-packages"}


@dataclass(frozen=True, slots=True)
class Module:
    """What a module holds, and the files of the project that it imported."""

    namespace: dict[str, Any]
    files: tuple[Path, ...]


def load_module(source: Source, root: Path) -> tuple[Module | None, list[Diagnostic]]:
    """Import a workflow file; `root` is the folder that its path starts at.

    Whatever importing raises is a finding, with the user's own frames.
    """
    path = root / source.path
    private = f"_perdure_{hashlib.sha256(str(path).encode()).hexdigest()[:16]}"
    module = types.ModuleType(private)
    module.__file__ = str(path)
    before = set(sys.modules)
    with _importing(path, root, private, module):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                code = compile(source.text, str(path), "exec", dont_inherit=True)
            exec(code, module.__dict__)  # importing is what this module is for
        except KeyboardInterrupt:
            raise
        except BaseException as failure:
            return None, [_failed(source, root, path, failure)]
        finally:
            files = _forget(set(sys.modules) - before, root)
    return Module(module.__dict__, files), []


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
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        sys.path[:] = searched
        sys.dont_write_bytecode = writes
        sys.modules.pop(private, None)


def _forget(names: set[str], root: Path) -> tuple[Path, ...]:
    """Drop the project's modules from `sys.modules`, and return their files."""
    files = []
    for name in names:
        module = sys.modules.get(name)
        file = getattr(module, "__file__", None)
        if file and _is_own(Path(file), root):
            files.append(Path(file))
            sys.modules.pop(name, None)
    linecache.checkcache()
    return tuple(sorted(set(files)))


def _is_own(file: Path, root: Path) -> bool:
    return file.is_relative_to(root) and not _INSTALLED & set(
        file.relative_to(root).parts
    )


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
    text = str(failure).strip().splitlines()
    reason = f"{kind}: {text[0]}" if text else kind
    message = f"importing this file fails with {reason}"
    span = _place(source, path, failure)
    return error("WF171", span, message, *notes, help=_help(failure))


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
        if wanted in LATER_STEPS:
            return f'"{wanted}" is not supported yet by this version'
        near = get_close_matches(wanted, perdure.__all__, 1)
        return f'did you mean "{near[0]}"?' if near else None
    if isinstance(failure, ModuleNotFoundError):
        return f'install "{failure.name}" where perdure is installed'
    if isinstance(failure, SystemExit):
        return 'put what a script does below if __name__ == "__main__":'
    return None
