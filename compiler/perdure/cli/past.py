"""Versions of before, as a project to compile: from the lock, or a database."""

from __future__ import annotations

import re
import tempfile
from collections import deque
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perdure.cli.project import fail, opened_compiler

if TYPE_CHECKING:
    from perdure.cli.released import Released
    from perdure.config import Config
    from perdure.engine.inflight import Registered
    from perdure.engine.runs import Place
    from perdure.pipeline import Checked, Compiler, Unit
    from perdure.release import Entry
    from perdure.source import Source

    _Found = tuple[Unit | None, dict[str, Source]]

_TRIED = re.compile(r"_[0-9a-f]{8}$")  # as `perdure run` names what is not compiled
_TRIES = 30
"""How often a version that lacks files is compiled with others' versions."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The workflows of a project by name, and the files that were read.

    Versions of before have `own` files, by workflow, which may be others of the same
    path, and the `digests` that they were released with. `versions` are the numbers of
    those in force, as far as they have one yet, `kept` those of all that are not
    retired. A workflow that only the target or a rollback keeps from being compiled is
    there, too; `failed` says that there is one.
    """

    units: dict[str, Unit]
    sources: dict[str, Source]
    digests: Mapping[str, str] = field(default_factory=dict)
    failed: bool = False
    own: Mapping[str, Mapping[str, Source]] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, Container[int]] = field(default_factory=dict)

    def digest(self, name: str) -> str | None:
        """Return the digest of a workflow's version."""
        unit = self.units.get(name)
        return self.digests.get(name) or (unit.digest if unit else None)

    @property
    def retyped(self) -> set[str]:
        """The workflows whose versions had other types under the schema of then."""
        return {
            name
            for name, unit in self.units.items()
            if None is not unit.digest != self.digest(name)
        }


@dataclass(frozen=True, slots=True)
class Past:
    """A version of before: its files, its own first, and the places of its nodes.

    `uses` is what the lock recorded, `calls` the versions of other workflows that it
    starts, None where they are not known.
    """

    workflow: str
    version: int
    digest: str
    files: Mapping[str, str]
    places: tuple[Place, ...]
    uses: tuple[tuple[str, str], ...] = ()
    calls: Mapping[str, int] | None = None

    @property
    def key(self) -> str:
        """How people write it."""
        return f"{self.workflow}@{self.version}"


def compiled(config: Config) -> Compiled:
    """Compile all workflows of a project; end the command on mistakes.

    Those of the lock and the migrations are mistakes, too. Warnings are not told: the
    command is about something else. But rollbacks are, as far as they keep something
    from being compiled.
    """
    from perdure.cli.project import check_all, show

    with opened_compiler(config, remember=False) as compiler:
        checked = check_all(compiler, config)
        found = [*checked.findings] if checked.failed else []
        if not checked.failed:
            later = compiler.release(checked).findings
            found = [e for e in later if e.severity == "error" or e.code == "WF709"]
        if found:
            show(found, checked.sources)
        errors = {each.code for each in found if each.severity == "error"}
        if errors - {"WF710"} and not (checked.failed and _only_target(checked)):
            raise typer.Exit(1)
        return Compiled(_drawn(checked), checked.sources, failed=bool(errors))


def compiled_before(config: Config, state_dir: Path) -> Compiled:
    """Compile workflows of before; those with mistakes have no IR.

    End the command only when nothing can be said, as when the schema can't be loaded.
    """
    from perdure.cli.project import check_all, show

    with opened_compiler(config, remember=False, state_dir=state_dir) as compiler:
        checked = check_all(compiler, config)
        if checked.failed and not checked.units:
            show(checked.findings, checked.sources)
            raise typer.Exit(1)
        return Compiled(_drawn(checked), checked.sources)


def compiled_versions(
    config: Config, versions: list[Past], known: list[Past], state_dir: Path
) -> Compiled:
    """Compile versions that are in force; those with mistakes have no IR.

    Each is compiled from its own files, in a folder of its own: a workflow that took
    another one in, or that shares definitions with it, has them as they were then,
    whatever the other one was rolled back to. `known` are all versions that one may
    start. End the command only when nothing can be said, as when the schema can't be
    loaded.
    """
    from perdure.cli.late import end_on_problems
    from perdure.pipeline import Unit
    from perdure.source import Source

    units: dict[str, Unit] = {}
    own: dict[str, Mapping[str, Source]] = {}
    with opened_compiler(config, remember=False, state_dir=state_dir) as compiler:
        end_on_problems(compiler)
        for each in versions:
            unit, read = _whole(compiler, config, each, versions, known)
            if unit is None or unit.name != each.workflow:
                unit = Unit(Source(next(iter(each.files), each.key), ""), each.workflow)
            units[each.workflow] = replace(unit, ir=unit.drawn)
            own[each.workflow] = read
    digests = {each.workflow: each.digest for each in versions}
    numbers = {each.workflow: each.version for each in versions}
    return Compiled(units, {}, digests, own=own, versions=numbers)


