"""SQL text is cut without loss, and where PostgreSQL cuts it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from perdure.frontend.sqltext import lex, read_sql
from perdure.frontend.sqltext.lexer import BLANK, STRINGS, closed
from perdure.source import verbatim
from perdure.syntax.sql import Token

# Pieces that begin, end or almost are something, so that random text is full of edges.
PIECES = (
    "'", "''", '"', "\\", "$", "$$", "$a$", "E'", "e'", "U&'", 'U&"', "N'", "B'", "x'",
    "--", "/*", "*/", "\n", " ", "\t", ":", "::", ":=", ":x", ":x.y", ":x.*", "[", "]",
    "(", ")", ",", ";", ".", "..", "1", "1.", ".5", "1e5", "0x1f", "1_0", "$1", "a",
    "E", "U", "select", "array", "é", "+", "-", "*", "/", "<", ">", "=", "~", "!", "@",
    "#", "%", "^", "&", "|", "`", "?", "{", "}", "\r\n", "\x0b",
)  # fmt: skip
edges = st.lists(st.sampled_from(PIECES), max_size=25).map("".join)
text = edges | st.text(max_size=30)

# Whole tokens that stay what they are whatever stands around them.
WHOLE = (
    "select", "a1", '"q""q"', 'U&"d!0061"', "'it''s'", r"E'\''", "U&'x'", "B'01'",
    "$$ ' $$", "$t$ $$ $t$", "1", "1.5e-3", ".5", "0x1F", "(", ")", "[", "]", ",", ".",
    "::", ":=", "=>", "->>", "@>", "<", "-", "?|", "/* /* ' */ */", ":a", ":a.b",
    ":a.*",
)  # fmt: skip


@given(text)
def test_the_tokens_joined_are_the_text(sql: str) -> None:
    tokens = lex(sql)
    assert "".join(token.text for token in tokens) == sql
    assert all(token.text for token in tokens)
    assert all(one.end == other.start for one, other in pairwise(tokens))
    assert all(closed(token) for token in tokens[:-1])


@given(text)
def test_reading_never_raises_and_says_why_there_is_no_statement(sql: str) -> None:
    statement, found = read_sql(verbatim("w.yaml", sql))
    assert (statement is None) == bool(found)
    for each in found:
        assert each.span is not None
        assert 0 <= each.span.start <= each.span.end <= len(sql)


@given(st.lists(st.sampled_from(WHOLE), max_size=20))
def test_whole_tokens_with_space_between_stay_whole(pieces: list[str]) -> None:
    tokens = [token.text for token in lex(" ".join(pieces)) if token.kind != "space"]
    # A colon between two operands is no reference, and parts the token, at its dot too.
    assert "".join(tokens) == "".join(pieces)
    kept = ("::", ":=")
    stable = [
        each for each in pieces if each in kept or (each != "." and each[0] != ":")
    ]
    assert [token for token in tokens if token in stable] == stable


def spaced(tokens: list[Token]) -> str:
    return " ".join(token.text for token in tokens if token.kind not in BLANK)


@given(text)
def test_space_between_tokens_changes_nothing(sql: str) -> None:
    tokens = lex(sql)
    if all(map(closed, tokens)) and not any(map(_goes_on, pairwise(tokens))):
        meant = [t for t in tokens if t.kind not in BLANK]
        again = [t for t in lex(spaced(tokens)) if t.kind != "space"]
        assert [t.text for t in again] == [t.text for t in meant]


def _goes_on(pair: tuple[Token, Token]) -> bool:
    """Say whether a space would part what belongs together, or join strings' rules."""
    one, other = pair
    if one.kind in STRINGS and other.kind in BLANK:
        return True  # perhaps a string that goes on after a line break
    return one.text == ":" or other.text in ("", ":")


@given(text)
def test_references_stand_outside_of_strings_and_comments(sql: str) -> None:
    for token in lex(sql):
        if token.kind == "reference":
            before = lex(sql[: token.start])
            opened = [each for each in before if not closed(each)]
            line = before[-1:] and before[-1].text.startswith("--")
            assert not opened
            assert not line


@pytest.fixture(scope="module")
def connection(postgres: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection


SERVER = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
values = st.text(
    st.sampled_from("'\\$aE-/*\"\n :;")
    | st.characters(exclude_characters="\0", exclude_categories=["Cs"]),
    max_size=12,
)


def evaluate(connection: psycopg.Connection, sql: str) -> str:
    row = connection.execute(sql.encode()).fetchone()
    assert row is not None
    return str(row[0])


@SERVER
@given(value=values)
def test_a_literal_is_one_token_for_postgresql_too(
    connection: psycopg.Connection, value: str
) -> None:
    quoted = value.replace("'", "''")
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    unicode = value.replace("\\", "\\\\").replace("'", "''")
    forms = [f"'{quoted}'", f"E'{escaped}'", f"U&'{unicode}'"]
    forms += [f"${tag}${value}${tag}$" for tag in ("", "t") if "$" not in value]
    for form in forms:
        assert [token.text for token in lex(form)] == [form]
        assert evaluate(connection, f"select {form}") == value


def outcome(connection: psycopg.Connection, sql: str) -> tuple[str, str]:
    """Return what PostgreSQL makes of a text, without places."""
    try:
        connection.execute(f"prepare p as {sql}".encode())
        connection.execute("deallocate p")
    except psycopg.Error as problem:
        return problem.sqlstate or "", problem.diag.message_primary or ""
    return "", ""


@SERVER
@given(
    st.lists(
        st.sampled_from([p for p in PIECES if p != ";" and p[:1] != ":"]),
        max_size=8,
    ).map("".join)
)
def test_postgresql_sees_a_border_where_we_do(
    connection: psycopg.Connection, sql: str
) -> None:
    tokens = [token for token in lex(sql) if token.kind not in BLANK]
    whole = all(map(closed, lex(sql)))
    joined = any(
        # A number runs into what follows; a string goes on after a line break.
        one.kind in ("number", "parameter") or one.kind in STRINGS
        for one, _ in pairwise(tokens)
    )
    if whole and not joined and ":" not in {t.text for t in tokens}:
        assert outcome(connection, f"select {sql} ") == outcome(
            connection, f"select {spaced(tokens)} "
        )


OPERATORS = st.text("+-*/<>=~!@#%^&|`?", min_size=1, max_size=4)


@SERVER
@given(OPERATORS)
def test_a_run_of_operator_characters_is_cut_as_postgresql_cuts_it(
    connection: psycopg.Connection, run: str
) -> None:
    sql = f"select point(1,1) {run} point(1,1)"
    tokens = lex(sql)
    ours = [token.text for token in tokens if token.kind == "operator"]
    state, message = outcome(connection, sql)
    if any(token.kind == "comment" for token in tokens) or state != "42883":
        return
    # There is no such operator, and PostgreSQL names it as it has read it. The last of
    # several stands before its operand.
    last = "<>" if ours[-1] == "!=" else ours[-1]
    named = f"point {last} point" if len(ours) == 1 else f": {last} point"
    assert message.endswith(named)
