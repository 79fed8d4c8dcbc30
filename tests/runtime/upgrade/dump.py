"""What a database consists of, as statements that can be compared."""

from __future__ import annotations

import re
import subprocess

from perdure.engine.postgres import embedded_bin_dir

_TABLE = re.compile(r"(CREATE TABLE \S+ \(\n)(.*?)(\n\).*)", re.DOTALL)


def dump(url: str) -> list[str]:
    """Return the statements of pg_dump in alphabetical order.

    The columns of a table come in alphabetical order as well: a column that was added
    stands last, and no statement of the runtime depends on where it stands.
    """
    text = subprocess.run(
        [embedded_bin_dir() / "pg_dump", "--schema-only", url],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line for line in text.splitlines() if not re.match(r"--|\\|SET |$", line)]
    return sorted(_sorted_columns(each) for each in "\n".join(lines).split(";\n"))


def _sorted_columns(statement: str) -> str:
    found = _TABLE.match(statement)
    if found is None:
        return statement
    columns = sorted(line.rstrip(",") for line in found[2].splitlines())
    return found[1] + "\n".join(columns) + found[3]
