"""The SQL of one workflow version, and what has to be known to write it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from perdure.plan.tree import Parameter
from perdure.source import Source


@dataclass(frozen=True, slots=True)
class Previous:
    """The version that is current before this one.

    `role` is the one that its functions belong to; `scheduled` says that it starts
    runs by itself.
    """

    version: int
    parameters: tuple[Parameter, ...]
    description: str | None = None
    role: str | None = None
    scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Retirement:
    """Versions to retire; `current` goes with them when the whole workflow does."""

    workflow: str
    schema: str
    versions: tuple[Previous, ...]
    current: Previous | None


@dataclass(frozen=True, slots=True)
class Registration:
    """What a version says of its making.

    `files` are further sources, by path; `beside` names those that the workflow's text
    came from. `functions` are those that start the workflows that this one calls, by
    name.
    """

    digest: str
    compiler_version: str
    source: Source
    files: Mapping[str, Source] = field(default_factory=dict)
    previous: Previous | None = None
    beside: tuple[str, ...] = ()
    functions: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MapEntry:
    """What a node of the graph stands for; `line` counts from 1."""

    path: str
    name: str | None
    role: str
    file: str | None
    line: int | None


@dataclass(frozen=True, slots=True)
class Script:
    """Statements to run in order, each with its semicolon, under lines of comment.

    No line of the statements can be taken for a marker of a migration tool, and none
    holds `${`: layouts may put the text into any tool's file as it is.
    """

    head: str
    statements: tuple[str, ...]

    @property
    def text(self) -> str:
        """The script as a file of its own."""
        return "\n\n".join([self.head, *self.statements]) + "\n"


@dataclass(frozen=True, slots=True)
class VersionSql:
    """A version as SQL: how to install it, and how to put the previous one back.

    `source_map` has an entry per node of the graph, in pre-order: the first is the
    node that the runtime calls `1`. After them come the calls that have no node,
    because their steps were taken in. `signature` is the parameters as PostgreSQL
    declares them, in order.
    """

    name: str
    version: int
    target: str
    digest: str
    signature: tuple[str, ...]
    parameters: tuple[Parameter, ...]
    source_map: tuple[MapEntry, ...]
    install: Script
    remove: Script
    description: str | None = None
    role: str | None = None
    scheduled: bool = False

    @property
    def up(self) -> str:
        """The text that installs the version."""
        return self.install.text

    @property
    def down(self) -> str:
        """The text that puts the previous version back."""
        return self.remove.text
