"""The schema in its scratch database: what is loaded, refused, kept and dropped."""

from __future__ import annotations

import subprocess
import sys
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from perdure.catalog import (
    CatalogSettings,
    SchemaCatalog,
    SchemaSource,
    ServerOptions,
    open_catalog,
)
from perdure.catalog.model import Described, Rejected
from perdure.catalog.scratch import _drop, _rename
from perdure.engine.postgres import EngineError, embedded_bin_dir
from tests.databases import made

OpenSchema = Callable[[str], SchemaCatalog]
DEBIAN_15 = Path("/usr/lib/postgresql/15/bin")
POSTGRES_16 = embedded_bin_dir().parent.parent / "pginstall" / "bin"
ORDERS = "create schema shop; create table shop.orders (id bigint primary key);"


def settings(
    path: Path, state: Path, server: ServerOptions | None = None
) -> CatalogSettings:
    return CatalogSettings(
        SchemaSource((path,)), state, path.parent, server or ServerOptions()
    )


@pytest.mark.parametrize(
    ("schema", "sqlstate", "at"),
    [
        ("create table a ();\ncreate table b (id bigint primary kee);", "42601", "kee"),
        ("create table a (id numerik);", "42704", "numerik"),
        ("-- ä\ncreate table a (); create table a ();", "42P07", "create table a ()"),
        ("create view v as select x from pg_class;", "42703", "x from"),
        ("select 1/0;", "22012", "select"),
        ("create function f() returns int language plpgsql as $$ begin retrn; end $$;",
         "42601", "retrn"),
    ],
)  # fmt: skip
def test_a_refused_schema_is_a_finding_with_its_place(
    open_schema: OpenSchema, schema: str, sqlstate: str, at: str
) -> None:
    catalog = open_schema(schema)
    (found,) = catalog.problems()
    assert (found.code, found.sqlstate) == ("WF501", sqlstate)
    assert found.span is not None
    assert found.span.path == "schema.sql"
    assert found.span.start == schema.rindex(at)
    assert catalog.sources[0].text == schema
    # It is not taken for good the next time.
    assert [each.code for each in open_schema(schema).problems()] == ["WF501"]


def test_extensions_that_are_missing_are_all_named(open_schema: OpenSchema) -> None:
    schema = (
        "create extension vector; create extension hstore;\n"
        'create table a (tags hstore); create extension if not exists "uuid-ossp";'
    )
    found = open_schema(schema).problems()
    assert [each.code for each in found] == ["WF502", "WF502"]
    spans = [each.span for each in found if each.span]
    assert [schema[s.start : s.end] for s in spans] == ["hstore", '"uuid-ossp"']
    assert found[0].help is not None
    assert "postgres.bin_dir" in found[0].help
    assert "postgres.url" in found[0].help


def test_vector_is_there(open_schema: OpenSchema) -> None:
    catalog = open_schema("create extension vector; create table a (e vector(3));")
    assert catalog.problems() == []
    assert catalog.canonical_type("vector(3)") == "public.vector(3)"


def test_roles_that_a_schema_names_do_not_matter(open_schema: OpenSchema) -> None:
    schema = (
        "create role perdure_made; create table {0} (id int);"
        "grant select on {0} to perdure_app, perdure_other; alter table {0} owner to "
        "perdure_owner; create policy p on {0} to perdure_app;"
    )
    assert open_schema(schema.format("a")).problems() == []
    # The roles are there now, and those that are created exist already.
    assert open_schema(schema.format("b")).problems() == []


def test_settings_of_a_file_end_with_it(tmp_path: Path, state_dir: Path) -> None:
    (tmp_path / "1.sql").write_text(
        "create schema s; set search_path = s; create table a (); begin;"
        "create table b ();"
    )
    (tmp_path / "2.sql").write_text("create table c ();")
    source = SchemaSource((tmp_path,))
    with open_catalog(CatalogSettings(source, state_dir, tmp_path)) as catalog:
        assert catalog.problems() == []
        for table in ("s.a", "s.b", "public.c"):
            assert isinstance(catalog.describe(f"select 1 from {table}"), Described)


def test_down_sections_are_not_run(open_schema: OpenSchema) -> None:
    catalog = open_schema(
        "-- migrate:up\ncreate table a ();\n-- migrate:down\ndrop table a;\n"
    )
    assert catalog.problems() == []
    assert isinstance(catalog.describe("select 1 from a"), Described)


