"""What each migration tool gets: its names, its markers, its own files.

Alembic, Django and squawk are run. The others are read as they read: their published
patterns of names and the rules by which they split a file.
"""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import indent

import pytest

from perdure.release import Lock, Release, registered_sources
from perdure.release.layouts import LAYOUTS
from perdure.release.layouts.sql import atlas_sum
from perdure.units import read_folder
from tests.unit.emit.deployed import Connection, prepared
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_plan import ONE, TWO, Project, candidate, codes

# What a tool could take for its own, wherever a user may write it.
HOSTILE = """\
- sql: |
    insert into shop.audit (what)
    -- migrate:down
    -- +goose StatementEnd
    -- +goose Down
    values ('${name} :name %s {{x}} ;
    -- migrate:up
    -- atlas:txmode none
    ')
- return: "$${x} -- migrate:up"
"""
EXPECTED = "${name} :name %s {{x}} ;\n-- migrate:up\n-- atlas:txmode none\n"

Layed = Callable[[str, str], Project]


@pytest.fixture
def laid_out(bench: Workbench) -> Layed:
    """Return a function that makes two versions in a layout, beside another file."""

    def make(layout: str, given: str = "") -> Project:
        project = Project(layout)
        if given:
            name, _, text = given.partition("\n")
            project.files[name] = text
        project.write(candidate(bench, HOSTILE))
        project.write(candidate(bench, TWO, inputs="id: bigint\nn: text = 'x'"))
        return project

    return make


@pytest.fixture
def connection(database: str) -> Iterator[Connection]:
    with prepared(database) as connection:
        yield connection


NAMES = {
    "plain": (
        "007_users.up.sql\n",
        ["008_demo_v1.down.sql", "008_demo_v1.up.sql"],
    ),
    "flyway": (
        "V3.1__users.sql\n",
        ["U4__demo_v1.sql", "V4__demo_v1.sql"],
    ),
    "dbmate": ("20250101000000_users.sql\n", ["20260102030405_demo_v1.sql"]),
    "golang-migrate": (
        "000012_users.up.sql\n",
        ["000013_demo_v1.down.sql", "000013_demo_v1.up.sql"],
    ),
    "goose": ("00004_users.sql\n", ["00005_demo_v1.sql"]),
    "sqitch": (
        "sqitch.plan\n%syntax-version=1.0.0\n%project=shop\n",
        ["deploy/demo_v1.sql", "revert/demo_v1.sql", "verify/demo_v1.sql"],
    ),
    "alembic": (
        "ab12_users.py\nrevision = 'ab12'\ndown_revision = None\ndef upgrade(): pass\n",
        [
            "eb078106a1b5_demo_v1.down.sql",
            "eb078106a1b5_demo_v1.py",
            "eb078106a1b5_demo_v1.up.sql",
        ],
    ),
    "django": (
        "0002_users.py\nclass Migration:\n    dependencies = [('shop', '0001_a')]\n",
        ["0003_demo_v1.down.sql", "0003_demo_v1.py", "0003_demo_v1.up.sql"],
    ),
    "supabase": (
        "20990101000000_users.sql\n",  # from a clock that goes ahead
        ["20990101000001_demo_v1.sql", "rollback/20990101000001_demo_v1.sql"],
    ),
    "atlas": (
        "20250101000000_users.sql\n",
        ["20260102030405_demo_v1.sql", "rollback/20260102030405_demo_v1.sql"],
    ),
}


def test_every_layout_has_names_here() -> None:
    assert NAMES.keys() == LAYOUTS.keys()


@pytest.mark.parametrize("layout", NAMES)
def test_files_are_named_as_the_tool_wants(laid_out: Layed, layout: str) -> None:
    given, names = NAMES[layout]
    project = laid_out(layout, given)
    assert sorted(name for name in project.files if "demo_v1" in name) == names


@pytest.mark.parametrize("layout", NAMES)
def test_recompiling_changes_nothing(
    bench: Workbench, laid_out: Layed, layout: str
) -> None:
    project = laid_out(layout, NAMES[layout][0])
    same = candidate(bench, TWO, inputs="id: bigint\nn: text = 'x'")
    release = project.plan(same)
    assert (codes(release), release.changes) == ([], False)


@pytest.mark.parametrize("layout", NAMES)
def test_an_edited_file_is_found_whatever_the_layout(
    bench: Workbench, laid_out: Layed, layout: str
) -> None:
    project = laid_out(layout, NAMES[layout][0])
    for name in [name for name in project.files if "demo_v1" in name]:
        intact = project.files[name]
        project.files[name] += "\n-- edited\n"
        assert codes(project.plan(candidate(bench, ONE))) == ["WF701"]
        project.files[name] = intact


