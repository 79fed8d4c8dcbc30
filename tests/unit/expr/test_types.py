"""Names of types."""

from __future__ import annotations

import pytest

from perdure.frontend.expr import parse_type
from perdure.source import verbatim


@pytest.mark.parametrize(
    ("text", "name", "nullable"),
    [
        ("bigint", "bigint", False),
        ("text?", "text", True),
        ("text ?", "text", True),
        ("text | null", "text", True),
        ("TEXT | NULL", "text", True),
        ("text[]?", "text[]", True),
        ("int[][3]", "int[][]", False),
        (" numeric ( 10 , -2 ) [] ", "numeric(10,-2)[]", False),
        ("Double  Precision", "double precision", False),
        ("character varying(5)", "character varying(5)", False),
        ("timestamp with time zone", "timestamp with time zone", False),
        ("time (3) without time zone", "time(3) without time zone", False),
        ("interval day to second", "interval day to second", False),
        ("shop.status", "shop.status", False),
        ('shop . "My Type"', 'shop."My Type"', False),
        ("bit varying(3)", "bit varying(3)", False),
    ],
)
def test_a_type_has_one_spelling(text: str, name: str, nullable: bool) -> None:
    type_, found = parse_type(verbatim("w.yaml", text))
    assert found == []
    assert type_ is not None
    assert (type_.name, type_.nullable) == (name, nullable)


@pytest.mark.parametrize(
    ("text", "place", "instead"),
    [
        ("", "", None),
        ("text foo", "foo", None),
        ("text??", "??", None),
        ("{a: b}", "{", None),
        ("numeric(10", "(", None),
        ("text -- why", "--", None),
        ("list[text]", "list[text]", "text[]"),
        ("array<int>", "array<int>", "int[]"),
        ("null | text", "null | text", "text?"),
        ("Optional[int]", "Optional[int]", "int?"),
    ],
)
def test_what_is_no_type_is_refused(text: str, place: str, instead: str | None) -> None:
    type_, found = parse_type(verbatim("w.yaml", text))
    assert type_ is None
    assert [each.code for each in found] == ["WF148"]
    assert found[0].span is not None
    assert text[found[0].span.start : found[0].span.end] == place
    assert (found[0].fix.edits[0].text if found[0].fix else None) == instead
