"""The demo: check, compile and run this example on an embedded PostgreSQL.

`make demo`. Everything is done with the `perdure` command, in a copy of the example
below `.perdure/demo`, so that the checkout stays as it is and each demo starts anew.
Order 2 is large: its run waits for an approval, which the demo sends.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
FOLDER = HERE.parents[1] / ".perdure" / "demo" / "orders"
PERDURE = Path(sys.executable).with_name("perdure")
APPROVAL = '{"approved": true, "approver": "ada"}'


def main() -> None:
    """Run the demo; end with the exit code of the first command that fails."""
    started = time.monotonic()
    copy_example()
    perdure("check")
    perdure("compile")
    with receiver() as (address, sent):
        perdure(
            *("run", "order_approval", "order_id=2", f"hooks={address}"),
            *("--signal", f"approval={APPROVAL}"),
        )
        request = next(sent).strip()
    print(f"\nthe chat was sent  {request}")
    print(f"the migration is   {migration()}")
    print(f"shop.orders has    {order(2)}")
    print(f"\n{time.monotonic() - started:.1f} s; the project is in {shown(FOLDER)}")


def copy_example() -> None:
    """Copy the sources of the example, without what was compiled from them."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    compiled = ("migrations", "workflows.lock", ".perdure", "__pycache__")
    shutil.copytree(HERE, FOLDER, ignore=shutil.ignore_patterns(*compiled))


def perdure(*arguments: str) -> None:
    """Show a command and run it in the project."""
    words = (f"'{word}'" if "{" in word else word for word in arguments)
    print(f"\n$ perdure {' '.join(words)}", flush=True)
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "PERDURE_DATABASE_URL")
    }
    done = subprocess.run([PERDURE, *arguments], cwd=FOLDER, env=environment)
    if done.returncode != 0:
        sys.exit(done.returncode)


@contextmanager
def receiver() -> Iterator[tuple[str, Iterator[str]]]:
    """Run receiver.py on a free port; give its address and what it was sent."""
    command = [sys.executable, str(HERE / "receiver.py"), "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip(), process.stdout
        finally:
            process.terminate()


def migration() -> str:
    """Return the path of the migration that was written."""
    (path,) = sorted((FOLDER / "migrations").glob("*.up.sql"))
    return shown(path)


def order(number: int) -> str:
    """Read the order from the embedded database."""
    import psycopg
    from psycopg.rows import dict_row

    from perdure.engine.database import open_database

    with (
        open_database(None, {}, FOLDER / ".perdure") as database,
        psycopg.connect(database.url, row_factory=dict_row) as connection,
    ):
        query = "select id, total, email, status from shop.orders where id = %s"
        row = connection.execute(query, [number]).fetchone()
    return ", ".join(f"{name} {value}" for name, value in (row or {}).items())


def shown(path: Path) -> str:
    """Return a path as the user would type it."""
    return os.path.relpath(path)


if __name__ == "__main__":
    main()