@pytest.mark.parametrize("layout", NAMES)
def test_the_sql_comes_back_out_and_runs(
    bench: Workbench, laid_out: Layed, connection: Connection, layout: str
) -> None:
    project = laid_out(layout, NAMES[layout][0])
    for entry in project.lock.entries:
        text = project.files[project.layout.up_file(entry.migration)]
        script = project.layout.up_sql(text)
        with connection.transaction():
            connection.execute(script.encode())
        expected = {1: HOSTILE, 2: TWO}[entry.version].rstrip("\n")
        (source,) = registered_sources(script).values()
        assert source.rstrip("\n").endswith(indent(expected, "  "))
        stored = connection.execute(
            "select source from perdure.workflow_versions where version = %s",
            [entry.version],
        ).fetchone()
        assert stored == (source,)
    connection.execute("select workflows.demo_v1(1)")
    connection.execute("call df.work(10, 5000)")
    assert connection.execute("select what from shop.audit").fetchone() == (EXPECTED,)


def test_no_body_holds_a_marker_or_a_placeholder(laid_out: Layed) -> None:
    text = "".join(
        text for name, text in laid_out("plain", "").files.items() if "v1" in name
    )
    assert "${" not in text
    assert not re.search(r"--\s*(migrate:|\+goose|atlas:)", text)


def test_dbmate_splits_the_file_where_we_mean(laid_out: Layed) -> None:
    files = laid_out("dbmate", "").files
    marker = re.compile(r"(?m)^--\s*migrate:(up|down)(\s*$|\s+\S+)")
    for name, text in files.items():
        assert re.fullmatch(r"(\d+).*\.sql", name)
        assert [each[1] for each in marker.finditer(text)] == ["up", "down"]


def test_goose_reads_the_statements_that_we_wrote(laid_out: Layed) -> None:
    for text in laid_out("goose", "").files.values():
        marks = [
            line for line in text.splitlines() if re.match(r"\s*--\s*\+goose", line)
        ]
        begins = marks.count("-- +goose StatementBegin")
        assert marks[0] == "-- +goose Up"
        assert marks.count("-- +goose Down") == 1
        assert begins == marks.count("-- +goose StatementEnd") > 6
        outside = re.sub(
            r"(?s)-- \+goose StatementBegin.*?-- \+goose StatementEnd", "", text
        )
        assert not re.search(r"(?m)^(?!--).*\S", outside)


def test_sqitch_gets_a_change_for_each_version(laid_out: Layed) -> None:
    plan = laid_out("sqitch", NAMES["sqitch"][0]).files["sqitch.plan"]
    assert plan.splitlines()[2:] == [
        "",  # sqitch wants it between pragmas and changes
        "demo_v1 2026-01-02T03:04:05Z Perdure <perdure@localhost> # demo, version 1",
        "demo_v2 2026-01-02T03:04:05Z Perdure <perdure@localhost> # demo, version 2",
    ]


def test_atlas_sum_is_what_atlas_computes() -> None:
    files = {"1_a.sql": "create table t ();\n", "2_b.sql": "select 1;\n"}
    assert atlas_sum(files.items()) == ATLAS_SUM


def test_atlas_sum_leaves_out_what_asks_for_it() -> None:
    ignored = "-- atlas:sum ignore\nselect 2;\n"
    files = {"1.sql": "select 1;\r\n", "2.sql": ignored, "3.sql": "select 'ö';"}
    first = b"1.sql" + b"select 1;\r\n"
    third = first + b"2.sql" + b"3.sql" + "select 'ö';".encode()
    digests = [_base64(first), _base64(third)]
    whole = _base64(f"1.sql{digests[0]}3.sql{digests[1]}".encode())
    assert atlas_sum(files.items()) == (
        f"h1:{whole}\n1.sql h1:{digests[0]}\n3.sql h1:{digests[1]}\n"
    )
    for text in ("-- atlas:sum ignored\n", "\n-- atlas:sum ignore\n"):
        assert atlas_sum([("1.sql", text)]).count("1.sql") == 1


def _base64(text: bytes) -> str:
    return base64.b64encode(hashlib.sha256(text).digest()).decode()


def test_atlas_sum_is_over_the_bytes_of_files(tmp_path: Path) -> None:
    (tmp_path / "1_users.sql").write_bytes(b"select 1;\r\n")
    layout = LAYOUTS["atlas"]
    files = read_folder(tmp_path, layout.globs, Lock())
    assert layout.shared(files, {})["atlas.sum"] == (
        atlas_sum([("1_users.sql", "select 1;\r\n")])
    )


