"""What a statement gives, read from its text."""

from __future__ import annotations

import pytest

from perdure.frontend.df.columns import shape_of
from perdure.frontend.df.layout import dedented

NAMES = [
    ("select id, o.total, email as mail from o", ["id", "total", "mail"]),
    ("select count(*), max(a.b) m, now() from t", ["count", "m", "now"]),
    ("select 1, 'a', a::text, a + b, case when a then b end", [None] * 5),
    ("select a is distinct from b, c from t", [None, "c"]),
    ('select "Mixed", t."Case" from t', ["Mixed", "Case"]),
    ("insert into t (a) values (1) returning id, a as b", ["id", "b"]),
    ("with w as (select 1 as x) select x from w", ["x"]),
    ("select (select from_ from f), extract(year from d) as y from t", [None, "y"]),
    ("select * from t", None),
    ("select t.* from t", None),
    ("update t set a = 1", None),
]


@pytest.mark.parametrize(("text", "expected"), NAMES)
def test_columns(text: str, expected: list[str | None] | None) -> None:
    columns = shape_of(text).columns
    found = [each.name for each in columns] if columns is not None else None
    assert found == expected


@pytest.mark.parametrize(
    ("text", "single"),
    [
        ("select 1", True),
        ("select count(*) from t", True),
        ("insert into t values (1) returning id", True),
        ("insert into t values (1), (2) returning id", False),
        ("insert into t values (1) on conflict do nothing returning id", False),
        ("insert into t select 1 returning id", False),
        ("select id from t where id = 1", False),
        ("select count(*) from t group by a", False),
        ("select count(*) over () from t", False),
        ("select 1 where false", False),
        ("select generate_series(1, 3)", False),
        ("select 1 union all select 2", False),
        ("select max(id) from t having count(*) > 5", False),
        ("select id from t limit 1", False),
    ],
)
def test_a_single_row_is_certain(text: str, single: bool) -> None:
    assert shape_of(text).single is single


def test_indentation_goes_where_it_means_nothing() -> None:
    text = "  select 'a\n      b',\n        c\n          from t\n  ;"
    assert dedented(text) == "select 'a\n      b',\n  c\n    from t"
