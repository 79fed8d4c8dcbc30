"""Which table was meant by a name that no table has."""

from __future__ import annotations

import pytest

from perdure.catalog.model import Rejected
from perdure.catalog.near import with_table
from perdure.catalog.tables import Table, Tables

NAMES = [
    ("public", "customers"),
    ("app", "orders"),
    ("app", "order_items"),
    ("app", "log"),
    ("old", "log"),
    ("app", "Mixed"),
]
TABLES = Tables({name: Table(*name, {}, (), False, False) for name in NAMES})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("app.order", "app.orders"),
        ("ap.orders", "app.orders"),
        ("public.orders", "app.orders"),
        ("ap.log", "app.log"),
        ("orders", "app.orders"),
        ("order", "app.orders"),
        ("customer", "customers"),
        ("log", None),  # there are two
        ("app.invoices", None),
        ("app.Mixd", None),  # it would need quotes
    ],
)
def test_the_table_that_was_meant(written: str, meant: str | None) -> None:
    refused = Rejected(f'relation "{written}" does not exist', "42P01", 12)
    hint = with_table(refused, TABLES).hint
    assert hint == (meant and f'Perhaps you meant the table "{meant}".')


def test_what_is_not_about_a_table_stays_as_it_is() -> None:
    of_column = Rejected('column "order" does not exist', "42703", 12)
    assert with_table(of_column, TABLES) == of_column
    hinted = Rejected('relation "order" does not exist', "42P01", 1, "a hint")
    assert with_table(hinted, TABLES) == hinted
