"""From paths to a result: the passes in order. Read this first.

    text --read--> syntax --resolve--> IR --lower--> plan --legalise--> legal plan
                               \\--check--> findings                      |
                                                     SQL objects <--emit--/

Each pass is a pure function between two forms; this module alone calls them. A file
with mistakes goes as far as it can, so that one run shows all mistakes.

Checking is remembered per file (`perdure.memory`): what a file's findings and digest
are depends only on its text, the SQL files it names, the schema, the target and
this compiler. The rejected way was to remember every form of every file, which
needs a second format for the IR and saves nothing more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from perdure.config import Config, wrong_setting
from perdure.diagnostics import Diagnostic, error
from perdure.memory import Memory, Remembered, open_memory
from perdure.source import Source

if TYPE_CHECKING:
    from perdure.catalog import SchemaCatalog
    from perdure.ir.tree import Workflow
    from perdure.plan.tree import Plan
    from perdure.plan.version import Previous, VersionSql
    from perdure.release import Candidate, Lock, Release
    from perdure.syntax.tree import Workflow as WorkflowSyntax
    from perdure.targets import Target

SUFFIXES = (".yaml", ".yml", ".py")
"""How the names of files with workflows end."""

Progress = Callable[[int, int], None]
"""Called with the number of files done and of all files."""


@dataclass(frozen=True, slots=True)
class Unit:
    """One workflow and how far it came; a Python file may have several.

    `digest` is set when the file has no errors; `ir` also needs that the file was
    really compiled, not remembered (see `Compiler.complete`). `beside` are the modules
    of the project that a Python file imports.
    """

    source: Source
    name: str | None = None
    digest: str | None = None
    findings: tuple[Diagnostic, ...] = ()
    syntax: WorkflowSyntax | None = None
    ir: Workflow | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """All files of a project, with all that was found, and all texts by path."""

    units: tuple[Unit, ...]
    findings: tuple[Diagnostic, ...]
    sources: dict[str, Source]

    @property
    def failed(self) -> bool:
        """Whether there are errors."""
        return any(each.severity == "error" for each in self.findings)


@dataclass(slots=True)
class Compiler:
    """A project while it is being compiled: files that were read, and the catalog.

    Texts that were read are kept for rendering, the names of workflows, once one was
    looked for, to tell what there is.
    """

    config: Config
    catalog: SchemaCatalog
    target: Target
    memory: Memory
    sources: dict[str, Source] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()
    names: tuple[str, ...] = ()

    def check(self, files: Sequence[Path], progress: Progress | None = None) -> Checked:
        """Check files, and the names of workflows against each other.

        Where the schema can't be loaded, or the target is not known, that is all there
        is to say.
        """
        problems = self.problems or self.catalog.problems()
        self.sources.update((each.path, each) for each in self.catalog.sources)
        if problems:
            return Checked((), tuple(problems), self.sources)
        units = []
        for count, file in enumerate(files):
            if progress:
                progress(count, len(files))
            units += self._remembered(file)
        if progress:
            progress(len(files), len(files))
        self.memory.save()
        findings = [each for unit in units for each in unit.findings]
        findings += self._duplicates(units)
        return Checked(tuple(units), tuple(findings), self.sources)

    def complete(self, unit: Unit) -> Unit:
        """Return the unit with its IR, compiling it if it was only remembered."""
        if unit.ir is not None:
            return unit
        compiled = self._compile(unit.source, [])
        return next((each for each in compiled if each.name == unit.name), unit)

    def plan(self, unit: Unit) -> Plan:
        """Return the plan of a unit without errors, legal on the target."""
        from perdure.lower import lower
        from perdure.targets.legal import legalise

        ir = self.complete(unit).ir
        assert ir is not None
        plan, _ = legalise(lower(ir), self.target)
        assert plan is not None
        return plan

    def find(self, workflow: str) -> Unit | None:
        """Return a workflow, by its name or its file, compiled and not remembered."""
        path = Path(workflow)
        if not path.is_file():
            path = self.config.root / workflow
        if path.suffix in SUFFIXES and path.is_file():
            source = self.load(path)
            found = self._compile(source, []) if isinstance(source, Source) else []
            return next(iter(found), None)
        units = self.check(workflow_files(self.config)).units
        self.names = tuple(unit.name for unit in units if unit.name)
        named = next((unit for unit in units if unit.name == workflow), None)
        return named and self.complete(named)

    def dump(self, unit: Unit, stage: str) -> str:
        """Return a form of a unit as text: `syntax`, `ir`, `plan`, or `sql`."""
        from perdure.dump import to_json

        unit = self.complete(unit)
        match stage:
            case "syntax":
                return to_json(unit.syntax)
            case "ir":
                return to_json(unit.ir)
            case "plan":
                return to_json(self.plan(unit))
            case _:
                return self.sql(unit, version=1).up

    def sql(
        self,
        unit: Unit,
        *,
        version: int,
        schema: str | None = None,
        previous: Previous | None = None,
        rename: str | None = None,
    ) -> VersionSql:
        """Return a unit without errors as the SQL of a version.

        `rename` names its functions and its registration otherwise.
        """
        from perdure import __version__
        from perdure.emit import emit
        from perdure.plan.version import Registration

        unit = self.complete(unit)
        assert unit.digest is not None
        plan = self.plan(unit)
        return emit(
            replace(plan, workflow=rename or plan.workflow),
            version=version,
            target=self.target,
            schema=schema or self.config.sql_schema,
            registration=Registration(
                unit.digest,
                __version__,
                unit.source,
                self.sources,
                previous,
                unit.beside,
            ),
        )

    def release(self, checked: Checked) -> Release:
        """Return what has to be written for the files as they are; writes nothing."""
        from perdure.release import Release, plan_release

        lock, found = self.lock()
        if lock is None:
            return Release({}, "", (), tuple(found))
        existing = {
            file.name: file.read_text(encoding="utf-8", errors="replace")
            for file in sorted(self.config.migrations.glob("*.sql"))
        }
        return plan_release(
            [self._candidate(unit) for unit in checked.units if unit.digest],
            lock,
            existing,
            schema=self.config.sql_schema,
        )

    def lock(self) -> tuple[Lock | None, list[Diagnostic]]:
        """Read the lock; an absent one is empty, an unusable one is None."""
        from perdure.release import Lock, read_lock

        if not self.config.lock.exists():
            return Lock(), []
        source = self.load(self.config.lock)
        return (None, [source]) if isinstance(source, Diagnostic) else read_lock(source)

    def _candidate(self, unit: Unit) -> Candidate:
        from perdure.release import Candidate

        assert unit.name is not None
        assert unit.digest is not None

        def build(version: int, previous: Previous | None) -> VersionSql:
            return self.sql(unit, version=version, previous=previous)

        return Candidate(unit.name, unit.digest, str(self.target), build)

    def load(self, path: Path) -> Source | Diagnostic:
        """Read a file; its path in messages is relative to the project's root."""
        from perdure.frontend.decode import decode

        shown = _shown(path, self.config.root)
        try:
            data = path.read_bytes()
        except OSError as failure:
            reason = (failure.strerror or str(failure)).lower()
            return error("WF182", None, f'can\'t read "{shown}": {reason}')
        source = decode(shown, data)
        if isinstance(source, Source):
            self.sources[shown] = source
        return source

    def _duplicates(self, units: Sequence[Unit]) -> list[Diagnostic]:
        """Find workflows that share a name; the later file, by path, is to blame."""
        first: dict[str, str] = {}
        found = []
        for unit in units:
            if unit.name in first:
                syntax = unit.syntax or self._last_of(unit).syntax
                message = (
                    f'"{unit.source.path}" defines workflow "{unit.name}" again, '
                    f'after "{first[unit.name]}"'
                )
                span = syntax.name.span if syntax else None
                found.append(error("WF183", span, message, help="rename one of them"))
            elif unit.name is not None:
                first[unit.name] = unit.source.path
        return found

    def _last_of(self, unit: Unit) -> Unit:
        """Return the last workflow of its name in a file, compiled."""
        compiled = self._compile(unit.source, [])
        return [each for each in compiled if each.name == unit.name][-1]

    def _remembered(self, file: Path) -> list[Unit]:
        source = self.load(file)
        if isinstance(source, Diagnostic):
            shown = Source(_shown(file, self.config.root), "")
            return [Unit(shown, findings=(source,))]
        known = self.memory.find(source, self._text_of)
        if known is not None:
            return [
                Unit(source, each.name, each.digest, each.findings) for each in known
            ]
        read: list[Source] = []
        units = self._compile(source, read)
        outcomes = [Remembered(each.name, each.digest, each.findings) for each in units]
        self.memory.keep(source, read, outcomes)
        return units

    def _text_of(self, path: str) -> str | None:
        source = self.load(self.config.root / path)
        return source.text if isinstance(source, Source) else None

    def _compile(self, source: Source, read: list[Source]) -> list[Unit]:
        """Take one file from text to IR and findings; note other files it reads."""
        units = []
        for syntax, found in self._read(source, read):
            if syntax is None:
                units.append(Unit(source, findings=tuple(found)))
            else:
                units.append(self._finish(source, syntax, found))
        modules = tuple(each.path for each in read if each.path.endswith(".py"))
        return [replace(unit, beside=modules) for unit in units]

    def _read(
        self, source: Source, read: list[Source]
    ) -> list[tuple[WorkflowSyntax | None, list[Diagnostic]]]:
        """Read the workflows of a file; note other files it reads."""

        def load(name: str) -> Source | None:
            place = (self.config.root / source.path).parent / name
            loaded = self.load(place)
            if isinstance(loaded, Diagnostic):
                return None
            read.append(loaded)
            return loaded

        if not source.path.endswith(".py"):
            from perdure.frontend.yaml import read as read_yaml

            return [read_yaml(source, load)]
        from perdure.frontend.python import read_file

        readings, imported = read_file(source, load, self.config.root)
        loaded = [self.load(file) for file in imported]
        read += [each for each in loaded if isinstance(each, Source)]
        return readings

    def _finish(
        self, source: Source, syntax: WorkflowSyntax, found: list[Diagnostic]
    ) -> Unit:
        """Take one workflow from its syntax tree to IR and findings."""
        from perdure.check import check
        from perdure.ignores import apply_ignores
        from perdure.ir.digest import digest
        from perdure.lower import lower
        from perdure.resolve import resolve
        from perdure.targets.legal import legalise

        whole = not _errors(found)
        ir, more = resolve(syntax, self.catalog)
        found = found + more
        if ir is not None and whole:  # what was not read would look unused
            found += check(ir)
            if not _errors(found):
                found += legalise(lower(ir), self.target)[1]
        found = apply_ignores(syntax, source, found)
        good = ir is not None and not _errors(found)
        return Unit(
            source,
            name=syntax.name.text,
            digest=digest(ir) if ir is not None and good else None,
            findings=tuple(found),
            syntax=syntax,
            ir=ir if good else None,
        )


