"""Tokens of SQL text."""

from __future__ import annotations

import pytest

from perdure.frontend.sqltext import lex


def shown(text: str) -> list[str]:
    """Return the tokens but white space, joined text checked."""
    tokens = lex(text)
    assert "".join(token.text for token in tokens) == text
    assert all(text[token.start : token.end] == token.text for token in tokens)
    return [token.text for token in tokens if token.kind != "space"]


def kinds(text: str) -> list[str]:
    return [token.kind for token in lex(text) if token.kind != "space"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # strings
        ("'it''s' 'b'", ["'it''s'", "'b'"]),
        (r"'a\' b", [r"'a\'", "b"]),
        (r"E'a\'b' e'\\' c", [r"E'a\'b'", r"e'\\'", "c"]),
        ("re'x'", ["re", "'x'"]),
        ("U&'d!0061' uescape '!'", ["U&'d!0061'", "uescape", "'!'"]),
        ("u & 'x'", ["u", "&", "'x'"]),
        ("B'01' X'1F' n'x'", ["B'01'", "X'1F'", "n'x'"]),
        # names
        ('"a ""b"" c" U&"d!0061"', ['"a ""b"" c"', 'U&"d!0061"']),
        ("naïve a$b _x$1", ["naïve", "a$b", "_x$1"]),
        # dollar quotes
        ("$$it's$$ x", ["$$it's$$", "x"]),
        ("$a$ $$ $b$ $a$ x", ["$a$ $$ $b$ $a$", "x"]),
        ("$a$ $A$ $a$", ["$a$ $A$ $a$"]),
        ("x$a$b", ["x$a$b"]),
        ("$1 $23", ["$1", "$23"]),
        # comments
        ("a -- b 'c\nd", ["a", "-- b 'c", "d"]),
        ("a /* b /* c */ ' */ d", ["a", "/* b /* c */ ' */", "d"]),
        ("/*/ */ a", ["/*/ */", "a"]),
        # numbers
        (
            "1 1.5 .5 5. 1e10 1E-3 1.5e+3",
            ["1", "1.5", ".5", "5.", "1e10", "1E-3", "1.5e+3"],
        ),
        ("1_000 0x1F 0o17 0b11", ["1_000", "0x1F", "0o17", "0b11"]),
        ("1..2", ["1", "..", "2"]),
        ("t1.c2", ["t1", ".", "c2"]),
        # operators
        ("a<-1", ["a", "<", "-", "1"]),
        ("a@-1", ["a", "@-", "1"]),
        ("a=-1 b=+1", ["a", "=", "-", "1", "b", "=", "+", "1"]),
        ("a*/*c*/b", ["a", "*", "/*c*/", "b"]),
        ("a<--c", ["a", "<", "--c"]),
        ("a->>'b' #>> c", ["a", "->>", "'b'", "#>>", "c"]),
        ("a ?| b ?& c ? d @? e", ["a", "?|", "b", "?&", "c", "?", "d", "@?", "e"]),
        (
            "x::text y:=1 f(a=>1)",
            ["x", "::", "text", "y", ":=", "1", "f", "(", "a", "=>", "1", ")"],
        ),
    ],
)
def test_text_is_cut_as_postgresql_cuts_it(text: str, expected: list[str]) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "references"),
    [
        ("where id = :order_id", [":order_id"]),
        ("where id=:order.id", [":order.id"]),
        ("(:a,:b)", [":a", ":b"]),
        ("from :batch.* b", [":batch.*"]),
        (":s.data.approved::bool", [":s.data.approved"]),
        (":a*2", [":a"]),
        ("x::text", []),
        ("x ::text", []),
        ("x := y", []),
        ("x:=y", []),
        ("':a' E':b' $$:c$$ \":d\" --:e\n/*:f*/", []),
        # slices
        ("a[1:2]", []),
        ("a[x:y]", []),
        ("a[x :y]", []),
        ("a[f(:x):y]", [":x"]),
        ("a[(x):y]", []),
        ("a[b[1]:y]", []),
        ("a[1:]", []),
        ("a[:x]", [":x"]),
        ("a[ : x]", []),
        ("a[x: :y]", [":y"]),
        ("a[:x : :y]", [":x", ":y"]),
        ("a[x+:y]", [":y"]),
        ("a[case when b then :y end]", [":y"]),
        ("array[:a, :b]", [":a", ":b"]),
        ("array[[1], [:x]]", [":x"]),
        # JSON constructors
        ("json_object('a':x)", []),
        ("json_object('a': :x)", [":x"]),
        ("json_object('a' value :x)", [":x"]),
        # an operand may begin after a word or a parenthesis
        ("x at time zone :tz", [":tz"]),
        ("distinct on (a) :x", [":x"]),
        ("like :x escape :y", [":x", ":y"]),
    ],
)
def test_references(text: str, references: list[str]) -> None:
    shown(text)
    assert [t.text for t in lex(text) if t.kind == "reference"] == references


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("E'a'\n'b\\'c'", ["escape_string", "escape_string"]),
        (
            "E'a' -- x\n  -- y\n 'b\\'c'",
            ["escape_string", "comment", "comment", "escape_string"],
        ),
        ("U&'a'\n'b'", ["unicode_string", "unicode_string"]),
        ("'a'\n'b'", ["string", "string"]),
        ("E'a' 'b\\' c", ["escape_string", "string", "word"]),
        ("E'a' /* \n */ 'b\\' c", ["escape_string", "comment", "string", "word"]),
        ("E'a'\nE'b'", ["escape_string", "escape_string"]),
    ],
)
def test_a_string_that_goes_on_keeps_its_rules(text: str, expected: list[str]) -> None:
    shown(text)
    assert kinds(text) == expected


def test_kinds() -> None:
    text = "select \"a\", E'x', U&'y', x'1', $$z$$, 1, $1, :r.*, a[1:2] -- c"
    assert kinds(text) == [
        "word", "quoted", "punctuation", "escape_string", "punctuation",
        "unicode_string", "punctuation", "bit_string", "punctuation", "dollar_string",
        "punctuation", "number", "punctuation", "parameter", "punctuation",
        "reference", "punctuation", "word", "punctuation", "number", "punctuation",
        "number", "punctuation", "comment",
    ]  # fmt: skip
