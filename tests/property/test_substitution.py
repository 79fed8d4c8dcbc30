"""What a runtime substitutes in compiled SQL: our references, and nothing else.

The model is a runtime at its worst: every `$name` is a bound result and every
`{name}` a variable. User text that is full of both must come through unchanged in
meaning, which the embedded PostgreSQL decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.emit.query import Values, chunks_of
from perdure.frontend.sqltext import read_sql
from perdure.plan.query import Code, Query, ResultRef, RunRef, StringLiteral
from perdure.source import verbatim

REPLACED = "\N{BLACK SQUARE}"
HOSTILE = ["$order", "{sys_label}", "$", "{", "}", "{a}", "$$", "\\", "''", "x", " "]
HOSTILE += ["$input.id", "--", "/*", "*/", "{1}", "é", "\n", "$a$", "?", "$1", "E"]


def substitute(sql: str) -> str:
    """Replace as the extension does, as if every name were known."""
    sql = re.sub(r"\{[A-Za-z_][A-Za-z0-9_]*\}", REPLACED, sql)
    return re.sub(
        r"\$[A-Za-z_][A-Za-z0-9_]*(\.([A-Za-z_][A-Za-z0-9_]*|\*))?\??", REPLACED, sql
    )


def scanned(sql: str) -> str:
    """Replace the run's id in one pass, as the extension does from 0.2.6 on.

    All from a brace to the next closing one is a name, known or not.
    """
    return re.sub(
        r"\{([^}]*)\}",
        lambda found: "RUN" if found[1] == "sys_instance_id" else found[0],
        sql,
    )


def emitted(query: Query) -> str:
    (text,) = chunks_of(query, Values(1, {}))
    assert isinstance(text, str)
    return text.replace("\ue000", "\n")


def rewritten(sql: str) -> str:
    """Return what is emitted of the user's SQL."""
    read, findings = read_sql(verbatim("w.yaml", sql))
    assert read is not None, findings
    return emitted(read.tokens[read.first : read.last])


def joined(*unwanted: str) -> st.SearchStrategy[str]:
    pieces = [piece for piece in HOSTILE if piece not in unwanted]
    return st.lists(st.sampled_from(pieces), max_size=8).map("".join)


def dollar_quoted() -> st.SearchStrategy[str]:
    tags = st.sampled_from(["", "a", "body", "_x1"])
    bodies = joined("$", "$$", "$a$")
    return st.builds(lambda tag, body: f"${tag}${body}x${tag}$", tags, bodies)


def escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


LITERALS = st.one_of(
    joined().map(lambda body: f"'{body}'"),
    joined("\\").map(lambda body: f"E'{body}\\$y\\{{z}}\\t'"),
    joined().map(lambda body: f"E'{escaped(body)}'"),
    joined().map(lambda body: f"U&'{escaped(body)}\\0041'"),
    joined("\\").map(lambda body: f"U&'!0041{body}!!' UESCAPE '!'"),
    st.builds(lambda a, b: f"'{a}'\n  '{b}'", joined(), joined()),
    st.builds(lambda a, b: f"N'{a}'\n'{b}'", joined(), joined()),
    dollar_quoted(),
)
NAMES = st.one_of(
    st.sampled_from(["Foo$Bar", "a$order", "_x$$y"]),
    joined('"').map(lambda body: f'"n{body}"'),
    joined().map(lambda body: f'U&"n{escaped(body)}"'),
)
COMMENTS = st.one_of(
    joined("\n").map(lambda body: f"-- {body}\n"),
    joined("/*", "*/").map(lambda body: f"/* {body} */"),
)


Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[Connection]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


HARD = settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@HARD
@given(LITERALS, NAMES, COMMENTS, LITERALS)
def test_hostile_text_is_not_replaced_and_means_the_same(
    connection: Connection,
    literal: str,
    name: str,
    comment: str,
    other: str,
) -> None:
    sql = f"select {literal} as {name}, {comment} {other}||''"
    again = rewritten(sql)
    assert substitute(again) == again
    expected = connection.execute(sql.encode())
    columns, rows = expected.description, expected.fetchall()
    actual = connection.execute(again.encode())
    assert [c.name for c in actual.description or ()] == [c.name for c in columns or ()]
    assert actual.fetchall() == rows


@HARD
@given(joined(), joined())
def test_only_references_are_replaced_among_constants(
    connection: Connection, left: str, right: str
) -> None:
    query: Query = (
        Code("select "),
        StringLiteral(left),
        Code(" || ("),
        ResultRef("r1_order", "id", optional=True),
        Code(")::text || "),
        StringLiteral(right),
    )
    replaced = substitute(emitted(query))
    assert replaced.count(REPLACED) == 1
    row = connection.execute(replaced.replace(REPLACED, "7").encode()).fetchone()
    assert row == (f"{left}7{right}",)


@HARD
@given(joined(), joined(), joined())
def test_the_id_of_the_run_is_replaced_after_any_text(
    connection: Connection, left: str, middle: str, right: str
) -> None:
    texts = [StringLiteral(text) for text in (left, middle, right)]
    query: Query = (
        Code("select "),
        texts[0],
        Code(" || "),
        RunRef("id"),
        Code(" || "),
        texts[1],
        Code(" || "),
        RunRef("id"),
        Code(" || "),
        texts[2],
    )
    for replaced in (
        scanned(emitted(query)),
        emitted(query).replace("{sys_instance_id}", "RUN"),
    ):
        row = connection.execute(replaced.encode()).fetchone()
        assert row == (f"{left}RUN{middle}RUN{right}",)


@HARD
@given(LITERALS)
def test_the_model_does_replace_what_is_not_guarded(literal: str) -> None:
    if re.search(r"\$[A-Za-z_]|\{[A-Za-z_]\w*\}", literal):
        assert substitute(literal) != literal


@pytest.mark.parametrize(
    "sql",
    [
        "select interval '1 day'",
        "select 'plain', $$ it's plain $$, \"Name\", a[1:2], '{1,2}'::int[]",
        "select 1 -- what it costs: 5 $\n, '{}'::jsonb",
    ],
)
def test_harmless_text_is_emitted_as_it_is(sql: str) -> None:
    assert rewritten(sql) == sql
