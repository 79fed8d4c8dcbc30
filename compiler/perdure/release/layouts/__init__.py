"""Layouts: the files of each migration tool, listed by hand."""

from __future__ import annotations

from perdure.release.layouts.model import (
    Folder,
    Layout,
    Migration,
    UnusableFolder,
    Written,
)
from perdure.release.layouts.python import Alembic, Django
from perdure.release.layouts.sqitch import Sqitch
from perdure.release.layouts.sql import (
    Atlas,
    Dbmate,
    Flyway,
    GolangMigrate,
    Goose,
    Plain,
    Supabase,
)

LAYOUTS: dict[str, Layout] = {
    each.name: each
    for each in (
        Plain(),
        Flyway(),
        Dbmate(),
        GolangMigrate(),
        Goose(),
        Sqitch(),
        Alembic(),
        Django(),
        Supabase(),
        Atlas(),
    )
}

__all__ = ["LAYOUTS", "Folder", "Layout", "Migration", "UnusableFolder", "Written"]
