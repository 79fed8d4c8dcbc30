"""A project as git has it at a revision.

`REV...` is the last commit that HEAD and REV have in common, as in `git diff REV...`:
a pull request is compared with where its branch began, so that what was merged into
REV since is not taken for changed back. It is a form of the revision, and not an option
of `diff`, because every command that takes a revision has the same need.

Files are written through an index of their own. `git archive` was not taken: it leaves
out what .gitattributes exclude from releases, and an absolute link ends the reading of
its tar.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from perdure.cli.project import fail

if TYPE_CHECKING:
    from perdure.config import Config

_FILES = ("perdure.toml", "pyproject.toml")
_COMMON = "..."
_DIGEST = re.compile(r"[0-9a-f]{40,64}")
_MESSAGE = re.compile(r"\^\{/[^}]*\}")
"""What names a commit by the text of its message."""
_UNKNOWN = "Needed a single revision"
"""What git says of most revisions that it does not know."""


def as_committed(config: Config, revision: str, place: Path) -> Config:
    """Write the project's folder as git has it at a revision, and read its settings.

    Where the folder is not there yet, nothing is. The server is the one of today: it
    is a matter of the machine, and no part of the history.
    """
    prefix = _prefix(config.root, revision)
    commit = _commit(config.root, revision)
    root = place / prefix
    root.mkdir(parents=True, exist_ok=True)
    _write(config.root, f"{commit}:{prefix}", root)
    if prefix and _reaches_out(root):
        _write(config.root, f"{commit}:", place)
    return replace(
        _settings(config, revision, root),
        postgres_url=config.postgres_url,
        postgres_bin_dir=config.postgres_bin_dir,
    )


def _settings(config: Config, revision: str, root: Path) -> Config:
    from perdure.config import read_config

    for name in _FILES:
        if (root / name).is_file():
            read, found = read_config(root / name)
            if found:
                fail(f"at {revision}, {found[0].message}", code=1)
            if read is not None:
                return read
    none = root / "none"  # no project yet
    return replace(config, root=root, source=None, workflows=none, schema=(), seed=())


def _reaches_out(root: Path) -> bool:
    """Say whether the settings of a project may name files outside of its folder."""
    files = [root / name for name in _FILES if (root / name).is_file()]
    return any("../" in each.read_text("utf-8", errors="replace") for each in files)


def _prefix(folder: Path, revision: str) -> str:
    """Return where the project's folder stands in the repository: `"a/b/"` or `""`."""
    done = _git(folder, "rev-parse", "--show-prefix")
    if done.returncode:
        said = done.stderr.strip().removeprefix("fatal: ")
        fail(
            f'"{revision}" is taken for a revision, and "{folder}" is in no git '
            f"repository that can be read (git says: {said})",
            "without a revision, what is in the lock is compared; with --db, what "
            "a database has",
        )
    return done.stdout.rstrip("\n")


def _commit(folder: Path, revision: str) -> str:
    """Return the commit that a revision means."""
    first = re.sub(r"(?<=\.{3})HEAD$", "", revision)
    common = first.endswith(_COMMON)
    first = first.removesuffix(_COMMON)
    if ".." in _MESSAGE.sub("", first):
        fail(
            f'"{revision}" names two revisions, and the project is compared as its '
            "files are now",
            f'name one: "{first.partition("..")[0] or "HEAD"}", or with "..." after it '
            "for the last commit that HEAD has in common with it",
        )
    if not first:
        fail("the revision is empty", "is a variable not set? HEAD is the last commit")
    commit = _known(folder, first)
    return _merge_base(folder, first, commit) if common else commit


def _known(folder: Path, revision: str) -> str:
    """Return the commit that git finds, or end the command."""
    done = _git(folder, "rev-parse", "--verify", revision)
    found = done.stdout.strip()
    if done.returncode or not _DIGEST.fullmatch(found):
        said = done.stderr.strip().rpartition("fatal: ")[2]
        why = f" ({said})" if said and said != _UNKNOWN else ""
        fail(f'git knows no revision "{revision}"{why}', _missing(folder, revision))
    # Apart from the name, as anything that follows ":/" is looked for in messages.
    done = _git(folder, "rev-parse", "--verify", "--quiet", f"{found}^{{commit}}")
    if done.returncode:
        kind = _git(folder, "cat-file", "-t", found).stdout.strip()
        fail(f'"{revision}" is a {kind}, and a commit is needed')
    return done.stdout.strip()


def _missing(folder: Path, revision: str) -> str | None:
    """Return what may be done for a revision that is not there."""
    if _git(folder, "rev-parse", "--verify", "--quiet", "HEAD").returncode:
        return "the repository has no commits yet"
    remote, _, branch = revision.partition("/")
    known = bool(branch) and remote in _git(folder, "remote").stdout.split()
    tracked = f"{remote} +refs/heads/{branch}:refs/remotes/{revision}"
    if _is_shallow(folder):
        if known:
            return _DEEPEN.format(f" {tracked}")
        if _OF_HISTORY.search(revision):
            return _DEEPEN.format("")
        return _DEEPEN.format(f" origin {revision}, and name FETCH_HEAD instead of it")
    return f"fetch it first: git fetch {tracked}" if known else None


_DEEPEN = (
    "this clone has the last commits only; let CI check out all of them (fetch-depth: "
    '0 of actions/checkout, GIT_DEPTH: "0" of GitLab), or run git fetch --unshallow{}'
)

_OF_HISTORY = re.compile(r"[~^@]|^:/|^HEAD|^[0-9a-f]{7,64}$")
"""What names a commit by its place or its digest, and no branch or tag."""


def _merge_base(folder: Path, revision: str, commit: str) -> str:
    done = _git(folder, "merge-base", commit, "HEAD")
    if done.returncode:
        fail(
            f'git finds no commit that HEAD and "{revision}" have in common',
            _DEEPEN.format("") if _is_shallow(folder) else None,
        )
    return done.stdout.split()[0]


def _is_shallow(folder: Path) -> bool:
    done = _git(folder, "rev-parse", "--is-shallow-repository")
    return done.stdout.strip() == "true"


def _write(folder: Path, tree: str, place: Path) -> None:
    """Write the files of a tree into a folder, as a checkout would."""
    if _git(folder, "rev-parse", "--verify", "--quiet", tree).returncode:
        return
    top = Path(_git(folder, "rev-parse", "--show-toplevel").stdout.rstrip("\n"))
    with tempfile.TemporaryDirectory(prefix="perdure-") as own:
        index = str(Path(own) / "index")
        whole = ("-c", "core.sparseCheckout=false")
        for words in (
            (*whole, "read-tree", tree),
            (*whole, "checkout-index", "-a", "-f", "-q", f"--prefix={place}/"),
        ):
            done = _git(top, *words, index=index)
            if done.returncode:
                said = done.stderr.strip().removeprefix("fatal: ")
                fail(said or f"git {words[2]} failed")


def _git(
    folder: Path, *words: str, index: str | None = None
) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, "GIT_INDEX_FILE": index} if index else None
    try:
        return subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            check=False,
            encoding="utf-8",
            errors="surrogateescape",
            env=environ,
        )
    except FileNotFoundError:
        fail("git is not installed, and a revision was named")
