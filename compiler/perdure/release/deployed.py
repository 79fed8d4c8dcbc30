"""What a database has of workflows, and where that is not what the repo has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Newer = Literal["repo", "database", "neither"]
Severity = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Version:
    """A version that a database registers."""

    name: str
    version: int
    digest: str
    retired: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """A change that a database registers."""

    workflow: str
    number: int
    digest: str


@dataclass(frozen=True, slots=True)
class Definition:
    """A function as PostgreSQL's catalog has it: two that are equal do the same.

    `types` are those of its arguments, which tell it from others of its name;
    `arguments` have the names and the defaults, too.
    """

    kind: str
    types: str
    arguments: str
    result: str
    language: str
    volatility: str
    security: str
    strictness: str
    leakproof: bool
    parallel: str
    settings: tuple[str, ...]
    body: str


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the schema of workflows: what it is, whose, and who may call it.

    `identity` is its name with the types, as `drop function` wants it; `grants` are
    the roles that may call it beside its owner, as `grant ... to` wants them.
    """

    definition: Definition
    identity: str
    owner: str
    public: bool
    grants: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing on which repo and database do not agree.

    `sql` are the statements that mend it in the database, where some do. A warning is
    no disagreement: something to look at, which only time mends.
    """

    kind: str
    subject: str
    message: str
    newer: Newer
    advice: str
    sql: tuple[str, ...] = ()
    severity: Severity = "error"


@dataclass(frozen=True, slots=True)
class Database:
    """What a database has: versions, changes, functions by name, and schedules.

    `schedules` are the labels of the supervisors that have not ended, each with its
    run; a name may have several functions. `elsewhere` are the workflows whose
    functions stand in other schemas: those of other projects.
    """

    versions: tuple[Version, ...]
    functions: Mapping[str, Sequence[Function]]
    changes: tuple[Applied, ...] = ()
    schedules: tuple[tuple[str, str], ...] = ()
    elsewhere: frozenset[str] = frozenset()
