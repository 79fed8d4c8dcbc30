"""The demo: check, compile and run this example on an embedded PostgreSQL.

`make demo`. Everything is done with the `perdure` command, in a copy of the example
below `.perdure/demo`, so that the checkout stays as it is and each demo starts anew.
Order 2 is large: its run waits for an approval, which the demo sends.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / ".perdure" / "demo" / "orders"
PERDURE = Path(sys.executable).with_name("perdure")
APPROVAL = '{"approved": true, "approver": "ada"}'
THINKING = 3  # seconds that the approval takes


def main() -> None:
    """Run the demo; end with the exit code of the first command that fails."""
    started = time.monotonic()
    copy_example()
    with database() as url, receiver() as (address, sent):
        perdure("check")
        perdure("compile")
        start = ("run", "order_approval", "order_id=2", f"hooks={address}", "--detach")
        run = perdure(*start, capture=True).strip()
        with someone_who_approves(run):
            perdure("show", run, "--follow")
        print(f"\nthe chat was sent  {next(sent).strip()}")
        print(f"the migration is   {migration()}")
        print(f"shop.orders has    {order(url, 2)}")
    print(f"\n{time.monotonic() - started:.1f} s; the project is in {shown(FOLDER)}")


def copy_example() -> None:
    """Copy the sources of the example, without what was compiled from them."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    compiled = ("migrations", "workflows.lock", ".perdure", "__pycache__")
    shutil.copytree(HERE, FOLDER, ignore=shutil.ignore_patterns(*compiled))


def perdure(*arguments: str, capture: bool = False) -> str:
    """Show a command and run it in the project; return what it printed, if asked."""
    print(f"\n$ {line(arguments)}", flush=True)
    done = command(arguments, stdout=subprocess.PIPE if capture else None)
    print(done.stdout or "", end="", flush=True)
    if done.returncode != 0:
        sys.exit(done.returncode)
    return done.stdout or ""


def line(arguments: Sequence[str]) -> str:
    """Return a command as the user would type it."""
    return shlex.join(("perdure", *arguments))


def command(
    arguments: Sequence[str], stdout: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command in the project, on the embedded PostgreSQL."""
    named = ("DATABASE_URL", "PERDURE_DATABASE_URL")
    environment = {k: v for k, v in os.environ.items() if k not in named}
    return subprocess.run(
        [PERDURE, *arguments], cwd=FOLDER, env=environment, stdout=stdout, text=True
    )


@contextmanager
def someone_who_approves(run: str) -> Iterator[None]:
    """Send the approval after a while, as if from another terminal."""
    arguments = ("signal", run, "approval", APPROVAL)
    print(f"\n(in {THINKING} seconds, as if from another terminal:)")
    print(f"$ {line(arguments)}")
    timer = threading.Timer(THINKING, command, [arguments, subprocess.DEVNULL])
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def database() -> Iterator[str]:
    """Keep the project's embedded PostgreSQL running between the commands."""
    from perdure.engine.database import open_database

    with open_database(None, {}, FOLDER / ".perdure") as opened:
        yield opened.url


@contextmanager
def receiver() -> Iterator[tuple[str, Iterator[str]]]:
    """Run receiver.py on a free port; give its address and what it was sent."""
    program = [sys.executable, str(HERE / "receiver.py"), "0"]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.stdout
        finally:
            process.terminate()


def migration() -> str:
    """Return the path of the migration that was written."""
    (path,) = sorted((FOLDER / "migrations").glob("*.up.sql"))
    return shown(path)


def order(url: str, number: int) -> str:
    """Read an order from the database."""
    import psycopg
    from psycopg.rows import dict_row

    query = "select id, total, email, status from shop.orders where id = %s"
    with psycopg.connect(url, row_factory=dict_row) as connection:
        row = connection.execute(query, [number]).fetchone()
    return ", ".join(f"{name} {value}" for name, value in (row or {}).items())


def shown(path: Path) -> str:
    """Return a path as the user would type it."""
    return os.path.relpath(path)


if __name__ == "__main__":
    main()
