"""The mapping of a scalar's value to the characters of the file."""

from __future__ import annotations

import textwrap

import pytest
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from perdure.frontend.yaml.scalars import scalar_text
from perdure.source import Text

BREAKS = "\r\n\x85\u2028\u2029"


def texts(file: str) -> list[tuple[str, Text]]:
    """Return libyaml's value and our text of every scalar of a file."""
    found = []
    for event in yaml.parse(file, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.ScalarEvent):
            assert event.start_mark
            assert event.end_mark
            start, end = event.start_mark.index, event.end_mark.index
            style = event.style or ""
            text = scalar_text("f", file, start, end, event.value, style)
            found.append((event.value, text))
    return found


def check(file: str) -> None:
    """Assert that runs cover each value in order and say what stands in the file."""
    for value, text in texts(file):
        assert text.value == value
        at, before = 0, -1
        for run in text.runs:
            assert run.value == at
            assert run.file >= before
            there = file[run.file : run.file + run.length]
            ours = value[run.value : run.value + run.length]
            assert there == ours or _stands_for(there, ours), (run, there, ours)
            at, before = at + run.length, run.file + run.length
        assert at == len(value)
        assert text.whole.start <= text.whole.end <= len(file)


def _stands_for(there: str, ours: str) -> bool:
    """One character for another: an escape, or a line break that was folded."""
    if len(ours) != 1:
        return False
    return there in "\\'" or (there in BREAKS and ours in " \n")


@pytest.mark.parametrize(
    ("file", "needle", "line"),
    [
        ("k: one two", "two", 1),
        ("k: one\n  two\n\n  three", "three", 4),
        ("k: 'it''s two'", "two", 1),
        ('k: "a\\n\\x41\\u00e9 two"', "two", 1),
        ('k: "one \\\n   two"', "two", 2),
        ("k: |\n  one\n  two\n", "two", 3),
        ("k: |2-\n    one\n\n  two\n", "two", 4),
        ("k: >\n  one\n  two\n", "two", 3),
        ("k: >+\n  one\n\n    more\n  two\n\n", "two", 5),
        ("k: | # a comment\n\n\n  one\n  two", "two", 5),
        ("k: |\r\n  one\r\n  two\r\n", "two", 3),
        ("é😀: '😀 é two'", "two", 1),
        ("- - |\n   one\n   two\n  # a comment\n", "two", 3),
    ],
)
def test_a_word_is_found_where_it_stands(file: str, needle: str, line: int) -> None:
    value, text = texts(file)[-1]
    at = value.index(needle)
    span = text.span(at, at + len(needle))
    assert file[span.start : span.end] == needle
    assert file.count("\n", 0, span.start) + 1 == line
    check(file)


@pytest.mark.parametrize(
    ("file", "index", "place"),
    [
        ("k: >\n  one\n\n  two\n", 3, "\n  two"),
        ("k: >\n  one\n\n   more\n  two\n", 3, "\n\n   more"),
        ("k: >\n  one\n  two\n\n\nz: 1", 7, "\n\n\nz"),
        ("k: one\n\n  two\n", 3, "\n  two"),
        ('k: "one\\\n\n  two"\n', 3, "\n  two"),
    ],
)
def test_a_line_break_is_the_one_that_was_kept(
    file: str, index: int, place: str
) -> None:
    value, text = texts(file)[1]
    assert value[index] == "\n"
    assert text.span(index, index + 1).start == file.index(place)


def test_an_escape_is_a_run_of_its_own() -> None:
    _, text = texts('"a\\tb"')[0]
    assert [(run.value, run.file, run.length) for run in text.runs] == [
        (0, 1, 1),
        (1, 2, 1),
        (2, 4, 1),
    ]


def test_a_block_scalar_ends_with_its_last_line() -> None:
    file = "k: |\n  one\n\n\n# a comment\nz: 1\n"
    _, text = texts(file)[1]
    assert file[text.whole.start : text.whole.end] == "|\n  one\n"


# --- any value, in every style --------------------------------------------------

PIECES = st.sampled_from(
    (
        *(*"ab:#-'\"\\ é😀\t", "  ", "\n", "\n\n", "\r\n", "\n ", "''", "\\n", "\\\n"),
        *("\\x41", "\\u00e9", "\\U0001f600", "\\ ", "\x85", "\u2028", "\r"),
    )
)
BODIES = st.lists(PIECES, max_size=14).map("".join)


# Some bodies are no YAML in some styles and are passed over.
RARE = [HealthCheck.filter_too_much, HealthCheck.too_slow]


def readable(file: str) -> bool:
    try:
        list(yaml.parse(file, Loader=yaml.CSafeLoader))
    except yaml.YAMLError:
        return False
    return True


@settings(max_examples=300, deadline=None, suppress_health_check=RARE)
@given(body=BODIES, quote=st.sampled_from(["", "'", '"']))
def test_flow_scalars(body: str, quote: str) -> None:
    file = f"k: {quote}{textwrap.indent(body, '  ').lstrip()}{quote}\nz: 1\n"
    assume(readable(file))
    check(file)


@settings(max_examples=300, deadline=None, suppress_health_check=RARE)
@given(
    lines=st.lists(st.tuples(st.integers(0, 2), BODIES), max_size=6),
    style=st.sampled_from("|>"),
    chomping=st.sampled_from(["", "-", "+"]),
    indent=st.integers(1, 4),
    explicit=st.booleans(),
    after=st.sampled_from(["\n", "\n# c\nz: 1\n", "\nz: 1\n", "", "\n   ", "\n\n\n"]),
)
def test_block_scalars(
    lines: list[tuple[int, str]],
    style: str,
    chomping: str,
    indent: int,
    explicit: bool,
    after: str,
) -> None:
    header = style + chomping + (str(indent) if explicit else "")
    body = "\n".join(" " * (indent + more) + text for more, text in lines)
    file = f"k: {header}\n{body}{after}"
    assume(readable(file))
    check(file)


@settings(max_examples=200, deadline=None, suppress_health_check=RARE)
@given(
    value=st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n")),
    style=st.sampled_from(["'", '"', "|", ">", None]),
)
def test_values_that_yaml_wrote(value: str, style: str | None) -> None:
    file = yaml.dump({"k": [value]}, default_style=style, allow_unicode=True, width=20)
    assert texts(file)[-1][0] == value
    check(file)
