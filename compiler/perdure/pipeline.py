"""From paths to a result: the passes in order. Read this first.

    text --read--> syntax --resolve--> IR --lower--> plan --legalise--> legal plan
                               \\--check--> findings                      |
                                                     SQL objects <--emit--/

Each pass is a pure function between two forms; this module alone calls them. A file
with mistakes goes as far as it can, so that one run shows all mistakes.

Checking is remembered per file (`perdure.memory`): what a file's findings and digest
are depends only on its text, the SQL files it names, the schema, the target and
this compiler; those of a Python file also on what its module computes. So a Python file
is read each time, and remembered by the workflows that were read: it is the description
by the database that costs. The rejected ways were to remember every form of every file,
which needs a second format for the IR and saves nothing more, and to look at the
constants of a module only, which forgets its classes and what is made of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from perdure.config import Config, wrong_setting
from perdure.diagnostics import Diagnostic
from perdure.memory import Memory, Remembered, open_memory
from perdure.reading import FileRead, Reader, forgotten
from perdure.source import Source
from perdure.units import (
    SUFFIXES,
    Checked,
    SharedFile,
    Unit,
    as_called,
    at_schema,
    duplicates,
    has_errors,
    is_settled,
    made_from,
    modules,
    read_folder,
    read_shared_file,
    shown_path,
    text_of,
    unknown_layout,
    unreadable,
    workflow_files,
)

if TYPE_CHECKING:
    from perdure.catalog import SchemaCatalog
    from perdure.ir.tree import Workflow
    from perdure.library import Entry, ProjectLibrary
    from perdure.plan.tree import Plan
    from perdure.plan.version import Previous, VersionSql
    from perdure.release import Candidate, Lock, Release
    from perdure.release.layouts import Layout
    from perdure.syntax.tree import Workflow as WorkflowSyntax
    from perdure.targets import Target

Progress = Callable[[int, int], None]
"""Called with the number of files done and of all files."""


@dataclass(slots=True)
class Compiler:
    """A project while it is being compiled: files that were read, and the catalog.

    Texts that were read are kept for rendering, the names of workflows, once one was
    looked for, to tell what there is. `files` are those to look for workflows in;
    `needed` those whose workflows were called.
    """

    config: Config
    catalog: SchemaCatalog
    target: Target
    memory: Memory
    sources: dict[str, Source] = field(default_factory=dict)
    problems: tuple[Diagnostic, ...] = ()
    names: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    needed: set[str] = field(default_factory=set)
    optimise: bool = True
    _library: ProjectLibrary | None = None
    _shared: SharedFile | None = None
    _reads: dict[str, FileRead] = field(default_factory=dict)

    def check(self, files: Sequence[Path], progress: Progress | None = None) -> Checked:
        """Check files, and the names of workflows against each other.

        Where the schema can't be loaded, or the target is not known, that is all there
        is to say.
        """
        problems = self.problems or at_schema(self.config, self.catalog.problems())
        self.sources.update((each.path, each) for each in self.catalog.sources)
        if problems:
            return Checked((), tuple(problems), self.sources)
        units = []
        self.files, self.needed = tuple(files), set()
        self._library = self._shared = None
        self._reads = {}
        for count, file in enumerate(files):
            if progress:
                progress(count, len(files))
            units += self._remembered(file)
        if progress:
            progress(len(files), len(files))
        self.memory.save()
        findings = [*self.shared().findings]
        findings += [each for unit in units for each in unit.findings]
        findings += self._elsewhere({unit.source.path for unit in units})
        findings += duplicates(units, self._last_of)
        findings += forgotten(self.sources, files, self.config.root)
        return Checked(tuple(units), tuple(findings), self.sources)

    def _elsewhere(self, covered: set[str]) -> list[Diagnostic]:
        """Return the errors of called workflows that stand in other files."""
        found = []
        for path in sorted(self.needed - covered):
            for unit in self._remembered(self.config.root / path):
                found += [each for each in unit.findings if each.severity == "error"]
        return found

    def library(self) -> ProjectLibrary:
        """Return the workflows of the project as they know each other."""
        from perdure.ir.digest import digest
        from perdure.library import ProjectLibrary
        from perdure.resolve import declared

        if self._library is None:
            self._library = ProjectLibrary(
                self._entries,
                self._callee_ir,
                lambda syntax: declared(syntax, self.catalog),
                as_called,
                digest,
            )
        return self._library

    def _entries(self) -> dict[str, Entry]:
        """Read all files; of workflows that share a name, the first counts."""
        from perdure.library import Entry

        found: dict[str, Entry] = {}
        files = {each.absolute() for each in self.files}
        for file in sorted({*files, *workflow_files(self.config)}):
            source = self.load(file)
            if isinstance(source, Diagnostic):
                continue
            known = self._read(source)
            for syntax, mistakes in known.workflows:
                if syntax is not None:
                    entry = Entry(source, syntax, tuple(mistakes), known.read)
                    found.setdefault(syntax.name.text, entry)
        return found

    def _callee_ir(self, entry: Entry) -> Workflow | None:
        """Return the IR of a workflow, None when it has errors."""
        from perdure.resolve import resolve

        if has_errors(entry.found):
            return None
        return resolve(entry.syntax, self.catalog, self.library())[0]

    def complete(self, unit: Unit) -> Unit:
        """Return the unit with its IR, compiling it if it was only remembered."""
        if unit.ir is not None:
            return unit
        compiled = self._compile(unit.source, [])
        return next((each for each in compiled if each.name == unit.name), unit)

    def plan(self, unit: Unit) -> Plan:
        """Return the plan of a unit without errors, legal on the target."""
        from perdure.planning import plan_of

        ir = self.complete(unit).ir
        assert ir is not None
        plan = plan_of(ir, self.target, optimise=self.optimise).plan
        assert plan is not None
        return plan

    def find(self, workflow: str) -> Unit | None:
        """Return a workflow, by its name or its file, compiled and not remembered."""
        path = Path(workflow)
        if not path.is_file():
            path = self.config.root / workflow
        if path.suffix in SUFFIXES and path.is_file():
            source = self.load(path)
            self._library, self._reads = None, {}  # the file may be new
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
        functions: Mapping[str, str] | None = None,
    ) -> VersionSql:
        """Return a unit without errors as the SQL of a version.

        `rename` names its functions and its registration otherwise; `functions` are
        those that start other workflows, the latest versions by default.
        """
        from perdure import __version__
        from perdure.emit import emit
        from perdure.plan.version import Registration

        unit = self.complete(unit)
        assert unit.digest is not None
        plan = self.plan(unit)
        if rename:  # tried out beside the others: its schedule is not begun
            own = replace(plan.options, schedule=None)
            plan = replace(plan, workflow=rename, options=own)
        return emit(
            plan,
            version=version,
            target=self.target,
            schema=schema or self.config.sql_schema,
            registration=Registration(
                unit.digest,
                __version__,
                unit.source,
                self.sources,
                previous,
                made_from(unit, lambda name: self.library().entries[name].read),
                functions if functions is not None else self.functions(unit, {}),
            ),
        )

    def functions(
        self, unit: Unit, versions: Mapping[str, int], schema: str | None = None
    ) -> dict[str, str]:
        """Return the functions that start the workflows that one calls, by name."""
        from perdure.emit.functions import function_name

        library = self.library()
        if unit.name is None or not library.reach(unit.name):
            return {}
        lock = self.lock()[0]
        found = {}
        for name in library.reach(unit.name):
            entry = lock.current(name) if lock else None
            version = versions.get(name) or (entry.version if entry else 1)
            where = schema or self.config.sql_schema
            found[name] = function_name(where, name, version)
        return found

    def release(self, checked: Checked) -> Release:
        """Return what has to be written for the files as they are; writes nothing."""
        from perdure.release import Release, plan_release

        lock, found = self.lock()
        if lock is None:
            return Release({}, "", (), tuple(found))
        return plan_release(
            [self._candidate(unit) for unit in checked.units if unit.digest],
            lock,
            read_folder(self.config.migrations, self.layout.globs, lock),
            self.layout,
            schema=self.config.sql_schema,
        )

    @property
    def layout(self) -> Layout:
        """How the project lays out its migrations."""
        from perdure.release.layouts import LAYOUTS

        return LAYOUTS[self.config.layout]

    def lock(self) -> tuple[Lock | None, list[Diagnostic]]:
        """Read the lock; an absent one is empty, an unusable one is None."""
        from perdure.release import Lock, read_lock

        if not self.config.lock.exists():
            return Lock(), []
        source = self.load(self.config.lock, limited=False)
        return (None, [source]) if isinstance(source, Diagnostic) else read_lock(source)

    def _candidate(self, unit: Unit) -> Candidate:
        from perdure.release import Candidate, calls_of
        from perdure.uses import recorded

        assert unit.name is not None
        assert unit.digest is not None

        def build(
            version: int, previous: Previous | None, numbers: Mapping[str, int]
        ) -> VersionSql:
            calls = self.functions(unit, numbers)
            return self.sql(unit, version=version, previous=previous, functions=calls)

        uses = partial(recorded, lambda: self.complete(unit).ir, self.catalog)
        calls = partial(self.functions, unit, {})
        own = (unit.name, unit.digest, str(self.target))
        return Candidate(
            *own, build, uses, calls, lambda: calls_of(self.complete(unit).ir)
        )

    def load(self, path: Path, *, limited: bool = True) -> Source | Diagnostic:
        """Read a file; its path in messages is relative to the project's root."""
        from perdure.frontend.decode import decode

        shown = shown_path(path, self.config.root)
        try:
            data = path.read_bytes()
        except OSError as failure:
            return unreadable(self.config, path, failure)
        source = decode(shown, data, limited=limited)
        if isinstance(source, Source):
            self.sources[shown] = source
        return source

    def _last_of(self, unit: Unit) -> Unit:
        """Return the last workflow of its name in a file, compiled."""
        compiled = self._compile(unit.source, [])
        return [each for each in compiled if each.name == unit.name][-1]

    def _remembered(self, file: Path) -> list[Unit]:
        source = self.load(file)
        if isinstance(source, Diagnostic):
            shown = Source(shown_path(file, self.config.root), "")
            return [Unit(shown, findings=(source,))]
        known = self.memory.find(source.path, self._state_of)
        if known is not None:
            return [
                Unit(source, each.name, each.digest, each.findings) for each in known
            ]
        read: list[Source] = []
        units = self._compile(source, read)
        outcomes = [Remembered(each.name, each.digest, each.findings) for each in units]
        if all(map(is_settled, units)):
            states = {each.path: self._state(each) for each in (source, *read)}
            self.memory.keep(source.path, states, outcomes)
        return units

    def _state_of(self, path: str) -> str | None:
        source = self.load(self.config.root / path)
        return self._state(source) if isinstance(source, Source) else None

    def _state(self, source: Source) -> str:
        """Return all that a file says; see `FileRead`."""
        python = source.path.endswith(".py")
        return self._read(source).state if python else source.text

    def _compile(self, source: Source, read: list[Source]) -> list[Unit]:
        """Take one file from text to IR and findings; note other files it reads."""
        units = []
        known = self._read(source)
        readings = self._reader().read_twice(source, known.workflows)
        read += known.read
        beside = modules(read)
        for syntax, found in readings:
            if syntax is None:
                units.append(Unit(source, findings=tuple(found)))
                continue
            units.append(self._finish(source, syntax, found))
            others = self._called_by(syntax)
            self.needed |= {
                each.path for each in others if each.path.endswith(SUFFIXES)
            } - {source.path, self.config.shared}
            read += [each for each in others if each.path != source.path]
        return [replace(unit, beside=beside) for unit in units]

    def shared(self) -> SharedFile:
        """Return the definitions that all workflows share; none without their file."""
        if self._shared is None:
            self._shared = read_shared_file(self.config.shared_file, self.load)
        return self._shared

    def _called_by(self, syntax: WorkflowSyntax) -> list[Source]:
        """Return the files that a workflow depends on through its calls."""
        from perdure.library import called

        return list(self.library().sources(syntax)) if called(syntax) else []

    def _reader(self) -> Reader:
        return Reader(self.config, self.shared(), self.load)

    def _read(self, source: Source) -> FileRead:
        """Read a file once in a check: all see the same constants of a module."""
        known = self._reads.get(source.path)
        if known is None or known.source != source:
            known = self._reads[source.path] = self._reader().read(source)
        return known

    def _finish(
        self, source: Source, syntax: WorkflowSyntax, found: list[Diagnostic]
    ) -> Unit:
        """Take one workflow from its syntax tree to IR and findings."""
        from perdure.check import check
        from perdure.engine.guard import refusals
        from perdure.ignores import apply_ignores
        from perdure.library import called
        from perdure.planning import plan_of
        from perdure.resolve import resolve

        whole, sound = not has_errors(found), False
        library = self.library()
        ir, more = resolve(syntax, self.catalog, library)
        # a `return` that was not read is no missing one
        found = found + [each for each in more if whole or each.code != "WF226"]
        found += library.endless(syntax) if called(syntax) else []
        if ir is not None and whole:  # what was not read would look unused
            worker = refusals(self.config.http_allow)
            found += check(ir, None if self.target.version else worker)
            sound = not has_errors(found)
            if sound:
                planned = plan_of(ir, self.target, optimise=self.optimise)
                found += planned.findings
        found = apply_ignores(syntax, source, found)
        good = ir is not None and not has_errors(found)
        name = syntax.name.text
        return Unit(
            source,
            name=name,
            digest=library.digest_of(name, ir) if ir is not None and good else None,
            findings=tuple(found),
            syntax=syntax,
            ir=ir if good else None,
            drawn=ir if good or sound else None,
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
    from perdure.release.layouts import LAYOUTS
    from perdure.targets import PERDURE, parse_target

    problems: tuple[Diagnostic, ...] = ()
    target = parse_target(config.target)
    if isinstance(target, str):
        problems = (wrong_setting(config.source, "target", target),)
        target = PERDURE
    if config.layout not in LAYOUTS:
        problems += (unknown_layout(config, LAYOUTS),)
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
            shared = text_of(config.shared_file)
            hosts = " ".join(config.http_allow)
            memory = open_memory(path, catalog.digest, str(target), hosts, shared)
        sources = {config.source.path: config.source} if config.source else {}
        yield Compiler(config, catalog, target, memory, sources, problems)


__all__ = ["Checked", "Compiler", "Progress", "Unit", "open_compiler", "workflow_files"]