def test_without_a_schema_there_are_the_tables_of_postgresql(state_dir: Path) -> None:
    with open_catalog(CatalogSettings(SchemaSource(), state_dir)) as catalog:
        assert catalog.problems() == []
        assert isinstance(catalog.describe("select 1 from pg_class"), Described)


def test_few_scratch_databases_are_kept(open_schema: OpenSchema) -> None:
    for number in range(7):
        catalog = open_schema(f"create table kept_{number} ();")
        assert catalog.problems() == []
        last = catalog._ask()._names
        names = last.execute(
            "select count(*) from pg_database where datname like 'perdure_scratch_%'"
        ).fetchone()
        catalog.close()
    assert names is not None
    assert names[0] <= 6  # four, and those that other tests are connected to


def test_a_live_database_is_a_schema(
    make_database: Callable[[], str], state_dir: Path, tmp_path: Path
) -> None:
    url = make_database()
    with psycopg.connect(url) as connection:
        connection.execute(ORDERS.encode())
        connection.execute(
            "create schema df; create table df.nodes (id text);"
            "create function shop.f() returns void language plpgsql as "
            "$$ begin update shop.orders\nset id = 1; end $$"
        )

    def ask() -> tuple[str, object, object]:
        source = SchemaSource(url=url)
        with open_catalog(CatalogSettings(source, tmp_path, tmp_path)) as catalog:
            assert catalog.problems() == []
            return (
                catalog.digest,
                catalog.describe("select id, shop.f() from shop.orders"),
                catalog.describe("select id from df.nodes"),
            )

    digest, own, runtime = ask()
    assert isinstance(own, Described)
    assert isinstance(runtime, Rejected)
    assert ask()[0] == digest
    with psycopg.connect(url) as connection:
        connection.execute("alter table df.nodes add x text")
    assert ask()[0] == digest
    with psycopg.connect(url) as connection:
        connection.execute("alter table shop.orders add x text")
    assert ask()[0] != digest


def test_a_live_database_that_is_not_there_is_a_finding(tmp_path: Path) -> None:
    source = SchemaSource(url="postgresql://nobody@127.0.0.1:1/none")
    with open_catalog(CatalogSettings(source, tmp_path)) as catalog:
        assert [each.code for each in catalog.problems()] == ["WF503"]


def test_a_live_database_that_may_not_be_read_says_which_rights_lack(
    make_database: Callable[[], str], tmp_path: Path
) -> None:
    url = make_database()
    role = f"looker_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(ORDERS.encode())
        connection.execute(f"create role {role} login".encode())
        try:
            source = SchemaSource(url=make_conninfo(url, user=role))
            with open_catalog(CatalogSettings(source, tmp_path)) as catalog:
                (problem,) = catalog.problems()
        finally:
            connection.execute(f"drop role {role}".encode())
    assert problem.code == "WF503"
    assert "permission denied for" in problem.message
    assert "needs USAGE on the schemas and SELECT on the tables" in (problem.help or "")


@pytest.mark.parametrize(
    ("bin_dir", "major"), [(DEBIAN_15, "15"), (POSTGRES_16, "16")], ids=["15", "16"]
)
def test_an_installed_postgresql_answers(
    bin_dir: Path, major: str, tmp_path: Path, state_dir: Path
) -> None:
    if not (bin_dir / "postgres").exists():
        pytest.skip("not installed here")
    path = tmp_path / "schema.sql"
    extension = "create extension hstore;" if major == "15" else ""
    path.write_text(f"{extension} {ORDERS}")
    with open_catalog(settings(path, state_dir, ServerOptions(bin_dir))) as catalog:
        assert catalog.problems() == []
        answer = catalog.describe("select count(*) n from shop.orders")
        assert isinstance(answer, Described)
        assert answer.facts.cardinality == "one"
        answer = catalog.describe("update shop.orders set id = 1 returning id")
        assert isinstance(answer, Described)
        assert not answer.columns[0].nullable
        assert catalog.canonical_type("no_such(") is None
        assert catalog.typeof("now()") == catalog.typeof("now( )")
        assert major in catalog.digest
        if extension:
            assert catalog.canonical_type("hstore") == "public.hstore"


