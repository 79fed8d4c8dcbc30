"""From a file to the syntax trees of its workflows, in either language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from perdure.config import Config
from perdure.diagnostics import Diagnostic
from perdure.source import Source
from perdure.units import SharedFile, named_file, shown_path

if TYPE_CHECKING:
    from perdure.syntax.tree import Workflow

Reading = tuple["Workflow | None", list[Diagnostic]]
"""A workflow as it was read, and what was found."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """The workflows of a file, the other files that it reads, and all that it says.

    That is its text; of Python also what was read of it, which the module computes.
    """

    source: Source
    workflows: tuple[Reading, ...]
    read: tuple[Source, ...]
    state: str


@dataclass(frozen=True, slots=True)
class Reader:
    """Reads the files of a project; `load` reads one as text."""

    config: Config
    shared: SharedFile
    load: Callable[[Path], Source | Diagnostic]

    def read(self, source: Source) -> FileRead:
        """Read the workflows of a file."""
        read: list[Source] = []

        def load(name: str) -> Source | None:
            place = named_file(name, source.path, self.config)
            loaded = self.load(place) if place else None
            if not isinstance(loaded, Source):
                return None
            read.append(loaded)
            return loaded

        shared = self.shared
        if shared.source is not None:
            read.append(shared.source)
        if not source.path.endswith(".py"):
            from perdure.frontend.yaml import read as read_yaml

            reading = read_yaml(source, load, shared.definitions)
            return FileRead(source, (reading,), tuple(read), source.text)
        from perdure.frontend.python import read_file

        root = self.config.root
        readings, imported = read_file(source, load, root, shared.definitions)
        loaded = [self.load(file) for file in imported]
        read += [each for each in loaded if isinstance(each, Source)]
        state = f"{source.text}\0{readings!r}"
        return FileRead(source, tuple(readings), tuple(read), state)

    def read_twice(self, source: Source, first: Sequence[Reading]) -> list[Reading]:
        """Read a module again, and report what is never the same."""
        if not source.path.endswith(".py"):
            return list(first)
        from perdure.frontend.python import report_varying

        return report_varying(first, self.read(source).workflows)


def forgotten(
    sources: Mapping[str, Source], files: Iterable[Path], root: Path
) -> list[Diagnostic]:
    """Find functions of Python files that should be workflows."""
    python = [shown_path(file, root) for file in files if file.suffix == ".py"]
    if not python:
        return []
    from perdure.frontend.python import forgotten_workflows

    return forgotten_workflows(sources[each] for each in python if each in sources)