def _whole(
    compiler: Compiler,
    config: Config,
    version: Past,
    current: list[Past],
    known: list[Past],
) -> _Found:
    """Compile a version with all that its text came from.

    Older migrations lack the files of a workflow that was taken in when no step of it
    was left. Its version is the one that gives the digest; where none does, the one in
    force is taken, and a note says so.
    """
    fallback: tuple[tuple[Past, ...], _Found] | None = None
    left: deque[tuple[Past, ...]] = deque([()])
    every = {each.key: each for each in (*current, *reversed(known))}
    for _ in range(_TRIES):
        added = left.popleft()
        others = [*added, *started((version, *added), current, known)]
        with folder() as place:
            compiling = _over(compiler, config, version, others, place)
            found = _check(compiling, version, others, place), compiling.sources
            lacking = _lacking(compiling, version.workflow)
        choices = [each for each in every.values() if each.workflow in lacking[:1]]
        left.extend((*added, each) for each in choices)
        if not choices and (not added or _made(found, version)):
            return found
        if not choices and fallback is None:
            fallback = added, found
        if not left:
            break
    if fallback is None:
        return found
    keys = ", ".join(each.key for each in fallback[0])
    typer.echo(
        f"note: the migration of {version.key} lacks files of what it takes in; it is "
        f"compared as if that were {keys}",
        err=True,
    )
    return fallback[1]


def _made(found: _Found, version: Past) -> bool:
    """Say whether compiling a version gave what was released."""
    return found[0] is not None and found[0].digest == version.digest


def _lacking(compiling: Compiler, workflow: str) -> list[str]:
    """Return the workflows that one calls, directly or not, and that are not there."""
    library = compiling.library()
    return sorted(library.reach(workflow) - library.entries.keys())


def started(
    versions: Sequence[Past], current: list[Past], known: list[Past]
) -> list[Past]:
    """Return the versions that some start, and those that these start.

    Where it is not known which they are, it is what is in force of the workflows that
    their files name.
    """
    numbered = {(each.workflow, each.version): each for each in [*known, *current]}
    named = {each.workflow: each for each in current}
    found: dict[str, Past] = {}
    own = {each.workflow for each in versions}
    left = [*versions]
    while left:
        one = left.pop()
        calls = one.calls
        if calls is None:
            words = set(re.findall(r"\w+", "\n".join(one.files.values())))
            calls = {e.workflow: e.version for e in current if e.workflow in words}
        for name, number in calls.items():
            each = numbered.get((name, number), named.get(name))
            if each and name not in {*found, *own}:
                found[name] = each
                left.append(each)
    return list(found.values())


def _drawn(checked: Checked) -> dict[str, Unit]:
    units = [replace(unit, ir=unit.drawn) for unit in checked.units]
    return {unit.name: unit for unit in units if unit.name}


def _only_target(checked: Checked) -> bool:
    """Say whether all that is wrong is what the target can't do."""
    whole = {id(each) for unit in checked.units if unit.drawn for each in unit.findings}
    return all(id(e) in whole for e in checked.findings if e.severity == "error")


