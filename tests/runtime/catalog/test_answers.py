"""Types, facts, refusals: what PostgreSQL itself says of statements."""

from __future__ import annotations

import pytest

from perdure.catalog import SchemaCatalog
from perdure.catalog.model import Computed, Described, Facts, Rejected, Typed


def described(catalog: SchemaCatalog, sql: str) -> Described:
    answer = catalog.describe(sql)
    assert isinstance(answer, Described), answer
    return answer


@pytest.mark.parametrize(
    ("sql", "types"),
    [
        ("select id, total, tags, placed_at from shop.orders",
         "bigint|numeric(12,2)|text[]|timestamp with time zone"),
        ("select feeling, price, code, body from kinds",
         "public.mood|numeric(12,2)|character(3)|jsonb"),
        ("select array[feeling] a, array[price] b from kinds",
         "public.mood[]|public.amount[]"),
        ("select count(*) n, sum(total) s, avg(id) a from shop.orders",
         "bigint|numeric|numeric"),
        ("select o from shop.orders o", "shop.orders"),
        ("select ($1)::bigint a, 'x' b", "bigint|text"),
        ("select * from (select * from pg_catalog.jsonb_to_recordset(($1)::jsonb) as "
         'r("id" bigint, "name" text)) as b', "bigint|text"),
        ("insert into parts values (1) returning *", "integer"),
        ("select id, id from parts", "integer|integer"),
        ("explain select 1", "text"),
        ("show search_path", "text"),
        ("delete from parts where id = 1", ""),
    ],
)  # fmt: skip
def test_types_of_columns(catalog: SchemaCatalog, sql: str, types: str) -> None:
    columns = described(catalog, sql).columns
    assert "|".join(column.type for column in columns) == types


@pytest.mark.parametrize(
    ("sql", "facts"),
    [
        ("select * from shop.orders o join kinds on true",
         Facts("select", True, "many", reads=("public.kinds", "shop.orders"),
               star=True)),
        ("table parts",
         Facts("select", True, "many", reads=("public.parts",), star=True)),
        ("with parts as (select 1) select count(*) n from parts",
         Facts("select", True, "one")),
        ("update shop.orders set status = 'x'",
         Facts("update", False, "one", writes=("shop.orders",), has_where=False)),
        ("update shop.orders o set status = 'x' from parts where o.id = parts.id",
         Facts("update", False, "one", reads=("public.parts",),
               writes=("shop.orders",))),
        ("with gone as (delete from shop.stock returning id) select id from gone",
         Facts("select", True, "many", writes=("shop.stock",), has_where=False)),
        ("insert into parts select id from shop.orders returning *",
         Facts("insert", True, "many", reads=("shop.orders",),
               writes=("public.parts",), star=True)),
        ("merge into parts p using child c on p.id = c.id when matched then delete",
         Facts("merge", False, "one", reads=("public.child",),
               writes=("public.parts",))),
        ("truncate parts", Facts("other", False, "one", writes=("public.parts",))),
        ("select 1 as a into fresh", Facts("other", False, "one", writes=("fresh",))),
        ("vacuum parts", Facts("other", False, "one", analysed=False)),
        ("call no_such()", None),
        ("create index on parts (id)", None),
        ("do $$ begin end $$", Facts("other", False, "one", analysed=False)),
        ("notify a, 'b'", Facts("other", False, "one", analysed=False)),
        ("select id from only (parts)",
         Facts("select", True, "many", analysed=False)),
        ("with a as (select 1) delete from only (parts)",
         Facts("delete", False, "one", analysed=False)),
    ],
)  # fmt: skip
def test_facts(catalog: SchemaCatalog, sql: str, facts: Facts | None) -> None:
    answer = catalog.describe(sql)
    if facts is not None:
        assert isinstance(answer, Described), answer
        assert answer.facts == facts
    elif isinstance(answer, Described):
        assert answer.facts.kind == "other"


@pytest.mark.parametrize(
    ("sql", "sqlstate", "at"),
    [
        ("select totl from shop.orders", "42703", "totl"),
        ("select 'ä', totl from shop.orders", "42703", "totl"),
        ("select '\U0001f600', totl from shop.orders", "42703", "totl"),
        ("selct 1", "42601", "selct"),
        ("select * from shop.order", "42P01", "shop.order"),
        ("select no_such(1)", "42883", "no_such"),
        ("select 1; select 2", "42601", None),
        ("vacuum vacuum vacuum", "42601", "vacuum"),
        ("select 1\0", "22021", "\0"),
        ("", "42601", None),
        ("-- nothing", "42601", None),
    ],
)
def test_refusals(
    catalog: SchemaCatalog, sql: str, sqlstate: str, at: str | None
) -> None:
    answer = catalog.describe(sql)
    assert isinstance(answer, Rejected)
    assert answer.sqlstate == sqlstate
    assert answer.position == (None if at is None else sql.rindex(at))


def test_a_refusal_carries_hint_and_detail(catalog: SchemaCatalog) -> None:
    answer = catalog.describe("select totl from shop.orders")
    assert isinstance(answer, Rejected)
    assert answer.message == 'column "totl" does not exist'
    assert answer.hint is not None
    assert "orders.total" in answer.hint


