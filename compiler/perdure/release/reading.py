"""The lock read, and what is said of one that can't be trusted."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from perdure.diagnostics import Diagnostic, error
from perdure.plan.tree import Parameter
from perdure.release.layouts import LAYOUTS
from perdure.release.lock import FORMAT, Change, Entry, Lock, table_key
from perdure.release.merged import MARK, conflict
from perdure.source import Source, Span

_Event = TypeVar("_Event", Entry, Change)


def read_lock(source: Source) -> tuple[Lock | None, list[Diagnostic]]:
    """Read the lock; None when it cannot be trusted."""
    if MARK.search(source.text):
        return None, [conflict(source, _read)]
    try:
        return _read(source), []
    except tomllib.TOMLDecodeError as failure:
        return None, [_unreadable(source, str(failure))]
    except (KeyError, TypeError, ValueError) as failure:
        return None, [_unreadable(source, f"{failure} is missing or wrong")]


def _read(source: Source) -> Lock:
    data = tomllib.loads(source.text)
    if data["format"] != FORMAT:
        raise ValueError(f"format {data['format']}")
    entries = list(_tables(data, "workflows", _entry))
    changes = list(_tables(data, "changes", _change))
    events: list[Entry | Change] = [*entries, *changes]
    for each in events:
        if each.layout not in LAYOUTS:
            raise ValueError(f'the layout "{each.layout}" of {each.key}')
    return Lock(
        tuple(sorted(entries, key=lambda each: (each.workflow, each.version))),
        source,
        tuple(sorted(changes, key=lambda each: (each.workflow, each.number))),
    )


def _tables(
    data: Mapping[str, Any],
    kind: str,
    read: Callable[[str, int, Mapping[str, Any]], _Event],
) -> Iterator[_Event]:
    """Yield what the tables of a kind say."""
    for workflow, numbered in data.get(kind, {}).items():
        for number, table in numbered.items():
            try:
                yield read(workflow, int(number), table)
            except KeyError as failure:
                head = f"[{kind}.{table_key(workflow)}.{number}]"
                raise ValueError(f'"{failure.args[0]}" in {head}') from failure


def _entry(workflow: str, version: int, table: Mapping[str, Any]) -> Entry:
    return Entry(
        workflow,
        version,
        str(table["digest"]),
        str(table["target"]),
        str(table["schema"]),
        str(table["layout"]),
        str(table["migration"]),
        _files_of(table),
        tuple(
            Parameter(each["name"], each["type"], False, each.get("default"))
            for each in table["signature"]
        ),
        table.get("description"),
        table.get("role"),
        bool(table.get("scheduled", False)),
        int(table["replaces"]) if "replaces" in table else None,
        tuple((str(e["name"]), str(e["digest"])) for e in table.get("uses", ())),
    )


def _change(workflow: str, number: int, table: Mapping[str, Any]) -> Change:
    if table["kind"] not in ("rollback", "retire"):
        raise ValueError(f"kind {table['kind']}")
    return Change(
        workflow,
        number,
        table["kind"],
        int(table["after"]),
        int(table["before"]),
        int(table["to"]),
        tuple(int(each) for each in table["versions"]),
        str(table["target"]),
        str(table["schema"]),
        str(table["layout"]),
        str(table["migration"]),
        _files_of(table),
    )


def _files_of(table: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(each["path"]), str(each["digest"])) for each in table["files"])


def _unreadable(source: Source, reason: str) -> Diagnostic:
    at = re.search(r"\(at line (\d+)", reason)
    table = re.search(r"\[.+\]", reason)
    line = min(int(at[1]), len(source.line_starts)) if at else 1
    if table:
        line, _ = source.position(max(source.text.find(table[0]), 0))
    start = source.line_starts[line - 1]
    return error(
        "WF704",
        Span(source.path, start, start + len(source.line(line))),
        f"the lock can't be read: {reason.split(' (at ')[0]}",
        help=f"restore it from version control (git checkout HEAD -- {source.path})",
    )
