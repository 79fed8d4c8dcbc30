"""The wheel holds what the checkout holds, and works where only it is installed.

Dependencies are borrowed from the environment of the tests by a `.pth` file: they are
not what is tested, and the tests need no package index.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("grammar", "templates", "runtime_sql")


def run(*command: str | Path, cwd: Path) -> str:
    """Run a command without this checkout on its path; return what it printed."""
    dropped = ("PYTHON", "PERDURE_", "PYTEST_", "DATABASE_URL", "VIRTUAL_ENV")
    kept = {k: v for k, v in os.environ.items() if not k.startswith(dropped)}
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=kept | {"NO_COLOR": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=180,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    run(sys.executable, *build, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def commands(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of commands of an environment with just the wheel."""
    home = tmp_path_factory.mktemp("installed") / "venv"
    run(sys.executable, "-m", "venv", "--without-pip", home, cwd=home.parent)
    python = home / "bin" / "python"
    pip = ("-m", "pip", "--python", python, "install", "--quiet", "--no-deps")
    run(sys.executable, *pip, wheel, cwd=home.parent)
    (site,) = home.glob("lib/python*/site-packages")
    # A path in a `.pth` file is searched, but `.pth` files in it are not obeyed, and
    # one of those is the editable install of this checkout.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin"


def files_below(folder: Path, *suffixes: str) -> set[str]:
    """Return the paths below a folder that git would have, relative to it."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file()
        and "__pycache__" not in path.parts
        and (not suffixes or path.suffix in suffixes)
    }


def packed(wheel: Path, prefix: str) -> set[str]:
    """Return the paths in the wheel below a prefix, relative to it."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    return {name.removeprefix(prefix) for name in names if name.startswith(prefix)}


@pytest.mark.parametrize("kind", KINDS)
def test_the_wheel_has_the_files_of_the_checkout(wheel: Path, kind: str) -> None:
    expected = files_below(ROOT / kind)
    assert expected
    assert packed(wheel, f"perdure/_assets/{kind}/") == expected


def test_the_wheel_has_the_package_and_nothing_else(wheel: Path) -> None:
    modules = {name for name in packed(wheel, "perdure/") if "_assets/" not in name}
    assert modules == files_below(ROOT / "compiler" / "perdure", ".py", ".typed")
    tops = {name.split("/")[0] for name in packed(wheel, "")}
    assert tops == {"perdure", *(top for top in tops if top.endswith(".dist-info"))}


def test_the_installed_package_is_that_of_the_wheel(
    commands: Path, tmp_path: Path
) -> None:
    code = "import perdure.assets as a; print(a.assets('runtime_sql'))"
    place = run(commands / "python", "-c", code, cwd=tmp_path)
    assert place.startswith(str(commands.parent))
    assert place.rstrip().endswith("_assets/runtime_sql")


def test_a_project_can_be_made_checked_compiled_and_run(
    commands: Path, tmp_path: Path
) -> None:
    perdure = commands / "perdure"
    assert "check" in run(perdure, "--help", cwd=tmp_path)
    run(perdure, "init", "shop", cwd=tmp_path)
    shop = tmp_path / "shop"
    assert "no findings" in run(perdure, "check", cwd=shop)
    run(perdure, "compile", cwd=shop)
    assert (shop / "workflows.lock").is_file()
    assert list((shop / "migrations").glob("*_order_approval*.up.sql"))
    run(perdure, "compile", "--check", cwd=shop)
    output = run(perdure, "run", "order_approval", "order_id=1", cwd=shop)
    assert 'result {"status": "approved"}' in output
