"""sqlglot renames the functions it knows; none may be taken for another kind.

Every function of PostgreSQL that sqlglot has a class for is tried, so that a new
release of either is noticed; the others keep their names.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlglot.dialects.postgres import Postgres

from perdure.catalog import SchemaCatalog
from perdure.catalog.analysis import Analysis, analyse
from perdure.catalog.tables import Tables

NEVER_NULL = {
    "clock_timestamp",
    "concat",
    "count",
    "current_database",
    "current_user",
    "dense_rank",
    "gen_random_uuid",
    "json_build_array",
    "json_build_object",
    "jsonb_build_array",
    "jsonb_build_object",
    "nextval",
    "now",
    "pg_backend_pid",
    "pg_current_xact_id",
    "random",
    "rank",
    "row_number",
    "statement_timestamp",
    "transaction_timestamp",
    "txid_current",
    "uuidv4",
    "uuidv7",
}


@pytest.fixture(scope="module")
def tables(catalog: SchemaCatalog) -> Tables:
    return catalog._ask().tables


@pytest.fixture(scope="module")
def names(catalog: SchemaCatalog) -> list[str]:
    query = (
        "select distinct proname from pg_proc where prorettype <> 'internal'::regtype"
        " and pronamespace = 'pg_catalog'::regnamespace and proname ~ '^[a-z_0-9]+$'"
    )
    rows = catalog._ask()._names.execute(query)
    parser = Postgres.Parser
    classes = {*parser.FUNCTIONS, *parser.FUNCTION_PARSERS}
    kept = {"many", "jsonb_each", "product", "jsonb_build_object"}
    return [row[0] for row in rows if row[0].upper() in classes or row[0] in kept]


def calls(name: str, tables: Tables, source: str = "") -> Iterator[Analysis]:
    """Yield the analysis of calls with up to three arguments, where they parse."""
    for count in range(4):
        arguments = ", ".join(["note"] * count)
        found = analyse(f"select {name}({arguments}) as x{source}", 1, tables)
        if found is not None and found.facts.analysed:
            yield found


def test_functions_that_return_sets_are_recognised(
    names: list[str], tables: Tables
) -> None:
    assert {"unnest", "generate_series", "jsonb_each"} <= tables.sets
    missed = [
        name
        for name in names
        if name in tables.sets
        for found in calls(name, tables)
        if found.facts.cardinality != "many"
    ]
    assert missed == []


def test_only_aggregates_are_taken_for_aggregates(
    names: list[str], tables: Tables
) -> None:
    assert {"sum", "string_agg", "percentile_cont"} <= tables.aggregates
    source = " from shop.customers"
    wrong = {
        name
        for name in names
        if name not in tables.aggregates
        for found in calls(name, tables, source)
        if found.facts.cardinality != "many"
    }
    assert wrong == set()


def test_what_is_never_null_is_listed(names: list[str], tables: Tables) -> None:
    claimed = {
        name
        for name in names
        for found in calls(name, tables, " from shop.customers")
        if found.not_null == (True,)
    }
    assert claimed <= NEVER_NULL
