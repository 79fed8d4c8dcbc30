"""Emission: a legal plan to SQL objects; the only place that quotes."""

from perdure.emit.version import emit, source_map_json
from perdure.plan.version import MapEntry, Previous, Registration, VersionSql

__all__ = [
    "MapEntry",
    "Previous",
    "Registration",
    "VersionSql",
    "emit",
    "source_map_json",
]
