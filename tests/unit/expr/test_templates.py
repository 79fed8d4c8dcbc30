"""Text with expressions in it."""

from __future__ import annotations

import pytest

from perdure.frontend.expr import parse_template
from perdure.source import Run, Span, Text, verbatim
from perdure.syntax import expr as syntax


def pieces(text: str) -> list[str]:
    template, found = parse_template(verbatim("w.yaml", text))
    assert found == []
    assert template is not None
    return [
        repr(part.value)
        if isinstance(part, Text)
        else text[part.span.start : part.span.end]
        for part in template.parts
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("plain", ["'plain'"]),
        ("${a}", ["a"]),
        ("${a}${b}", ["a", "b"]),
        ("Order ${order.id} for ${ order.email }!", None),
        ("cost: $5 {x} }", ["'cost: $5 {x} }'"]),
        ("$${a}", ["'${a}'"]),
        ("$$${a}", ["'$${a}'"]),
        ("a $${b} ${c}", ["'a ${b} '", "c"]),
        ("${'$'}${a} ${'$'}", ["'$'", "a", "' $'"]),
        ("a ${ '$' }", ["'a '", "'$'"]),
        ("${'}'}", ["'}'"]),
        ("${E'\\'}'}", ["E'\\'}'"]),
        ("${'it''s }'} x", ["'it''s }'", "' x'"]),
    ],
)
def test_parts(text: str, expected: list[str] | None) -> None:
    if expected is None:
        expected = ["'Order '", "order.id", "' for '", "order.email", "'!'"]
    assert pieces(text) == expected


def test_the_type_of_a_single_expression_is_kept() -> None:
    template, _ = parse_template(verbatim("w.yaml", "${a.b}"))
    assert template is not None
    (part,) = template.parts
    assert isinstance(part, syntax.Ref)


def test_an_escape_keeps_the_places_of_what_is_around_it() -> None:
    template, _ = parse_template(verbatim("w.yaml", "ab$${cd", start=100))
    assert template is not None
    (part,) = template.parts
    assert isinstance(part, Text)
    assert part.value == "ab${cd"
    assert [part.span(i, i + 1).start for i in range(6)] == [
        100,
        101,
        103,
        104,
        105,
        106,
    ]


def test_places_follow_the_file_and_not_the_value() -> None:
    # The value `a\n${b +}` of a quoted scalar in which the line break is `\\n`.
    runs = (Run(0, 11, 1), Run(1, 12, 1), Run(2, 14, 6))
    _, found = parse_template(Text("a\n${b +}", Span("w.yaml", 10, 21), runs))
    assert [each.span for each in found] == [Span("w.yaml", 19, 19)]


@pytest.mark.parametrize(
    ("text", "codes", "places"),
    [
        ("a ${b", ["WF146"], ["${"]),
        ("a ${'b}", ["WF141"], ["'b"]),
        ("${}", ["WF147"], ["${}"]),
        ("${ } and ${ a + }", ["WF147", "WF140"], ["${ }", ""]),
        ("${a == b} ${c && d}", ["WF142", "WF142"], ["==", "&&"]),
        ("${a} ${b.} ${", ["WF140", "WF146"], [".", "${"]),
    ],
)
def test_every_mistake_is_reported(
    text: str, codes: list[str], places: list[str]
) -> None:
    template, found = parse_template(verbatim("w.yaml", text))
    assert template is None
    assert [each.code for each in found] == codes
    spans = [each.span for each in found if each.span]
    assert [text[span.start : span.end] for span in spans] == places
