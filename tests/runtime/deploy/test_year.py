"""A year in the life of a project: two branches, merges, conflicts, and runs all along.

Forty changes over ten workflows are made on a main line and on branches, with real git.
Where a merge does not fit, the way that the messages tell is followed: keep one side's
lock and migrations, and compile again. After each merge the database is brought to it,
taken back, compared, and brought to it again; runs start and end all the time. In the
plain year `perdure diff` is compared with what was changed, each time, and what a merge
compiles to with what a copy of the project compiles to.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest

from perdure.release import Entry, read_lock, registered_sources
from perdure.release.layouts import LAYOUTS
from perdure.source import Source
from tests.runtime.deploy.conftest import caller, dump

WORKFLOWS = 10
ROUNDS = 10
CHANGES = 2  # on the main line, and as many on the branch
NAMES = [f"w{number}" for number in range(WORKFLOWS)]
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("runtime")]


class Year:
    """A project in git, a database, and the runs that were started there."""

    def __init__(self, folder: Path, database: str, layout: str, seed: int) -> None:
        self.folder, self.database, self.layout = folder, database, layout
        self.chance = random.Random(seed)
        self.call = caller(folder)
        self.runs: dict[str, str] = {}
        self.made = 0
        self.kinds: set[str] = set()
        (folder / "perdure.toml").write_text(
            f'layout = "{layout}"\n[postgres]\nurl = {database!r}\n'
        )
        (folder / "workflows").mkdir()
        (folder / "migrations").mkdir()
        (folder / ".gitignore").write_text(".perdure\n")
        if layout == "sqitch":
            plan = "%syntax-version=1.0.0\n%project=year\n"
            (folder / "migrations" / "sqitch.plan").write_text(plan)
        self.git("init", "--quiet", "--initial-branch=main")
        for name in NAMES[:3]:
            self.write(name, {"mark": "first", "inputs": 0})
        self.compile("begin")

    # --- the repository ---------------------------------------------------------------

    def git(self, *words: str, check: bool = True) -> str:
        names = ("AUTHOR", "COMMITTER")
        who = {f"GIT_{each}_NAME": "someone" for each in names}
        who |= {f"GIT_{each}_EMAIL": "someone@example.com" for each in names}
        done = subprocess.run(
            ["git", *words],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env={**os.environ, **who},
        )
        assert done.returncode == 0 or not check, done.stderr
        return done.stdout if done.returncode == 0 else ""

    def commit(self, what: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", what)

    def path(self, name: str) -> Path:
        return self.folder / "workflows" / f"{name}.yaml"

    def read(self, name: str) -> dict[str, Any]:
        model: dict[str, Any] = json.loads(
            self.path(name).read_text().split("\n")[0][2:]
        )
        return model

    def write(self, name: str, model: dict[str, Any]) -> None:
        inputs = "".join(f"  i{n}: text = 'x'\n" for n in range(model["inputs"]))
        given = f"input:\n{inputs}" if inputs else ""
        used = "".join(f", i{n}: '${{i{n}}}'" for n in range(model["inputs"]))
        self.path(name).write_text(
            f"# {json.dumps(model)}\nworkflow: {name}\n{given}steps:\n"
            f"  - sql: select '{model['mark'][-1]}' as mark\n"  # few are described
            "  - {name: go, wait_for_signal: go, timeout: 30d}\n"
            f"  - return: {{mark: {model['mark']}{used}}}\n"
        )

    def compile(self, what: str) -> None:
        thorough = self.layout == "plain"
        if thorough:
            self.tell_the_truth()
        again = thorough and what.startswith("merge") and self.compiled_elsewhere()
        self.call("compile")
        assert not again or written(self.folder) == again
        self.commit(what)

    def compiled_elsewhere(self) -> dict[str, str]:
        """Return what compile writes for a copy of the project."""
        with TemporaryDirectory() as name:
            copy = Path(name) / "copy"
            leave = shutil.ignore_patterns(".git", ".perdure")
            shutil.copytree(self.folder, copy, ignore=leave)
            caller(copy)("compile")
            return written(copy)

    def tell_the_truth(self, *words: str) -> None:
        """Compare what `perdure diff` says with the sources of what is in force."""
        found = json.loads(self.call("diff", "--json", *words).stdout)["workflows"]
        assert {each["name"]: each["change"] for each in found} == self.differing()

    def differing(self) -> dict[str, str]:
        """Return what differs; the sources of what was rolled back do not."""
        path = self.folder / "workflows.lock"
        text = path.read_text() if path.exists() else "format = 1"
        lock, _ = read_lock(Source(path.name, text))
        assert lock is not None
        found = {}
        for name in [each for each in NAMES if self.path(each).exists()]:
            current = lock.current(name)
            if current is None:
                found[name] = "added"
                continue
            same = (current, lock.latest(name))
            sources = [self.source(each) for each in same if each is not None]
            if self.path(name).read_text() not in sources:
                found[name] = "changed"
        return found

    def source(self, version: Entry) -> str:
        """Return what a version was compiled from."""
        up = self.folder / "migrations" / f"{version.migration}.up.sql"
        (source,) = registered_sources(up.read_text()).values()
        return source

    # --- changes ----------------------------------------------------------------------

    def change(self) -> None:
        """Make one change, of any kind that is possible."""
        self.made += 1
        present = [name for name in NAMES if self.path(name).exists()]
        name = self.chance.choice(NAMES)
        kind = self.chance.choice(["edit", "input", "rollback", "retire"])
        if name not in present:
            self.write(name, {"mark": f"m{self.made}", "inputs": 0})
            kind = "new"
        elif kind in ("rollback", "retire"):
            kind = kind if self.reverse(kind, name) else "edit"
        if kind in ("edit", "input"):
            model = self.read(name)
            model["mark"] = f"m{self.made}"
            model["inputs"] += kind == "input"
            self.write(name, model)
        self.kinds.add(kind)
        self.compile(f"{kind} {name}")

    def reverse(self, kind: str, name: str) -> bool:
        """Roll a workflow back or retire an old version; say whether that could be."""
        lock = (self.folder / "workflows.lock").read_text()
        numbers = re.findall(rf"\[workflows\.{name}\.(\d+)\]", lock)
        words = [kind, name]
        if kind == "retire":
            words = [kind, f"{name}@{self.chance.choice(numbers[:2])}"]
        try:
            self.call(*words)
        except AssertionError:  # refused: it is the first, current, or has runs
            assert (self.folder / "workflows.lock").read_text() == lock
            return False
        return True

    # --- merges -----------------------------------------------------------------------

    def merge(self, branch: str) -> bool:
        """Merge a branch; return whether git and the lock agreed at once."""
        base = self.git("merge-base", "main", branch).strip()
        here = self.git("rev-parse", "main").strip()
        self.git("merge", "--no-edit", "--no-commit", branch, check=False)
        conflicts = self.git("diff", "--name-only", "--diff-filter=U").split()
        clean = not conflicts
        if clean:
            self.join_heads(branch)
            clean = self.fits()
        if not clean:
            self.settle(branch, base, here, conflicts)
        self.compile(f"merge {branch}")
        self.call("compile", "--check")
        return clean

    def fits(self) -> bool:
        try:
            self.call("compile", "--check")
        except AssertionError:
            return False
        return True

    def join_heads(self, branch: str) -> None:
        """Join two heads of Alembic, as `alembic merge heads` does."""
        pages = [each.read_text() for each in self.folder.glob("migrations/*.py")]
        assigned = re.compile(r"(?m)^(down_)?revision = (.*)$")
        values = [
            (each[1], each[2]) for page in pages for each in assigned.finditer(page)
        ]
        followed = " ".join(value for down, value in values if down)
        heads = [v for down, v in values if not down and v not in followed]
        if self.layout == "alembic" and len(heads) > 1:
            (self.folder / "migrations" / f"merge_{branch}.py").write_text(
                f"revision = 'merge_{branch}'\n"
                f"down_revision = ({', '.join(sorted(heads))})\n"
                "def upgrade(): pass\ndef downgrade(): pass\n"
            )

    def settle(self, branch: str, base: str, here: str, conflicts: list[str]) -> None:
        """Keep main's lock and migrations, and the branch's sources."""
        for path in conflicts:
            if path.startswith("workflows/"):
                theirs = self.git("show", f"{branch}:{path}", check=False)
                ours = self.git("show", f"{here}:{path}", check=False)
                (self.folder / path).write_text(theirs or ours)
        added = self.git(
            *("diff", "--name-only", "--diff-filter=A", base, branch, "migrations")
        )
        for path in added.split():
            (self.folder / path).unlink(missing_ok=True)
        self.git("checkout", here, "--", "workflows.lock", "migrations")

    # --- the database -----------------------------------------------------------------

    def deploy(self) -> None:
        """Deploy, take it all back, compare, deploy again."""
        before = dump(self.database)
        deployed = json.loads(self.call("deploy", "--json", "--yes").stdout)["deployed"]
        assert "no drift" in self.call("drift").stdout
        after = self.functions()
        for key in reversed(deployed):
            self.execute(self.way_back(key))
        assert dump(self.database) == before
        self.call("deploy", "--yes")
        assert self.functions() == after
        assert "no drift" in self.call("drift").stdout
        if self.layout == "plain":
            self.tell_the_truth("--db", self.database)

    def functions(self) -> list[Any]:
        """Return the functions of all versions, and what they do."""
        return self.execute(
            "select pg_get_functiondef(oid) from pg_proc"
            " where pronamespace = 'workflows'::regnamespace order by 1"
        )

    def way_back(self, key: str) -> str:
        """Return the migration that takes a version or a change back."""
        import tomllib

        lock = tomllib.loads((self.folder / "workflows.lock").read_text())
        name, _, number = key.replace(", change ", "@c").partition("@")
        table = lock["changes"] if number.startswith("c") else lock["workflows"]
        for file in table[name][number.removeprefix("c")]["files"]:
            path = str(file["path"])
            text = (self.folder / "migrations" / path).read_text()
            if ".down." in path or path.startswith(("revert/", "rollback/", "U")):
                return re.sub(r"(?m)^(begin|commit);$", "", text)
            for mark in ("-- migrate:down", "-- +goose Down"):
                if mark in text:
                    return text.partition(mark)[2]
        raise AssertionError(key)

    def execute(self, text: str) -> list[Any]:
        with psycopg.connect(self.database, autocommit=True) as connection:
            with connection.transaction():
                cursor = connection.execute(text.encode())
            return cursor.fetchall() if cursor.description else []

    def work(self) -> None:
        with psycopg.connect(self.database, autocommit=True) as connection:
            connection.execute("call df.work(1000, 20000)")

    def start(self) -> None:
        """Start a few runs of what is current, and note what they must return."""
        query = (
            "select proname from pg_proc where pronamespace = 'workflows'::regnamespace"
            r" and proname !~ '_v\d+$' order by 1"
        )
        names = [row[0] for row in self.execute(query)]
        for name in self.chance.sample(names, min(3, len(names))):
            ((run,),) = self.execute(f"select workflows.{name}()")
            ((source,),) = self.execute(
                "select w.source from perdure.workflow_versions w join df.instances i"
                f" on i.label = w.name || '@' || w.version where i.id = '{run}'"
            )
            self.runs[run] = json.loads(source.split("\n")[0][2:])["mark"]
        self.work()

    def finish(self, share: float) -> None:
        """Let a share of the runs end, and compare what they return."""
        for run in [each for each in self.runs if self.chance.random() < share]:
            self.execute(f"select df.signal('{run}', 'go')")
            self.work()
            ((status, result),) = self.execute(
                f"select status, result from df.instances where id = '{run}'"
            )
            assert status == "completed"
            mark = json.loads(result)["rows"][0]["result"]["mark"]
            assert mark == self.runs.pop(run)


def written(folder: Path) -> dict[str, str]:
    """Return the migrations and the lock of a project."""
    paths = [folder / "workflows.lock", *sorted((folder / "migrations").iterdir())]
    return {path.name: path.read_text() for path in paths}


@pytest.mark.parametrize(
    ("layout", "seed"), [(name, number) for number, name in enumerate(LAYOUTS, 1)]
)
def test_a_year(
    tmp_path: Path,
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    layout: str,
    seed: int,
) -> None:
    monkeypatch.setenv("PERDURE_DATABASE_URL", database)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    year = Year(tmp_path, database, layout, seed)
    year.call("deploy", "--yes")
    merges = []
    for number in range(ROUNDS):
        year.start()
        branch = f"branch{number}"
        year.git("checkout", "--quiet", "-b", branch)
        for _ in range(CHANGES):
            year.change()
        year.git("checkout", "--quiet", "main")
        for _ in range(CHANGES):
            year.change()
        merges.append(year.merge(branch))
        year.deploy()
        year.finish(0.5)
    assert year.made == 2 * ROUNDS * CHANGES
    assert {"new", "edit", "input", "rollback", "retire"} <= year.kinds
    assert not all(merges)
    year.start()
    year.finish(1.0)
    assert year.runs == {}
    assert json.loads(year.call("ps", "--json", "--status", "failed").stdout) == []
