"""`perdure convert` of what names other files."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from perdure.cli.main import app


@pytest.mark.parametrize("folder", ["workflows", "other/deeper"])
@pytest.mark.parametrize("file", ["../sql/q.sql", "near.sql", "shared.sql"])
def test_the_file_of_a_statement_is_found_from_where_it_is_written(
    tmp_path: Path, folder: str, file: str
) -> None:
    flows = tmp_path / "workflows"
    for place in (flows / "sql", tmp_path / "sql", tmp_path / folder):
        place.mkdir(parents=True, exist_ok=True)
    (tmp_path / "perdure.toml").write_text("")
    for name in ("sql/q.sql", "workflows/near.sql", "workflows/sql/shared.sql"):
        (tmp_path / name).write_text("select 1 as n\n")
    python = flows / "flow.py"
    python.write_text(
        "from perdure import sql_file, workflow\n\n\n@workflow\ndef flow():\n"
        f'    sql_file("{file}")\n'
    )
    shown = CliRunner().invoke(app, ["convert", str(python)])
    assert (shown.exit_code, f"sql_file: {file}\n" in shown.output) == (0, True)
    yaml = tmp_path / folder / "flow.yaml"
    there = CliRunner().invoke(app, ["convert", str(python), "-o", str(yaml)])
    assert there.exit_code == 0, there.output
    named = yaml.read_text().split("sql_file: ")[1].strip()
    assert (yaml.parent / named).exists() or named == "shared.sql"
    back = CliRunner().invoke(app, ["convert", str(yaml)])
    assert (back.exit_code, f'sql_file("{named}")' in back.output) == (0, True)
    again = CliRunner().invoke(
        app, ["convert", str(yaml), "-o", str(flows / "again.py")]
    )
    assert again.exit_code == 0, again.output
    text = (flows / "again.py").read_text()
    assert f'sql_file("{file}")' in text
