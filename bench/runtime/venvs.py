"""The peers' environments: one each, in a cache folder, made when first needed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

# Absurd's schema is in the package of its command line.
PACKAGES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dbos": ("dbos",),
        "absurd": ("absurd-sdk", "absurdctl"),
        "duroxide": ("duroxide",),
    }
)


def cache_folder() -> Path:
    """Return where the environments are kept between runs."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "perdure-bench"


def peer_python(peer: str, cache: Path) -> Path:
    """Return the Python of a peer's environment.

    Raises RuntimeError with the end of pip's output when it cannot be installed.
    """
    venv = cache / peer
    python = venv / "bin" / "python"
    complete = venv / "complete"
    if complete.exists():
        return python
    _run(sys.executable, "-m", "venv", "--clear", str(venv))
    packages = (*PACKAGES[peer], "psycopg[binary]")
    _run(str(python), "-m", "pip", "install", "--quiet", *packages)
    complete.touch()
    return python


def versions(python: Path, peer: str) -> str:
    """Return the versions of a peer's packages, like `dbos 3.4.0`."""
    code = "import sys; from importlib.metadata import version"
    code += "\nfor name in sys.argv[1:]: print(name, version(name))"
    output = subprocess.run(
        [python, "-c", code, *PACKAGES[peer]], capture_output=True, text=True
    ).stdout
    return ", ".join(output.split("\n")).strip(", ")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise RuntimeError(" ".join(said) or f"{command[0]} failed")