@contextmanager
def open_compiler(
    config: Config,
    *,
    state_dir: Path | None = None,
    remember: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Iterator[Compiler]:
    """Open a project's catalog and what is remembered of its files.

    `state_dir` holds caches and servers, the project's `.perdure` by default. Raises
    `EngineError` when a server is needed and can't be had.
    """
    from perdure.catalog import (
        CatalogSettings,
        SchemaSource,
        ServerOptions,
        open_catalog,
    )
    from perdure.targets import PERDURE, parse_target

    problems: tuple[Diagnostic, ...] = ()
    target = parse_target(config.target)
    if isinstance(target, str):
        problems = (wrong_setting(config.source, "target", target),)
        target = PERDURE
    state = state_dir or config.state_dir
    settings = CatalogSettings(
        schema=SchemaSource(config.schema, config.schema_url),
        state_dir=state,
        root=config.root,
        server=ServerOptions(config.postgres_bin_dir, config.postgres_url),
        progress=progress,
    )
    with open_catalog(settings) as catalog:
        memory = Memory(None, "")
        if remember:
            path = state / "cache" / "checked.json"
            memory = open_memory(path, catalog.digest, str(target))
        sources = {config.source.path: config.source} if config.source else {}
        yield Compiler(config, catalog, target, memory, sources, problems)


def workflow_files(config: Config, paths: Iterable[Path] = ()) -> list[Path]:
    """Return the workflow files below the paths, or of the project, sorted."""
    found: set[Path] = set()
    for path in list(paths) or [config.workflows]:
        if path.is_dir():
            below = (each for suffix in SUFFIXES for each in path.rglob(f"*{suffix}"))
            found.update(each for each in below if not _is_foreign(each, path))
        else:
            found.add(path)
    return sorted(path.absolute() for path in found)


def _is_foreign(path: Path, folder: Path) -> bool:
    """Say whether a Python file belongs to an environment or a cache."""
    parts = path.relative_to(folder).parts[:-1]
    return path.suffix == ".py" and any(
        each.startswith(".") or each in ("__pycache__", "site-packages")
        for each in parts
    )


def _errors(found: Iterable[Diagnostic]) -> bool:
    return any(each.severity == "error" for each in found)


def _shown(path: Path, root: Path) -> str:
    absolute = path.absolute()
    if absolute.is_relative_to(root):
        return absolute.relative_to(root).as_posix()
    return path.as_posix()


__all__ = [
    "Checked",
    "Compiler",
    "Progress",
    "Unit",
    "open_compiler",
    "workflow_files",
]
