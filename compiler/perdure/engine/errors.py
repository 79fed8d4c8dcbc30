"""What can keep the engine from working, each with a message for users."""

from __future__ import annotations

from perdure.engine.postgres import EngineError

__all__ = [
    "EngineError",
    "MissingPrivilege",
    "MissingRuntime",
    "NoDatabase",
    "UsageError",
]


class NoDatabase(EngineError):
    """No database can be reached; commands exit with status 3."""


class MissingRuntime(EngineError):
    """The runtime is not installed in the database, or is another one."""


class MissingPrivilege(EngineError):
    """The role may not do what was asked."""


class UsageError(EngineError):
    """What was asked for is not there or does not fit: a workflow, an input, a run."""
