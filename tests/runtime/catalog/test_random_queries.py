"""Random queries are described and run: no claim about one may turn out wrong.

Queries nest FROM items, all kinds of joins, scalar subqueries, grouping and set
operations over the tables of `schema.sql`, whose rows are few and full of NULLs.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import psycopg
import pytest

from perdure.catalog import SchemaCatalog
from perdure.catalog.model import Described

TABLES = {
    "shop.customers": ("id", "name", "note"),
    "shop.orders": ("id", "customer_id", "total", "email", "tags"),
    "shop.stock": ("id", "order_id", "item", "reserved"),
    "kinds": ("a", "b", "feeling", "partly"),
    "parts": ("id",),
    "parent": ("id", "name"),
}
NUMBERS = {
    "id",
    "customer_id",
    "total",
    "order_id",
    "reserved",
    "a",
    "b",
    "x",
    "y",
    "g",
}
CONSTANTS = ("1", "2", "($1)::bigint", "null::int", "random()::int", "lower('1')::int")
JOINS = ("join", "left join", "left join", "right join", "full join", "cross join")

Names = list[tuple[str, bool]]
"""Columns as they are referred to, and whether they are numbers."""


@dataclass
class Writer:
    """Writes one random query."""

    pick: random.Random
    count: int = 0
    outer: Names = field(default_factory=list)

    def item(self, depth: int) -> tuple[str, Names]:
        self.count += 1
        alias, chance = f"t{self.count}", self.pick.random()
        if depth > 0 and chance < 0.25:
            text, names = self.select(depth - 1)
            return f"({text}) {alias}", [(f"{alias}.{n}", k) for n, k in names]
        if chance < 0.3:
            text = f"(values (1, null::int), (2, 3)) {alias}(x, y)"
            return text, [(f"{alias}.x", True), (f"{alias}.y", True)]
        if chance < 0.35:
            return f"generate_series(1, 2) {alias}(g)", [(f"{alias}.g", True)]
        table = self.pick.choice(list(TABLES))
        columns = TABLES[table]
        names = [(f"{alias}.{name}", name in NUMBERS) for name in columns]
        return f"{table} {alias}", names

    def number(self, names: Names) -> str:
        numbers = [name for name, is_number in names if is_number]
        if not numbers or self.pick.random() < 0.4:
            return self.pick.choice(CONSTANTS)
        return self.pick.choice(numbers)

    def condition(self, names: Names) -> str:
        a, b = self.number(names), self.number(names)
        chance = self.pick.random()
        if chance < 0.75:
            return self.pick.choice(
                [f"{a} = {b}"] * 5 + [f"{a} < {b}", f"{a} is not null"]
            )
        if chance < 0.9:
            word = self.pick.choice(["and", "and", "or"])
            return f"({self.condition(names)} {word} {self.condition(names)})"
        return self.pick.choice([f"not ({a} = {b})", "true", f"exists (select {a})"])

    def expr(self, names: Names, depth: int) -> tuple[str, bool]:
        a, b = self.number(names), self.number(names)
        if self.pick.random() < 0.5:
            return self.pick.choice(names)
        if depth > 0 and self.pick.random() < 0.2:
            nested = Writer(self.pick, self.count + 100, names)
            return f"({nested.scalar(depth - 1)})", True
        case = f"case when {self.condition(names)} then {a} else {b} end"
        forms = [f"{a} + {b}", f"coalesce({a}, {b})", f"{a}::bigint", case]
        return self.pick.choice(
            [*((form, True) for form in forms), (f"{a} = {b}", False)]
        )

    def source(self, depth: int) -> tuple[str, Names]:
        text, names = self.item(depth)
        for _ in range(self.pick.choice([0, 0, 1, 1, 2, 3])):
            item, more = self.item(depth)
            join = self.pick.choice(JOINS)
            names = names + more
            text += f" {join} {item}"
            if join == "full join":
                text += self.pick.choice([" on true", " on false"])
            elif join != "cross join":
                text += f" on {self.condition(names)}"
        if self.pick.random() < 0.6:
            text += f" where {self.condition([*names, *self.outer])}"
        return text, names

    def scalar(self, depth: int) -> str:
        text, names = self.source(depth)
        a = self.number([*names, *self.outer])
        expr = self.pick.choice(["count(*)", f"max({a})", a])
        return f"select {expr} from {text} limit 1"

    def select(self, depth: int) -> tuple[str, Names]:
        text, names = self.source(depth)
        if self.pick.random() < 0.2:
            exprs, tail = self.grouped(names)
        else:
            exprs = [self.expr(names, depth) for _ in range(self.pick.randint(1, 3))]
            tail = self.pick.choice(["", "", "", "", " limit 1", " offset 1"])
        items = ", ".join(f"{expr} as c{i}" for i, (expr, _) in enumerate(exprs))
        query = f"select {items} from {text}{tail}"
        if self.pick.random() < 0.08:
            word = self.pick.choice(["union all", "intersect", "except"])
            query = f"({query}) {word} select {', '.join(['null'] * len(exprs))}"
        return query, [(f"c{i}", kind) for i, (_, kind) in enumerate(exprs)]

    def grouped(self, names: Names) -> tuple[Names, str]:
        a, (key, kind) = self.number(names), self.pick.choice(names)
        counts = [
            ("count(*)", True),
            (f"sum({a})", True),
            (f"coalesce(max({a}), 0)", True),
        ]
        having = self.pick.choice(["", "", " having count(*) > 1"])
        if self.pick.random() < 0.5:
            return counts, having
        sets = [key, key, f"rollup ({key})", f"grouping sets (({key}), ())"]
        return [(key, kind), *counts], f" group by {self.pick.choice(sets)}{having}"


def rows_of(
    connection: psycopg.Connection, sql: str
) -> list[tuple[object, ...]] | None:
    """Run a query; None where it fails at run time."""
    try:
        return connection.execute(sql.replace("($1)", "(1)").encode()).fetchall()
    except psycopg.Error:
        return None
    finally:
        connection.rollback()


@pytest.mark.parametrize("seed", range(4))
def test_no_claim_is_wrong(catalog: SchemaCatalog, seed: int) -> None:
    prober, pick = catalog._ask(), random.Random(seed)
    claims = 0
    with psycopg.connect(prober._steps.info.dsn) as connection:
        for _ in range(150):
            sql, _ = Writer(pick).select(2)
            if pick.random() < 0.2:
                sql = f"with w as ({sql}) select * from w"
            answer = prober.describe(sql)
            rows = rows_of(connection, sql)
            if not isinstance(answer, Described) or rows is None:
                continue
            limits = {"one": (1, 1), "maybe": (0, 1)}
            low, high = limits.get(answer.facts.cardinality, (0, len(rows)))
            assert low <= len(rows) <= high, sql
            for number, column in enumerate(answer.columns):
                if not column.nullable:
                    claims += 1
                    assert None not in [row[number] for row in rows], sql
    assert claims > 50