@pytest.mark.parametrize(
    ("expr", "type_name", "immutable"),
    [
        ("1 + 1", "integer", True),
        ("($1)::bigint", "bigint", True),
        ("($1)::bigint + ($2)::integer", "bigint", True),
        ("($1)::numeric(12,2) * 2", "numeric", True),
        ("($1)::text || 'x'", "text", True),
        ("($1)::jsonb -> 'a' ->> 'b'", "text", True),
        ("case when ($1)::boolean and ($2)::boolean then 1 end", "integer", True),
        ("lower(($1)::text) like 'a%'", "boolean", True),
        ("($1)::public.mood", "public.mood", True),
        ("twice(1)", "integer", True),
        ("now()", "timestamp with time zone", False),
        ("random()", "double precision", False),
        ("($1)::timestamptz + ($2)::interval", "timestamp with time zone", False),
        ("($1)::timestamp + ($2)::interval", "timestamp without time zone", True),
        ("($1)::timestamptz::text", "text", False),
        ("($1)::text::date", "date", False),
        ("'now'::timestamptz", "timestamp with time zone", False),
        ("($1)::timestamptz > 'today'", "boolean", False),
        ("date 'tomorrow'", "date", False),
        ("'now'", "text", True),
        ("'parts'::regclass", "regclass", False),
        ("'[today,tomorrow]'::daterange", "daterange", False),
        ("to_char(($1)::numeric, '9')", "text", False),
        ("(select 1)", "integer", False),
        ("count(*)", "bigint", False),
        ("'$1'", "text", True),
        ("($1)::bigint -- why", "bigint", False),
        ("nextval('shop.orders_id_seq')", "bigint", False),
        ("current_user", "name", False),
    ],
)
def test_typeof(
    catalog: SchemaCatalog, expr: str, type_name: str, immutable: bool
) -> None:
    assert catalog.typeof(expr) == Typed(type_name, immutable)


@pytest.mark.parametrize(
    ("expr", "position"),
    [("no_such(1)", 0), ("1 + no_such(1)", 4), ("1 +", 3), ("", 0), ("1, 2", None)],
)
def test_refusals_of_expressions(
    catalog: SchemaCatalog, expr: str, position: int | None
) -> None:
    answer = catalog.typeof(expr)
    if position is None:
        assert answer == Typed("record", True)
        return
    assert isinstance(answer, Rejected)
    assert answer.position == position
    assert '")"' not in answer.message


@pytest.mark.parametrize(
    ("name", "canonical"),
    [
        ("int8", "bigint"),
        ("INT", "integer"),
        ("numeric(12,2)", "numeric(12,2)"),
        ("decimal", "numeric"),
        ("varchar(10)[]", "character varying(10)[]"),
        ("timestamptz", "timestamp with time zone"),
        ("timestamp(3)", "timestamp(3) without time zone"),
        ("interval day to second(3)", "interval day to second(3)"),
        ("mood", "public.mood"),
        ("public.mood[]", "public.mood[]"),
        ("amount", "public.amount"),
        ("shop.orders", "shop.orders"),
        ("jsonb", "jsonb"),
        ("serial", None),
        ("record", None),
        ("anyelement", None),
        ("no_such", None),
        ("int8) x", None),
        ("int8, 1", None),
        ("text 'a'", None),
        ("", None),
        ("a\0b", None),
    ],
)
def test_canonical_types(
    catalog: SchemaCatalog, name: str, canonical: str | None
) -> None:
    assert catalog.canonical_type(name) == canonical


def test_describing_runs_nothing(catalog: SchemaCatalog) -> None:
    described(catalog, "delete from shop.stock where true returning id")
    described(catalog, "select nextval('shop.orders_id_seq')")
    catalog.typeof("nextval('shop.orders_id_seq')")
    names = catalog._ask()._names
    assert names.execute("select count(*) from shop.stock").fetchone() == (2,)
    last = names.execute("select last_value from shop.orders_id_seq").fetchone()
    assert last == (2,)


@pytest.mark.parametrize(
    ("expr", "answer"),
    [
        ("1 + 1", Computed(settled=True, text="2")),
        ("null::text", Computed(settled=True, text=None)),
        ("case when false then 1/0 else 2 end", Computed(settled=True, text="2")),
        ("repeat('ab', 100)", Computed(settled=True, text="ab" * 50)),
        ("interval '-1 day' < interval '0'", Computed(settled=True, text="true")),
        ("not isfinite(timestamptz 'infinity')", Computed(settled=True, text="true")),
        ("now()", Computed(settled=False, text=None)),
        ("random()", Computed(settled=False, text=None)),
        ("date '2030-01-01'::text", Computed(settled=False, text=None)),
        ("nextval('shop.orders_id_seq')", Computed(settled=False, text=None)),
    ],
)
def test_values_that_are_always_the_same(
    catalog: SchemaCatalog, expr: str, answer: Computed
) -> None:
    assert catalog.compute(expr) == answer


@pytest.mark.parametrize(
    ("expr", "sqlstate"),
    [
        ("1 / 0", "22012"),
        ("sqrt(-1)", "2201F"),
        ("cast(300 as smallint) * cast(300 as smallint)", "22003"),
    ],
)
def test_values_that_cannot_be_computed(
    catalog: SchemaCatalog, expr: str, sqlstate: str
) -> None:
    answer = catalog.compute(expr)
    assert isinstance(answer, Rejected)
    assert answer.sqlstate == sqlstate
    assert catalog.typeof("1") == Typed("integer", True)  # the session goes on


@pytest.mark.parametrize(
    ("expr", "volatile"),
    [
        ("random()", True),
        ("($1)::bigint + random()", True),
        ("gen_random_uuid()", True),
        ("clock_timestamp()", True),
        ("nextval('shop.orders_id_seq')", True),
        ("now()", False),
        ("current_date", False),
        ("($1)::date::text", False),
        ("($1)::bigint", False),
        ("no_such(1)", False),
    ],
)
def test_volatile_expressions(
    catalog: SchemaCatalog, expr: str, volatile: bool
) -> None:
    assert catalog.is_volatile(expr) is volatile
