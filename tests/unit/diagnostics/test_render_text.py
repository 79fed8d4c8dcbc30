"""Findings as text."""

from __future__ import annotations

import re

import pytest

from perdure.diagnostics import Diagnostic, error, warning
from perdure.diagnostics.render import render_text
from perdure.source import Source, Span

PATH = "workflows/order_approval.yaml"


def at(text: str, part: str, after: int = 0) -> Span:
    start = text.index(part)
    return Span(PATH, start, start + (after or len(part)))


def draw(text: str, *findings: Diagnostic, colour: bool = False) -> str:
    return render_text(findings, {PATH: Source(PATH, text)}, colour=colour)


def frame(text: str, span: Span) -> list[str]:
    """Return what stands below the bar, for a finding without further facts."""
    head, arrow, bar, *rest = draw(text, error("WF203", span, "x")).splitlines()
    assert head == "error[WF203]: x"
    assert arrow.strip().startswith("--> ")
    assert bar.strip() == "|"
    return rest


def test_the_example_of_the_house_style() -> None:
    text = "\n" * 13 + "  - if: order.totl > threshold\n"
    finding = error(
        "WF203",
        at(text, "order.totl"),
        'step "order" has no column "totl"',
        "its columns are: id bigint, total numeric, email text",
        help='did you mean "order.total"?',
    )
    assert (
        draw(text, finding)
        == """\
error[WF203]: step "order" has no column "totl"
  --> workflows/order_approval.yaml:14:9
   |
14 |   - if: order.totl > threshold
   |         ^^^^^^^^^^
   = its columns are: id bigint, total numeric, email text
   = help: did you mean "order.total"?
"""
    )


def test_findings_are_sorted_by_place_with_a_line_between() -> None:
    text = "aaa\nbbb\n"
    shown = draw(
        text,
        warning("WF402", at(text, "bbb"), "third"),
        error("WF203", at(text, "aaa"), "second"),
        error("WF202", at(text, "a", 1), "first"),
        error("WF181", None, "before all"),
    )
    assert [line for line in shown.splitlines() if "[" in line] == [
        "error[WF181]: before all",
        "error[WF202]: first",
        "error[WF203]: second",
        "warning[WF402]: third",
    ]
    assert shown.count("\n\n") == 3
    assert draw(text) == ""


@pytest.mark.parametrize(
    ("text", "span", "expected"),
    [
        # a tab is four columns, before the place and in it
        ("\tab\n", Span(PATH, 1, 3), ["1 |     ab", "  |     ^^"]),
        ("a\tb\n", Span(PATH, 0, 3), ["1 | a    b", "  | ^^^^^^"]),
        # wide characters are two, combining marks none
        ("日本 x\n", Span(PATH, 3, 4), ["1 | 日本 x", "  |      ^"]),
        ("日本\n", Span(PATH, 0, 2), ["1 | 日本", "  | ^^^^"]),
        ("e\u0301 x\n", Span(PATH, 3, 4), ["1 | e\u0301 x", "  |   ^"]),
        # the end of a file, of a line, and of a line that ends as on Windows
        ("ab", Span(PATH, 2, 2), ["1 | ab", "  |   ^"]),
        ("ab\n", Span(PATH, 3, 3), ["2 |", "  | ^"]),
        ("", Span(PATH, 0, 0), ["1 |", "  | ^"]),
        ("ab\ncd\n", Span(PATH, 2, 3), ["1 | ab", "  |   ^"]),
        ("ab\r\ncd\r\n", Span(PATH, 0, 4), ["1 | ab", "  | ^^"]),
        ("ab\r\ncd\r\n", Span(PATH, 4, 6), ["2 | cd", "  | ^^"]),
        # several lines
        (
            "a: |\n  bc\n\n    d\n",
            Span(PATH, 3, 16),
            [
                "1 | a: |",
                "  |    ^",
                "2 |   bc",
                "  |   ^^",
                "3 |",
                "4 |     d",
                "  |     ^",
            ],
        ),
    ],
)
def test_the_place_is_marked(text: str, span: Span, expected: list[str]) -> None:
    assert frame(text, span) == expected


def test_of_many_lines_the_first_and_the_last_are_shown() -> None:
    text = "".join(f"line{i}\n" for i in range(1, 13))
    shown = frame(text, Span(PATH, 0, len(text)))
    numbers = [line.split("|")[0].strip() for line in shown]
    assert [number for number in numbers if number] == ["1", "2", "3", "4", "...", "12"]
    assert draw(text, error("WF1", Span(PATH, 0, len(text)), "x")).splitlines()[
        1:3
    ] == [
        f"  --> {PATH}:1:1",
        "   |",
    ]


def test_of_a_long_line_the_surroundings_of_the_place_are_shown() -> None:
    text = "x" * 5000 + " here " + "y" * 5000
    line, carets = frame(text, at(text, "here"))
    assert len(line) < 200
    assert line.startswith("1 | …xxx")
    assert line.endswith("yyy…")
    assert carets.index("^") == line.index("here")
    assert carets.strip("| ") == "^^^^"


def test_nothing_of_a_file_acts_on_the_terminal() -> None:
    text = "a: \x1b[31m\u202e\x9bx\n"
    finding = error("WF203", at(text, "x"), "no \x1b[2J\nname", "note \x07")
    shown = draw(text, finding)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown)
    assert shown.splitlines()[0] == "error[WF203]: no \ufffd[2J\ufffdname"


def test_further_facts() -> None:
    finding = error(
        "WF501", None, "x", "one\ntwo", "three", help="do\nit", sqlstate="42703"
    )
    assert draw("", finding).splitlines() == [
        "error[WF501]: x",
        "   = one",
        "     two",
        "   = three",
        "   = PostgreSQL reports SQLSTATE 42703",
        "   = help: do",
        "     it",
    ]


def test_a_place_in_a_file_that_was_not_read() -> None:
    finding = error("WF501", Span("schema.sql", 3, 4), "x")
    assert draw("", finding).splitlines() == ["error[WF501]: x", "  --> schema.sql"]


def test_colour_adds_styles_and_changes_no_character() -> None:
    text = "ab: cd\n"
    finding = warning("WF402", at(text, "cd"), "x", "note", help="help")
    coloured = draw(text, finding, colour=True)
    assert "\x1b[1;33mwarning[WF402]\x1b[0m" in coloured
    assert "\x1b[1;33m^^\x1b[0m" in coloured
    assert re.sub("\x1b\\[[0-9;]*m", "", coloured) == draw(text, finding)
