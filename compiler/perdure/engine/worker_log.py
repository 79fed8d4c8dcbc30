"""The worker's log: one line per event, for people or as JSON for machines.

An event has a name that does not change, and facts beside it, never inside it, so
that a log can be searched without parsing prose. The rejected way was the standard
`logging` module: its records hold prose first and facts as an afterthought.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal, TextIO

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["text", "json"]
Fact = str | int | float | bool | None
Listener = Callable[[Level, str, dict[str, Fact]], None]

LEVELS: tuple[Level, ...] = ("debug", "info", "warning", "error")


def _now() -> datetime:
    return datetime.now(UTC)


class Log:
    """Writes events to a stream, standard error unless told.

    A listener hears all of them, whatever the least level is.
    """

    def __init__(
        self,
        form: Format = "text",
        level: Level = "info",
        stream: TextIO | None = None,
        clock: Callable[[], datetime] = _now,
        listener: Listener | None = None,
    ) -> None:
        self._form = form
        self._least = LEVELS.index(level)
        self._stream = stream
        self._clock = clock
        self._listener = listener

    def debug(self, event: str, **facts: Fact) -> None:
        """Log what is of use only while looking for a fault."""
        self._write("debug", event, facts)

    def info(self, event: str, **facts: Fact) -> None:
        """Log what happens in normal life."""
        self._write("info", event, facts)

    def warning(self, event: str, **facts: Fact) -> None:
        """Log what the worker recovers from by itself."""
        self._write("warning", event, facts)

    def error(self, event: str, **facts: Fact) -> None:
        """Log what somebody has to look at."""
        self._write("error", event, facts)

    def _write(self, level: Level, event: str, facts: dict[str, Fact]) -> None:
        if self._listener is not None:
            self._listener(level, event, facts)
        if LEVELS.index(level) < self._least:
            return
        at = self._clock().isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = _json(at, level, event, facts)
        if self._form == "text":
            line = _text(at, level, event, facts)
        print(line, file=self._stream or sys.stderr, flush=True)


def quiet() -> Log:
    """Return a log that shows errors alone; for a worker inside another command."""
    return Log(level="error")


def _json(at: str, level: Level, event: str, facts: dict[str, Fact]) -> str:
    record = {"at": at, "level": level, "event": event, **facts}
    return json.dumps(record, ensure_ascii=False)


def _text(at: str, level: Level, event: str, facts: dict[str, Fact]) -> str:
    shown = (f"{name}={_value(value)}" for name, value in facts.items())
    return " ".join((at, f"{level:<7}", event, *shown))


def _value(value: Fact) -> str:
    """Show a fact so that it ends at the next space and stays on its line."""
    text = value if isinstance(value, str) else json.dumps(value)
    plain = text and text.isprintable() and not set(' "=') & set(text)
    return text if plain else json.dumps(text, ensure_ascii=False)
