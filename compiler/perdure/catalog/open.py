"""The catalog: answers from the cache, and from PostgreSQL where the cache has none."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from perdure.catalog.cache import Cache
from perdure.catalog.model import (
    NONE,
    Column,
    Computed,
    Described,
    Facts,
    Given,
    Rejected,
    Typed,
    Use,
    WrittenNull,
)
from perdure.catalog.schema import Schema, read_schema
from perdure.catalog.settings import CatalogSettings, ServerOptions
from perdure.catalog.tables import SEARCH_PATH
from perdure.diagnostics import Diagnostic
from perdure.engine.postgres import (
    EngineError,
    PostgresMissing,
    embedded_bin_dir,
    major_version,
    server_version,
)
from perdure.source import Source

if TYPE_CHECKING:
    from perdure.catalog.prober import Prober
    from perdure.catalog.scratch import Scratch

_ANSWERS = "2"
"""Goes up when the same question may get another answer from this module."""


class SchemaCatalog:
    """A `Catalog` of the project's schema; made by `open_catalog`.

    Ask `problems` first: with a schema that cannot be loaded there are no answers.
    Nothing is started before a question that the cache cannot answer.
    """

    def __init__(self, settings: CatalogSettings) -> None:
        self._settings = settings
        self._schema, self._unreadable = _read(settings)
        self._name = _server_name(settings.server)
        self._cache = Cache(settings.state_dir / "cache" / "catalog.sqlite")
        self._scratch: Scratch | None = None
        self._prober: Prober | None = None
        self._version: str | None = None
        try:
            self._enter(self._expected_version())
        except EngineError:
            self._cache.close()
            raise

    @property
    def sources(self) -> tuple[Source, ...]:
        """The files of the schema, for showing findings in them."""
        return self._schema.files

    @property
    def digest(self) -> str:
        """What all answers depend on: the schema and the version of PostgreSQL.

        Asks a server given by URL when its version is not known yet.
        """
        if not self._version:
            self._enter(self._server().version())
        return self._context

    def problems(self) -> list[Diagnostic]:
        """Return what keeps the schema from being loaded; nothing when all is well.

        Raises EngineError when a server is needed and there is none.
        """
        if self._unreadable:
            return self._unreadable
        if self._version and self._cache.recall("schema") is not None:
            return []
        return self._load()

    def describe(self, sql: str, given: Given = NONE) -> Described | Rejected:
        """Describe one statement; see `Catalog.describe`."""
        return self.under((SEARCH_PATH,)).describe(sql, given)

    def typeof(self, expr: str) -> Typed | Rejected:
        """Return the type of a scalar expression with parameters `($1)::type`."""
        return self.under((SEARCH_PATH,)).typeof(expr)

    def compute(self, expr: str) -> Computed | Rejected:
        """Compute an expression without parameters, if it is always the same."""
        return self.under((SEARCH_PATH,)).compute(expr)

    def is_volatile(self, expr: str) -> bool:
        """Say whether two evaluations in one statement may differ (`random()`)."""
        return self.under((SEARCH_PATH,)).is_volatile(expr)

    def canonical_type(self, name: str) -> str | None:
        """Return the canonical spelling of a type, None when there is no such type."""
        return self.under((SEARCH_PATH,)).canonical_type(name)

    def under(self, path: tuple[str, ...]) -> SchemaView:
        """Return the catalog as statements with this search path see it."""
        return SchemaView(self, path)

    def uses(self, sql: str, path: tuple[str, ...] = ()) -> tuple[Use, ...]:
        """Return the functions and views that a statement uses, by name."""
        stored = self.answer(
            f"uses {sql}",
            path or (SEARCH_PATH,),
            lambda prober: [[each.name, each.digest] for each in prober.uses(sql)],
        )
        return tuple(Use(*each) for each in stored)

    def definitions(self) -> tuple[Use, ...]:
        """Return all functions and views of the schema, by name."""
        stored = self.answer(
            "definitions",
            (SEARCH_PATH,),
            lambda prober: [[each.name, each.digest] for each in prober.definitions()],
        )
        return tuple(Use(*each) for each in stored)

    def close(self) -> None:
        """Store what was learnt, give up the server."""
        self._cache.close()
        if self._prober is not None:
            self._prober.close()
        if self._scratch is not None:
            self._scratch.close()

    def __enter__(self) -> SchemaCatalog:
        """Return the catalog itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""
        self.close()

    @property
    def _context(self) -> str:
        return f"{_ANSWERS} {self._version} {self._schema.digest}"

    def answer(
        self, question: str, path: tuple[str, ...], ask: Callable[[Prober], Any]
    ) -> Any:
        """Return an answer as plain data, from the cache or from PostgreSQL."""
        if path != (SEARCH_PATH,):
            question = f"under {path} {question}"
        stored = self._cache.recall(question)
        if stored is None:
            prober = self._ask()
            prober.look_in(path)
            stored = ask(prober)
            self._cache.keep(question, stored)
        return stored

    def _ask(self) -> Prober:
        if self._prober is None:
            found = self._load()
            if found:
                raise ValueError(f"the schema has mistakes: {found[0].message}")
        assert self._prober is not None
        return self._prober

    def _load(self) -> list[Diagnostic]:
        """Start a server, load the schema, connect; return what is wrong with it."""
        from perdure.catalog.prober import Prober

        loaded = self._server().load(self._schema)
        if not isinstance(loaded, str):
            return loaded
        self._prober = Prober(loaded)
        self._enter(self._prober.version)
        self._cache.keep("schema", True)
        return []

    def _server(self) -> Scratch:
        from perdure.catalog.scratch import Scratch

        if self._scratch is None:
            settings = self._settings
            folder = _cluster_dir(settings)
            self._scratch = Scratch(settings.server, folder, settings.progress)
        return self._scratch

    def _enter(self, version: str | None) -> None:
        """Answer for this version of PostgreSQL from now on."""
        if version is not None and version != self._version:
            self._version = version
            self._cache.keep_fact(self._name, version)
            self._cache.enter(self._context)

    def _expected_version(self) -> str | None:
        """Return the version of the server without asking it; None if unknown."""
        version: str | None = self._cache.fact(self._name)
        server = self._settings.server
        if version is None and not server.url:
            return server_version(server.bin_dir or embedded_bin_dir())
        return version