# Computed by ariga.io/atlas/sql/migrate for these two files.
ATLAS_SUM = """\
h1:SgvUHuE9x5y2sjyitOwUBpL7oDp+yrVKLYygGEv7N8I=
1_a.sql h1:HLsVZquhT8mXN0V+1TOkF/e5fhe1rLRk3/11TJJuX4k=
2_b.sql h1:9QGJI4rMfUfJkfr0q4Ou3y7Y4HYnFgcPx97YfALqzhE=
"""


@pytest.mark.parametrize(
    ("layout", "files", "message"),
    [
        ("sqitch", {}, 'sqitch: there is no "sqitch.plan": sqitch init makes one'),
        (
            "alembic",
            {"a.py": "revision = 'a'", "b.py": "revision: str = 'b'"},
            "alembic: there are 2 heads, a and b: alembic merge makes one of them",
        ),
        ("django", {"0001_a.py": "class ("}, 'django: "0001_a.py" is not Python: '),
    ],
)
def test_a_folder_that_allows_no_migration_is_named(
    bench: Workbench, layout: str, files: dict[str, str], message: str
) -> None:
    project = Project(layout)
    project.files = files
    release: Release = project.plan(candidate(bench, ONE))
    assert codes(release) == ["WF707"]
    assert release.findings[0].message.startswith(message)
    assert not release.changes


ALEMBIC_ENV = """\
from alembic import context
from sqlalchemy import create_engine
with create_engine(context.config.get_main_option("url")).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
"""


def test_alembic_runs_them_up_and_down(
    laid_out: Layed, connection: Connection, tmp_path: Path
) -> None:
    url = psycopg_url(connection)
    _write(tmp_path / "versions", laid_out("alembic", NAMES["alembic"][0]).files)
    (tmp_path / "env.py").write_text(ALEMBIC_ENV)
    (tmp_path / "alembic.ini").write_text(
        f"[alembic]\nscript_location = {tmp_path}\nurl = {url.replace('%', '%%')}\n"
    )

    def alembic(*words: str) -> None:
        command = [sys.executable, "-m", "alembic", "-c", "alembic.ini", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    alembic("upgrade", "head")
    assert versions(connection) == [1, 2]
    assert_exact(connection, tmp_path / "versions")
    alembic("downgrade", "-1")
    assert versions(connection) == [1]
    alembic("downgrade", "ab12")
    assert versions(connection) == []


DJANGO = """\
import django, sys
from django.conf import settings
settings.configure(INSTALLED_APPS=["shop"], DATABASES={"default": {
    "ENGINE": "django.db.backends.postgresql", "NAME": sys.argv[1],
    "HOST": sys.argv[2], "PORT": sys.argv[3], "USER": "postgres"}})
django.setup()
from django.core.management import call_command
call_command("migrate", "shop", *sys.argv[4:])
"""


def test_django_runs_them_up_and_down(
    laid_out: Layed, connection: Connection, tmp_path: Path
) -> None:
    given = "0001_initial.py\nfrom django.db import migrations\n"
    given += "class Migration(migrations.Migration):\n    dependencies = []\n"
    folder = tmp_path / "shop"
    _write(folder / "migrations", laid_out("django", given).files)
    (folder / "__init__.py").touch()
    (folder / "migrations" / "__init__.py").touch()
    info = connection.info

    def migrate(*words: str) -> None:
        place = [info.dbname, info.host, str(info.port)]
        command = [sys.executable, "-c", DJANGO, *place, *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    migrate()
    assert versions(connection) == [1, 2]
    assert_exact(connection, folder / "migrations")
    migrate("0002")
    assert versions(connection) == [1]
    migrate("0001")
    assert versions(connection) == []


def test_squawk_has_nothing_to_say(laid_out: Layed, tmp_path: Path) -> None:
    _write(tmp_path, laid_out("plain", "").files)
    squawk = Path(sys.executable).with_name("squawk")
    done = subprocess.run(
        [squawk, "--assume-in-transaction", *sorted(tmp_path.glob("*.sql"))],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def psycopg_url(connection: Connection) -> str:
    """Return the URL of a connection as SQLAlchemy wants it."""
    info = connection.info
    return f"postgresql+psycopg://{info.user}@/{info.dbname}?host={info.host}"


def versions(connection: Connection) -> list[int]:
    query = "select version from perdure.workflow_versions order by version"
    return [row[0] for row in connection.execute(query).fetchall()]


def assert_exact(connection: Connection, folder: Path) -> None:
    """Compare sources and functions with the SQL, which has `:name` and `%s`."""
    (path,) = folder.glob("*demo_v1.up.sql")
    text = path.read_text()
    (source,) = registered_sources(text).values()
    row = connection.execute(
        "select w.source, p.prosrc from perdure.workflow_versions w"
        " join pg_proc p on p.proname = 'demo_v1' where w.version = 1"
    ).fetchone()
    assert row is not None
    assert row[0] == source
    assert ":name %s" in row[0]
    assert row[1] in text


def _write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
