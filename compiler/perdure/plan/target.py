"""A target: which runtime, what it can do, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A runtime that plans are made legal for.

    `version` is the lowest version of the runtime that must be served, empty where
    versions do not matter. `capabilities` are words that `perdure.targets` defines.
    `max_arguments` bounds the calls of n-ary node functions, `max_rounds` a loop.
    """

    name: str
    version: tuple[int, ...]
    capabilities: frozenset[str]
    max_depth: int
    max_nodes: int
    max_arguments: int = 2
    max_rounds: int | None = None

    def can(self, capability: str) -> bool:
        """Say whether the runtime has a capability."""
        return capability in self.capabilities

    def __str__(self) -> str:
        """Return the target as the configuration spells it."""
        if not self.version:
            return self.name
        once = ", effects once" if self.can("ledger") else ""
        return f"{self.name}>={'.'.join(map(str, self.version))}{once}"