@dataclasses.dataclass(frozen=True, slots=True)
class SchemaView:
    """A `Catalog` of the project's schema under a search path."""

    catalog: SchemaCatalog
    path: tuple[str, ...]

    def describe(self, sql: str, given: Given = NONE) -> Described | Rejected:
        """Describe one statement; see `Catalog.describe`."""
        numbers = "".join(f"${number} " for number in sorted(given))
        stored = self.catalog.answer(
            f"describe {numbers}{sql}",
            self.path,
            lambda prober: dataclasses.asdict(prober.describe(sql, given)),
        )
        return _described(dict(stored))

    def typeof(self, expr: str) -> Typed | Rejected:
        """Return the type of a scalar expression with parameters `($1)::type`."""
        stored = self.catalog.answer(
            f"typeof {expr}",
            self.path,
            lambda prober: dataclasses.asdict(prober.typeof(expr)),
        )
        return Typed(**stored) if "immutable" in stored else Rejected(**stored)

    def compute(self, expr: str) -> Computed | Rejected:
        """Compute an expression without parameters, if it is always the same."""
        stored = self.catalog.answer(
            f"compute {expr}",
            self.path,
            lambda prober: dataclasses.asdict(prober.compute(expr)),
        )
        return Computed(**stored) if "settled" in stored else Rejected(**stored)

    def is_volatile(self, expr: str) -> bool:
        """Say whether two evaluations in one statement may differ (`random()`)."""
        asked = self.catalog.answer(
            f"volatile {expr}", self.path, lambda prober: [prober.is_volatile(expr)]
        )
        return bool(asked[0])

    def canonical_type(self, name: str) -> str | None:
        """Return the canonical spelling of a type, None when there is no such type."""
        asked = self.catalog.answer(
            f"type {name}", self.path, lambda prober: [prober.canonical_type(name)]
        )
        result: str | None = asked[0]
        return result

    def under(self, path: tuple[str, ...]) -> SchemaView:
        """Return the catalog as statements with this search path see it."""
        return SchemaView(self.catalog, path)


def _server_name(server: ServerOptions) -> str:
    """Name the server; programs that were replaced make another one."""
    if server.url:  # hashed, because it may hold a password
        return f"url {hashlib.sha256(server.url.encode()).hexdigest()}"
    program = (server.bin_dir or embedded_bin_dir()) / "postgres"
    try:
        status = program.stat()
    except OSError as failure:
        raise PostgresMissing(f'there is no "{program}"') from failure
    return f"bin {program} {status.st_size} {status.st_mtime_ns}"


def open_catalog(settings: CatalogSettings) -> SchemaCatalog:
    """Open the catalog of a project; use it as a context manager."""
    return SchemaCatalog(settings)


def _read(settings: CatalogSettings) -> tuple[Schema, list[Diagnostic]]:
    if settings.schema.url:
        from perdure.catalog.live import dump_schema

        return dump_schema(settings)
    return read_schema(settings.schema, settings.root)


def _cluster_dir(settings: CatalogSettings) -> Path:
    """A cluster per major version, so that changing it needs no cleaning up."""
    server = settings.server
    if server.url:
        return settings.state_dir
    major = major_version(server.bin_dir or embedded_bin_dir())
    return settings.state_dir / f"catalog-{major}"


def _described(stored: dict[str, Any]) -> Described | Rejected:
    if "columns" not in stored:
        return Rejected(**stored)
    facts = dict(stored["facts"])
    facts["reads"], facts["writes"] = tuple(facts["reads"]), tuple(facts["writes"])
    columns = tuple(Column(**column) for column in stored["columns"])
    nulls = (
        WrittenNull(**{**each, "columns": tuple(each["columns"])})
        for each in stored["nulls"]
    )
    return Described(columns, Facts(**facts), tuple(nulls))
