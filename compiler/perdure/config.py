"""A project's configuration: `perdure.toml`, or `[tool.perdure]` in `pyproject.toml`.

The nearest of the two, looking upward from the working folder, marks the project's
root; all paths in it are relative to that root. A mistake in the file is a
diagnostic like any other (WF181), placed at the key where that can be found.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from perdure.diagnostics import Diagnostic, error
from perdure.source import Source, Span

CODE = "WF181"
_BEFORE = r"^[ \t]*\[?(?:[\w-]+\s*\.\s*)*|[{,]\s*"
"""What stands before a key: nothing, a bracket, the names of tables, or a brace."""
FILE = "perdure.toml"


@dataclass(frozen=True, slots=True)
class Config:
    """What a project says of itself; all paths are absolute.

    `schema` lists files or one folder, in order; `schema_url` names a live database
    instead. `source` is the file that was read, None where there was none.
    """

    root: Path
    source: Source | None = None
    schema: tuple[Path, ...] = ()
    schema_url: str | None = None
    workflows: Path = Path("workflows")
    migrations: Path = Path("migrations")
    layout: str = "plain"
    target: str = "perdure"
    sql_schema: str = "workflows"
    seed: tuple[Path, ...] = ()
    http_allow: tuple[str, ...] = ()
    postgres_bin_dir: Path | None = None
    postgres_url: str | None = None
    shared: str = "workflows/shared.yaml"

    @property
    def shared_file(self) -> Path:
        """The file of types and retry policies that all workflows share."""
        return self.root / self.shared

    @property
    def lock(self) -> Path:
        """The file that records every version."""
        return self.root / "workflows.lock"

    @property
    def state_dir(self) -> Path:
        """The folder of caches and of the embedded server; never committed."""
        return self.root / ".perdure"


def find_config(start: Path) -> tuple[Config | None, list[Diagnostic]]:
    """Find and read the configuration that governs the folder `start`."""
    for folder in (start, *start.parents):
        for name in (FILE, "pyproject.toml"):
            path = folder / name
            if path.is_file():
                config, found = read_config(path)
                if config is not None or found:
                    return config, found
    return None, []


def read_config(path: Path) -> tuple[Config | None, list[Diagnostic]]:
    """Read one file; a `pyproject.toml` without our table is no configuration."""
    source = Source(path.name, path.read_text(encoding="utf-8", errors="replace"))
    try:
        data = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as failure:
        return None, [_syntax_error(source, failure)]
    if path.name == FILE:
        return _Reader(source, path.parent.resolve()).read(data)
    table = data.get("tool", {}).get("perdure")
    if table is None:
        return None, []
    return _Reader(source, path.parent.resolve()).read(table)


def _syntax_error(source: Source, failure: tomllib.TOMLDecodeError) -> Diagnostic:
    message = str(failure)
    at = re.search(r"\(at line (\d+), column (\d+)\)", message)
    offset = len(source.text)
    if at:
        line = min(int(at[1]), len(source.line_starts))
        offset = source.line_starts[line - 1] + int(at[2]) - 1
    reason = message.split(" (at ")[0]
    reason = reason[:1].lower() + reason[1:]
    span = Span(source.path, offset, offset + 1)
    return error(CODE, span, f"the configuration is not valid TOML: {reason}")


def wrong_setting(
    source: Source | None, key: str, message: str, help: str | None = None
) -> Diagnostic:
    """Return the finding that a setting is wrong, placed at its key."""
    span = place_of(source, key)
    if span is None and source is not None:
        span = Span(source.path, 0, 0)
    return error(CODE, span, message, help=help)


def place_of(source: Source | None, key: str) -> Span | None:
    """Return where a key stands in a configuration, None where it does not."""
    if source is None:
        return None
    begin = None
    if source.path != FILE:
        begin = re.search(r"^\s*\[?\s*tool\s*\.\s*perdure\b", source.text, re.MULTILINE)
    named = rf"""(?:{_BEFORE})["']?\b({re.escape(key)})\b(?=["']?\s*[].=])"""
    at = re.compile(named, re.MULTILINE).search(
        source.text, begin.start() if begin else 0
    )
    return Span(source.path, *at.span(1)) if at else None


_KEYS = (
    "schema",
    "workflows",
    "migrations",
    "layout",
    "shared",
    "target",
    "sql_schema",
    "seed",
    "http",
    "postgres",
)


@dataclass(slots=True)
class _Reader:
    """Takes values out of the table and collects what is wrong with them."""

    source: Source
    root: Path
    found: list[Diagnostic] | None = None

    def read(self, table: Mapping[str, Any]) -> tuple[Config | None, list[Diagnostic]]:
        self.found = []
        self._known(table, _KEYS, "")
        http = self._table(table, "http")
        self._known(http, ("allow",), "http.")
        postgres = self._table(table, "postgres")
        self._known(postgres, ("bin_dir", "url"), "postgres.")
        schema = self._strings(table, "schema")
        url = next((item for item in schema if "://" in item), None)
        bin_dir = self._string(postgres, "bin_dir", "")
        workflows = self._string(table, "workflows", "workflows")
        config = Config(
            root=self.root,
            source=self.source,
            schema=() if url else tuple(self._existing("schema", schema)),
            schema_url=url,
            workflows=self.root / workflows,
            migrations=self.root / self._string(table, "migrations", "migrations"),
            layout=self._string(table, "layout", "plain"),
            shared=self._string(table, "shared", f"{workflows}/shared.yaml"),
            target=self._string(table, "target", "perdure"),
            sql_schema=self._identifier(table, "sql_schema", "workflows"),
            seed=tuple(self._existing("seed", self._strings(table, "seed"))),
            http_allow=self._strings(http, "allow"),
            postgres_bin_dir=self.root / bin_dir if bin_dir else None,
            postgres_url=self._string(postgres, "url", "") or None,
        )
        return (None if self.found else config), self.found

    def _wrong(self, key: str, message: str, help: str | None = None) -> None:
        assert self.found is not None
        self.found.append(wrong_setting(self.source, key, message, help))

    def _known(
        self, table: Mapping[str, Any], keys: tuple[str, ...], prefix: str
    ) -> None:
        for key in table:
            if key not in keys:
                near = get_close_matches(key, keys, 1)
                self._wrong(
                    key,
                    f'unknown configuration key "{prefix}{key}"',
                    f'did you mean "{near[0]}"?'
                    if near
                    else "the keys are: " + ", ".join(keys),
                )

    def _table(self, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self._wrong(key, f'"{key}" is a table, found {value!r}')
        return {}

    def _string(self, table: Mapping[str, Any], key: str, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self._wrong(key, f'"{key}" is a string, found {value!r}')
        return default

    def _identifier(self, table: Mapping[str, Any], key: str, default: str) -> str:
        value = self._string(table, key, default)
        if re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", value):
            return value
        self._wrong(key, f'"{key}" is a lower-case SQL name, found "{value}"')
        return default

    def _strings(self, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        items = [value] if isinstance(value, str) else value
        if isinstance(items, list) and all(isinstance(item, str) for item in items):
            return tuple(items)
        self._wrong(key, f'"{key}" is a string or a list of strings, found {value!r}')
        return ()

    def _existing(self, key: str, names: tuple[str, ...]) -> list[Path]:
        for name in names:
            if not (self.root / name).exists():
                self._wrong(key, f'"{key}" names "{name}", and there is no such file')
        return [self.root / name for name in names]