@contextmanager
def folder() -> Iterator[Path]:
    """Give a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="perdure-") as name:
        yield Path(name).resolve()


def released(config: Config) -> Released:
    """Read the lock and its scripts; of another target where there is none for ours."""
    from perdure.cli.released import read_released
    from perdure.release import read_lock
    from perdure.source import Source

    if config.lock.exists():
        text = config.lock.read_text("utf-8", errors="replace")
        lock, _ = read_lock(Source(config.lock.name, text))
        targets = [each.target for each in lock.entries] if lock else []
        if targets and config.target not in targets:
            config = replace(config, target=targets[-1])
    return read_released(config)


def in_force(config: Config, versions: list[Past]) -> list[Past]:
    """Return those versions of the lock that are in force."""
    keys = {entry.key for entry in released(config).lock.in_force}
    return [each for each in versions if each.key in keys]


def locked(config: Config) -> list[Past]:
    """Return the versions of the lock that are not retired."""
    found = released(config)
    return [
        _of_script(entry, found.scripts[entry.key])
        for entry in found.lock.entries
        if entry.version not in found.lock.retired(entry.workflow)
    ]


def _of_script(entry: Entry, script: str) -> Past:
    from perdure.engine.client import read_source_map
    from perdure.release.needed import calls
    from perdure.release.sources import registered_map, registered_sources

    places = tuple(read_source_map(registered_map(script)))
    files = registered_sources(script)
    started = calls(script, entry.schema)
    started.pop(entry.workflow, None)
    own = (entry.workflow, entry.version, entry.digest)
    return Past(*own, files, places, entry.uses, started)


def deployed(
    registered: list[Registered],
    known: list[Past],
    target: str,
    needed: Container[str] = (),
) -> list[Past]:
    """Return the versions that a database registers for a target.

    Retired ones are left out, but for those that are `needed`. Those that the lock
    knows, too, are taken from there: it has the names of files.
    """
    locked_ = {(each.key, each.digest): each for each in known}
    return [
        locked_.get((each.key, each.digest)) or _of_database(each)
        for each in registered
        if each.target == target
        and (not each.retired or each.key in needed)
        and not _TRIED.search(each.name)
    ]


def _of_database(each: Registered) -> Past:
    from perdure.release.needed import calls

    started = None
    if each.function is not None:
        started = calls(each.function, each.schema)
        started.pop(each.name, None)
    own = (each.name, each.version, each.digest)
    return Past(*own, _files_of(each), each.places, calls=started)


def _files_of(each: Registered) -> dict[str, str]:
    """Take the joined sources apart; the name of the first file is not among them."""
    from perdure.engine.client import source_files

    first, others = source_files(each.source)
    own = next((p.file for p in each.places if p.file and p.file not in others), None)
    guess = "yaml" if re.search(r"^workflow\s*:", first, re.MULTILINE) else "py"
    return {own or f"workflows/{each.name}.{guess}": first, **others}


def as_project(config: Config, place: Path, versions: list[Past]) -> Config:
    """Write the files of versions, and return the configuration for them."""
    for each in versions:
        write(place, each.files, each.key)
    workflows = place
    if config.workflows.is_relative_to(config.root):
        own = place / config.workflows.relative_to(config.root)
        inside = all(_below(place, each.files, own) for each in versions)
        workflows = own if inside else place
    workflows.mkdir(parents=True, exist_ok=True)
    return replace(config, root=place, source=None, workflows=workflows)


def _below(place: Path, files: Mapping[str, str], folder: Path) -> bool:
    return (place / next(iter(files), "")).is_relative_to(folder)


def write(place: Path, files: Mapping[str, str], key: str) -> None:
    """Write the files of a version below a folder."""
    for path, text in files.items():
        target = place / path
        if not target.resolve().is_relative_to(place):
            fail(f'{key} names a file outside of the project, "{path}"')
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def of_version(
    compiler: Compiler, config: Config, version: Past, others: list[Past], place: Path
) -> tuple[Unit | None, dict[str, Source]]:
    """Compile a version under a compiler's schema; `others` are there to be called.

    Its findings are those of the workflows that it takes in, too: their steps are its
    own, and their files are among its files.
    """
    compiling = _over(compiler, config, version, others, place)
    return _check(compiling, version, others, place), compiling.sources


def takes_in(config: Config, version: Past, workflow: str) -> bool:
    """Say whether a version has the steps of another workflow as its own."""
    if not re.search(rf"\b{workflow}\b", "\n".join(version.files.values())):
        return False
    bare = replace(config, schema=(), schema_url=None)  # texts are all that is needed
    found: set[str] = set()
    left = {version.workflow}
    with opened_compiler(bare, remember=False) as compiler, folder() as place:
        entries = _over(compiler, bare, version, [], place).library().entries
    while left:
        entry = entries.get(left.pop())
        called = {*(entry.calls if entry else ())} - {*(version.calls or ())}
        left |= called - found
        found |= called
    return workflow in found


def _over(
    compiler: Compiler, config: Config, version: Past, others: list[Past], place: Path
) -> Compiler:
    """Return a compiler of a version's files, with the schema of another one."""
    from perdure.memory import Memory

    own = as_project(config, place, [*_called(version, others), version])
    return replace(
        compiler,
        config=own,
        memory=Memory(None, ""),
        sources={},
        problems=(),
        files=(),
        needed=set(),
        _library=None,
        _shared=None,
    )


def _check(
    compiling: Compiler, version: Past, others: list[Past], place: Path
) -> Unit | None:
    first = place / next(iter(version.files), "none")
    checked = compiling.check([first])
    units = {unit.name: unit for unit in checked.units}
    found = units.get(version.workflow) or next(iter(checked.units), None)
    if found is not None:
        runs = (each for each in others if each.workflow in (version.calls or ()))
        apart = {found.source.path, *(next(iter(each.files), "") for each in runs)}
        taken_in = {*version.files} - apart
        of_others = (each for each in checked.findings if each not in found.findings)
        more = (each for each in of_others if each.span and each.span.path in taken_in)
        found = replace(found, findings=(*found.findings, *more))
    return found


def _called(version: Past, others: list[Past]) -> Iterator[Past]:
    """Yield the other workflows as a version knows them, else their last versions."""
    last = {each.workflow: each for each in others if each.workflow != version.workflow}
    for each in others:
        if (version.calls or {}).get(each.workflow) == each.version:
            last[each.workflow] = each
    yield from last.values()
