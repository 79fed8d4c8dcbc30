"""Expressions are read as PostgreSQL reads them.

PostgreSQL prints the definition of a view fully parenthesised. An expression without a
single parenthesis, and what PostgreSQL makes of it, must be the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, assume, given, reject, settings
from hypothesis import strategies as st

from perdure.frontend.expr import parse_expr
from perdure.source import verbatim

BOOLEANS = st.sampled_from(["b1", "b2", "b3"])
NUMBERS = st.sampled_from(["i1", "i2", "i3"])
TEXTS = st.sampled_from(["t1", "t2", "t3"])


def chain(operands: st.SearchStrategy[str], *operators: str) -> st.SearchStrategy[str]:
    return st.builds(
        lambda first, rest: " ".join([first, *(f"{op} {x}" for op, x in rest)]),
        operands,
        st.lists(st.tuples(st.sampled_from(operators), operands), max_size=3),
    )


# All of one type, so that PostgreSQL adds no casts of its own.
number = st.builds(
    "{}{}".format,
    st.sampled_from(["", "-", "- -"]),
    NUMBERS | st.just("k::bigint"),
)
arithmetic = chain(number, "+", "-", "*", "/", "%")
joined = chain(TEXTS, "||")
compared = st.builds(
    "{} {} {}".format,
    arithmetic,
    st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
    arithmetic,
) | st.builds("{} {} {}".format, joined, st.sampled_from(["=", "<"]), joined)
tested = st.builds(
    "{} {}".format,
    compared | BOOLEANS | arithmetic | joined,
    st.sampled_from(["is null", "is not null"]),
) | st.builds("{} is distinct from {}".format, BOOLEANS | compared, BOOLEANS | compared)
boolean = st.builds(
    "{}{}".format,
    st.sampled_from(["", "not ", "not not "]),
    BOOLEANS | compared | tested,
)
# `b1 = not b2 and b3`: an operand that begins with the looser operator
awkward = st.builds("{} = {}".format, BOOLEANS, boolean) | st.builds(
    "{} is distinct from {}".format, BOOLEANS, boolean
)
condition = chain(boolean | awkward, "and", "or")


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres) as connection:
        connection.execute(
            "create temp table t (b1 bool, b2 bool, b3 bool, i1 bigint, i2 bigint,"
            " i3 bigint, k int, t1 text, t2 text, t3 text)"
        )
        connection.commit()
        yield connection
        connection.rollback()


def printed(connection: psycopg.Connection, expression: str) -> str | None:
    """Return the expression as PostgreSQL prints it, None for a syntax error."""
    query = f"create temp view v as select {expression} as x from t"
    try:
        connection.execute(query.encode())
        row = connection.execute("select pg_get_viewdef('v'::regclass)").fetchone()
    except psycopg.errors.SyntaxError:
        return None
    except psycopg.Error:
        reject()  # well formed, with types that do not go together
    finally:
        connection.rollback()
    assert row is not None
    match = re.fullmatch(r"\s*SELECT (.*) AS x\s+FROM t;", row[0], re.DOTALL)
    assert match is not None
    return match[1]


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.filter_too_much,
    ],
)
@given(condition)
def test_an_expression_is_read_as_postgresql_reads_it(
    connection: psycopg.Connection, expression: str
) -> None:
    ours, found = parse_expr(verbatim("w.yaml", expression))
    theirs = printed(connection, expression)
    assert (theirs is None) == bool(found), found
    assume(theirs is not None)
    assert ours == parse_expr(verbatim("w.yaml", theirs or ""))[0]
