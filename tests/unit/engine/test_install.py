"""Which files install or upgrade the runtime."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from perdure.engine.errors import EngineError
from perdure.engine.install import Sources, script, shipped

API_OF_PG_DURABLE = frozenset(
    {"as", "cancel", "grant_usage", "http", "http_multipart", "instances", "nodes"}
    | {"result", "seq", "signal", "sql", "start", "status"}
)


def sources(folder: Path, version: str, *upgrades: str) -> Sources:
    (folder / "upgrade").mkdir()
    (folder / "20_nodes.sql").write_text("select 2;\n")
    (folder / "10_schemas.sql").write_text(
        "create function df.runtime_version() returns text\nlanguage sql immutable\n"
        f"as $$ select '{version}' $$;\n"
    )
    (folder / "notes.sql").write_text("select 'not mine';\n")
    for name in upgrades:
        (folder / "upgrade" / f"{name}.sql").write_text("select 3;\n")
    return Sources(folder)


def test_files_in_order(tmp_path: Path) -> None:
    found = [path.name for path in sources(tmp_path, "0.1.0").files()]
    assert found == ["10_schemas.sql", "20_nodes.sql"]


def test_version_is_read_from_the_files(tmp_path: Path) -> None:
    assert sources(tmp_path, "0.3.1").version() == "0.3.1"


def test_folder_without_a_version(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no runtime"):
        Sources(tmp_path).version()


def test_upgrade_goes_from_version_to_version(tmp_path: Path) -> None:
    known = sources(tmp_path, "0.3.0", "0.1.0--0.2.0", "0.2.0--0.3.0", "0.0.1--0.1.0")
    names = [path.stem for path in known.upgrades("0.1.0")]
    assert names == ["0.1.0--0.2.0", "0.2.0--0.3.0"]


@pytest.mark.parametrize("installed", ["0.4.0", "0.0.9"])
def test_upgrade_without_a_way(tmp_path: Path, installed: str) -> None:
    known = sources(tmp_path, "0.3.0", "0.2.0--0.3.0")
    with pytest.raises(EngineError, match=rf"{installed} .* cannot be upgraded"):
        known.upgrades(installed)


def test_the_support_of_pg_durable_needs_the_api_alone() -> None:
    text = "\n".join(text for _, text in shipped((0, 2, 5)).parts())
    assert re.findall(r"\bdf_\w+\.\w+", text) == []
    assert set(re.findall(r"\bdf\.(\w+)", text)) <= API_OF_PG_DURABLE


def test_mark_changes_with_any_file(tmp_path: Path) -> None:
    known = sources(tmp_path, "0.1.0")
    before = known.mark()
    (tmp_path / "20_nodes.sql").write_text("select 4;\n")
    assert known.mark() != before
    assert known.mark().startswith("Perdure runtime 0.1.0 ")


def test_script_is_one_transaction() -> None:
    text = script()
    assert text.startswith("begin;\n")
    assert text.endswith("commit;\n")
    positions = [text.index(f"-- {path.name}\n") for path in shipped().files()]
    assert positions == sorted(positions)
    assert text.index("comment on schema df") > positions[-1]


def test_support_of_the_extension_is_part_of_the_files() -> None:
    support = shipped((0, 2, 5))
    names = [path.name for path in support.files()]
    assert names[:2] == ["80_perdure_schema.sql", "81_perdure_values.sql"]
    assert names[-1] == "90_access.sql"
    assert not {"10_schemas.sql", "90_privileges.sql"} & set(names)
    assert support.mark().startswith(f"Perdure support {support.version()} ")
    text = script(support)
    assert "comment on schema perdure is 'Perdure support" in text
    assert "df_engine" not in text
    assert "df_graph" not in text


def test_support_has_the_schedules_of_the_runtime() -> None:
    theirs = dict(shipped((0, 2, 5)).parts())["45_schedule.sql"]
    ours = dict(shipped().parts())["45_schedule.sql"]
    assert "create function perdure.next_time(p_cron text" in theirs
    assert theirs.count("create function perdure.") == ours.count("create function ")
