"""Sqitch: a plan, and a script each to deploy, to revert and to verify."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import ClassVar

from perdure.release.layouts.model import Base, Folder, Migration, UnusableFolder

PLAN = "sqitch.plan"
_PLANNER = "Perdure <perdure@localhost>"


class Sqitch(Base):
    """`deploy/name.sql`, `revert/name.sql`, `verify/name.sql` and a line of the plan.

    The stamp stands in the stem, after the change's name, because the plan wants one.
    """

    name: ClassVar[str] = "sqitch"
    globs: ClassVar[tuple[str, ...]] = (
        PLAN,
        "deploy/*.sql",
        "revert/*.sql",
        "verify/*.sql",
    )

    def stem(self, migration: Migration, folder: Folder) -> str:
        """Return the change's name and the time it was planned."""
        return f"{migration.title}@{folder.now:%Y-%m-%dT%H:%M:%SZ}"

    def number(self, path: str) -> int | None:
        """Return None: changes have names, and their order is the plan's."""
        return None

    def files(
        self, stem: str, migration: Migration, folder: Folder
    ) -> Mapping[str, str]:
        """Return the three scripts, each in a transaction as Sqitch wants it."""
        change = _change(stem)
        check = f"select 1 / count(*) from {migration.registered};"
        head = f"-- written by perdure: {migration.workflow}, does it stand?"
        return {
            f"deploy/{change}.sql": _wrapped(migration.install.text),
            f"revert/{change}.sql": _wrapped(migration.remove.text),
            f"verify/{change}.sql": f"{head}\n\nbegin;\n\n{check}\n\nrollback;\n",
        }

    def shared(self, folder: Folder, stems: Mapping[str, str]) -> Mapping[str, str]:
        """Return the plan with a line for each change that it lacks."""
        plan = folder.files.get(PLAN)
        if plan is None:
            raise UnusableFolder(f'there is no "{PLAN}": sqitch init makes one')
        known = set(_planned(plan))
        lines = [
            f"{_change(stem)} {stem.partition('@')[2]} {_PLANNER} # {note}\n"
            for stem, note in stems.items()
            if _change(stem) not in known
        ]
        body = plan.rstrip("\n")
        first = body.rpartition("\n")[2].startswith("%")  # a blank line must follow
        return {PLAN: body + ("\n\n" if first and lines else "\n") + "".join(lines)}

    def order(
        self, stems: Iterable[str], files: Mapping[str, str]
    ) -> Mapping[str, int]:
        """Return the places in the plan."""
        places = {name: at for at, name in enumerate(_planned(files.get(PLAN, "")))}
        return {e: places[_change(e)] for e in stems if _change(e) in places}

    def up_file(self, stem: str) -> str:
        """Return the script that deploys."""
        return f"deploy/{_change(stem)}.sql"

    def up_sql(self, text: str) -> str:
        """Return the script without the transaction around it."""
        return text.replace("\nbegin;\n", "\n", 1).removesuffix("\ncommit;\n")


def _change(stem: str) -> str:
    return stem.partition("@")[0]


def _planned(plan: str) -> list[str]:
    """Return the changes of a plan, in its order."""
    return re.findall(r"^([^%#@\s]\S*)", plan, re.MULTILINE)


def _wrapped(text: str) -> str:
    head, _, rest = text.partition("\n\n")
    return f"{head}\n\nbegin;\n\n{rest}\ncommit;\n"