def test_a_server_by_url_gets_a_database_that_is_dropped(
    postgres: str, tmp_path: Path
) -> None:
    path = tmp_path / "schema.sql"
    path.write_text(f"create role perdure_not_made; {ORDERS}")

    def names() -> set[str]:
        with psycopg.connect(postgres) as connection:
            rows = connection.execute(
                "select datname from pg_database where datname like 'perdure_scratch_%'"
                " union select rolname from pg_roles where rolname = 'perdure_not_made'"
            )
            return {row[0] for row in rows}

    before = names()
    options = ServerOptions(url=postgres)
    with open_catalog(settings(path, tmp_path / "state", options)) as catalog:
        assert catalog.problems() == []
        assert isinstance(catalog.describe("select 1 from shop.orders"), Described)
        assert len(names() - before) == 1
    assert names() == before
    with open_catalog(settings(path, tmp_path / "state", options)) as catalog:
        assert isinstance(catalog.describe("select 1 from shop.orders"), Described)
        assert names() == before


@pytest.mark.parametrize(
    "options",
    [
        ServerOptions(url="postgresql://nobody@127.0.0.1:1/none"),
        ServerOptions(bin_dir=Path("/no/such/folder")),
    ],
)
def test_a_server_that_is_not_there_is_not_the_users_mistake(
    options: ServerOptions, tmp_path: Path
) -> None:
    path = tmp_path / "schema.sql"
    path.write_text(ORDERS)
    with (
        pytest.raises(EngineError),
        open_catalog(settings(path, tmp_path, options)) as catalog,
    ):
        catalog.problems()


ASK = """
import sys
from pathlib import Path
from perdure.catalog import *
schema, state = Path(sys.argv[1]), Path(sys.argv[2])
settings = CatalogSettings(SchemaSource((schema,)), state, schema.parent)
with open_catalog(settings) as catalog:
    assert catalog.problems() == []
    for number in range(20):
        answer = catalog.describe(f"select id + {number} from shop.orders")
        assert answer.columns[0].nullable is False
    catalog.typeof("1 + 1"), catalog.canonical_type("int8")
loaded = [m for m in ("psycopg", "sqlglot", "subprocess") if m in sys.modules]
print(",".join(loaded))
"""


def ask_in_process(schema: Path, state: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ASK, schema, state],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_digest_is_known_before_the_schema_is_loaded(
    postgres: str, tmp_path: Path
) -> None:
    path = tmp_path / "schema.sql"
    path.write_text("create tabel a ();")
    for options in (ServerOptions(), ServerOptions(url=postgres)):
        with open_catalog(settings(path, tmp_path, options)) as catalog:
            digest = catalog.digest
            assert catalog.problems() != []
            assert catalog.digest == digest
    path.write_text(ORDERS)
    with open_catalog(settings(path, tmp_path)) as catalog:
        assert catalog.digest != digest
    assert not list(tmp_path.glob("*/postmaster.pid"))


def test_a_second_check_needs_no_server(state_dir: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.sql"
    schema.write_text(f"{ORDERS} -- second")
    assert "psycopg" in ask_in_process(schema, state_dir)
    second = ask_in_process(schema, state_dir)
    assert "psycopg" not in second
    assert "sqlglot" not in second


def test_processes_that_start_at_once_get_the_same(short_dir: Path) -> None:
    state = short_dir / "at-once"
    state.mkdir(mode=0o711)
    schema = state / "schema.sql"
    schema.write_text(ORDERS)
    with ThreadPoolExecutor() as pool:
        runs = [pool.submit(ask_in_process, schema, state) for _ in range(3)]
    assert len([run.result() for run in runs]) == 3
    assert not list(state.glob("*/data/postmaster.pid"))


def test_a_session_that_has_not_quite_ended_is_not_in_the_way(postgres: str) -> None:
    """As that of the loader, on a machine with much else to do."""
    with made(postgres) as name, psycopg.connect(postgres, autocommit=True) as own:
        left = psycopg.connect(make_conninfo(postgres, dbname=name))
        _rename(own, name, f"{name}_whole")
        left.close()
        left = psycopg.connect(make_conninfo(postgres, dbname=f"{name}_whole"))
        _drop(own, f"{name}_whole", left=True)
        found = own.execute(
            "select from pg_database where datname ~ %s", [name]
        ).fetchall()
        left.close()
    assert found == []
