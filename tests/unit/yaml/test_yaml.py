"""YAML that is broken, and YAML that workflow files don't have."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import yaml

from perdure.diagnostics import Diagnostic
from perdure.frontend.decode import MAX_SIZE, decode
from perdure.frontend.yaml import compose
from perdure.source import Source
from tests.unit.yaml.reading import PATH, marked, read_text, shown, workflow


@pytest.mark.parametrize(
    ("text", "mark", "message"),
    [
        ("a: b: c\n", ":", 'a value can\'t hold ": " without quotes'),
        ("sql: select '{\"a\": 1}'\n", ":", "can't hold"),
        ("a: b\n c: d\n", ":", "this key is indented too far"),
        ("a\nb: c\n", "a", 'expected ":" after this'),
        ("a: 'x' = y\n", "=", "found text after the closing quote"),
        ("a: 'x': y\n", ":", "found text after the closing quote"),
        ("a: 'x\n", "'", "this quote is not closed"),
        ('a: "x\n---\ny"', '"', "this quote is not closed"),
        ('a: "\\q"\n', "\\", 'unknown escape "\\q" in double quotes'),
        ("a: @b\n", "@", 'a value can\'t begin with "@"'),
        ("a: `b`\n", "`", 'a value can\'t begin with "`"'),
        ("a: %b\n", "%", 'a value can\'t begin with "%"'),
        ("a: * b\n", "*", 'a value can\'t begin with "*"'),
        ("a: - b\n", "-", 'found "- " where no list item is expected'),
        ("a: b\n- c\n", "-", "expected a key here"),
        ("a:\n  b: 1\n c: 2\n", "c", "expected a key here"),
        ("- a: x\n b: y\n", "b", 'expected a list item that begins with "- " here'),
        ("a: |x\n  b\n", "x", "the text after | or > begins on the next line"),
        ("a: |\n    \n  b\n", "b", "a blank line above has more spaces"),
        ("a: select 1 # c\n   from x\n", "from", "a comment ended the value above"),
        ("a: [b, c\n", "", 'expected "," or "]" for the "[" on line 1'),
        ("a: {b: text[]}\n", "[", '"[" can\'t be part of a value inside { }'),
        ("a: {b: ${x}}\n", "$", "${...} inside { } must stand in quotes"),
        ("a: [${x}, y]\n", "$", "${...} inside [ ] must stand in quotes"),
        ("}\n", "}", 'expected a value, found "}"'),
        ("a: b\n...\njunk\n", "junk", "found text after the end of the document"),
        ("  a: b\nc: d\n", "c", "this line is indented less than the first key"),
        ("\ufeffé: @b\n", "@", 'a value can\'t begin with "@"'),
    ],
)
def test_a_syntax_error_is_put_in_plain_words(
    text: str, mark: str, message: str
) -> None:
    tree, (finding,) = read_text(text)
    assert tree is None
    assert finding.code == "WF101"
    assert marked(text, finding) == mark
    assert message in finding.message


@pytest.mark.parametrize(
    ("text", "mark", "help"),
    [
        ("s:\n  - a: |\n      b\n  c: d\n", "c", "what begins on line 2"),
        ("s:\n  - a: >\n      b\n   - c: d\n", "-", "what begins on line 2"),
        ("s:\n  - a: |\n      'b'\n  c: d\n", "c", "what begins on line 2"),
        ("- sql: select 1\n  from x\n  where y\n", "from", 'write "sql: |" and'),
        ("sql: select a,\n  b\nfrom x\n", "from", 'write "sql: |" and'),
        ("fail: a\nb\n", "b", ""),
    ],
)
def test_a_syntax_error_says_what_to_do(text: str, mark: str, help: str) -> None:
    _, (finding,) = read_text(text)
    assert marked(text, finding) == mark
    assert help in (finding.help or "")
    assert bool(help) == (finding.help is not None)


@pytest.mark.parametrize(
    "text",
    ["a:\n\t- b\n", "a:\n  b: c\n\td: e\n", "a: >\n  b\n\tc\n", "\ta: b\n"],
)
def test_a_tab_in_indentation(text: str) -> None:
    assert shown(text) == [("WF102", "\t")]


@pytest.mark.parametrize("base", ["", "||||||| 1a2b3c4\n  - sleep: 3s\n"])
def test_the_marks_of_a_merge(base: str) -> None:
    text = (
        "workflow: demo\nsteps:\n<<<<<<< HEAD\n  - sleep: 1s\n"
        f"{base}=======\n  - sleep: 2s\n>>>>>>> other\n"
    )
    tree, (finding,) = read_text(text)
    assert tree is None
    assert finding.code == "WF101"
    assert marked(text, finding) == "<<<<<<< HEAD"
    assert "the file has an unresolved merge" in finding.message
    assert f"git checkout --ours or --theirs {PATH}" in (finding.help or "")


def test_a_tab_inside_of_values_is_fine() -> None:
    _, found = read_text(workflow("- sql: |\n    select 1\tas x\n    \tfrom t"))
    assert found == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (workflow("- fail: &a x"), [("WF108", "&a")]),
        (workflow("- fail: *a"), [("WF108", "*a")]),
        (workflow("- &a\n  fail: x\n- *a"), [("WF108", "&a"), ("WF108", "*a")]),
        (workflow("- fail: x\n  <<: {name: y}"), [("WF108", "<<")]),
        (workflow("- fail: x\n  <<: *a"), [("WF108", "*a")]),
        (workflow("- fail: !!str x"), [("WF109", "!!str")]),
        (workflow("- !step\n  fail: x"), [("WF109", "!step")]),
        (workflow("- return: {[a]: b}"), [("WF110", "[a]")]),
        (workflow("- return: {a: 1, a: 2}"), [("WF112", "a")]),
        (workflow("- fail: x") + "---\na: b\n", [("WF107", "---")]),
        (workflow('- fail: "a\\0b"'), [("WF104", "\\")]),
        (workflow("- fail: a\x07b"), [("WF104", "\x07")]),
        (workflow("- fail: a\x00b"), [("WF104", "\x00")]),
        (workflow("- fail: a\ufeffb"), [("WF104", "\ufeff")]),
        (workflow("- fail: a\ud800b"), [("WF104", "\ud800")]),
        ("", [("WF106", "")]),
        ("# nothing\n", [("WF106", "")]),
        ("---\n", [("WF106", "")]),
        ("\ufeff", [("WF106", "")]),
    ],
)
def test_what_workflow_files_do_not_have(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert shown(text) == expected


def test_an_alias_is_reported_and_the_rest_is_read() -> None:
    tree, found = read_text(workflow("- sql: *a\n- fail: x"))
    assert [each.code for each in found] == ["WF108"]
    assert tree is not None
    assert len(tree.steps) == 1


def test_the_first_of_several_documents_is_read() -> None:
    tree, _ = read_text(workflow("- fail: x") + "---\nworkflow: v\n")
    assert tree is not None
    assert tree.name.text == "w"


@pytest.mark.parametrize(
    ("value", "mark"),
    [
        ("{x: coalesce(a, 0)}", "coalesce(a, 0)"),
        ("{x: f(a, b, c), y: d}", "f(a, b, c)"),
        ("[f(a, b), c]", "f(a, b)"),
    ],
)
def test_a_comma_that_cuts_a_value(value: str, mark: str) -> None:
    assert shown(workflow(f"- return: {value}")) == [("WF128", mark)]


@pytest.mark.parametrize("value", ["{x: ':(', y: 1}", "{x: a(b), y: c}", "[(, b]"])
def test_parentheses_that_no_comma_cuts(value: str) -> None:
    assert shown(workflow(f"- return: {value}")) == []


@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_line_ends_and_byte_order_marks_move_nothing(line_end: str, mark: str) -> None:
    lines = workflow(
        "# é😀\n- fail: 'é'\n- sql: |\n    select\n      :😀 as x\n- bad: 1"
    )
    text = mark + lines.replace("\n", line_end)
    _, found = read_text(text)
    assert [marked(text, each) for each in found][-1] == "bad"


def test_the_control_characters_are_those_that_yaml_refuses() -> None:
    for point in [*range(0x3000), *range(0xD7F0, 0x10010), 0x10FFFF]:
        if 0xD800 <= point < 0xE000 or point == 0xFEFF:
            continue
        ours = compose.compose(Source(PATH, f"# {chr(point)}")).found
        refused = any(each.code == "WF104" for each in ours)
        assert refused == _refuses(f"# {chr(point)}"), hex(point)


def _refuses(text: str) -> bool:
    try:
        list(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.reader.ReaderError:
        return True
    return False


# --- bytes and limits -----------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"a: b\r\n", "a: b\r\n"),
        (b"\xef\xbb\xbfa: \xc3\xa9", "a: é"),
        (b"", ""),
    ],
)
def test_decode(data: bytes, expected: str) -> None:
    assert decode("f", data) == Source("f", expected)


@pytest.mark.parametrize(
    ("data", "code", "message"),
    [
        (b"a\nb: \xe9\n", "WF103", "byte 0xe9 on line 2 is not UTF-8"),
        (b"\xef\xbb\xbfa\nb: \xe9\n", "WF103", "byte 0xe9 on line 2 is not UTF-8"),
        (b"\xed\xa0\x80", "WF103", "byte 0xed on line 1"),
        ("a: b".encode("utf-16"), "WF103", "the file is encoded as UTF-16"),
        (b" " * (MAX_SIZE + 1), "WF105", "the file is larger than 1,000,000 bytes"),
    ],
)
def test_bytes_that_are_no_file(data: bytes, code: str, message: str) -> None:
    finding = decode("f", data)
    assert isinstance(finding, Diagnostic)
    assert finding.code == code
    assert message in finding.message


def test_a_text_over_the_limit() -> None:
    assert shown("#" * (MAX_SIZE + 1)) == [("WF105", "")]


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        "{a: " * 200_000,
        "- " * 400_000,
        workflow("- return: " + "[" * 101 + "]" * 101),
        "".join("  " * depth + "a:\n" for depth in range(500)),
    ],
)
def test_nesting_over_the_limit(text: str) -> None:
    _, (finding,) = read_text(text)
    assert finding.code == "WF105"
    assert finding.message == "lists and mappings are nested more than 100 deep"


def test_the_deepest_nesting_that_is_allowed() -> None:
    depth = 48
    steps = "".join(
        "    " * level + "- if: true\n" + "    " * level + "  then:\n"
        for level in range(depth)
    )
    tree, found = read_text(workflow(steps + "    " * depth + "- break"))
    assert found == []
    assert tree is not None


@pytest.mark.parametrize(
    "text_of",
    [
        lambda size: "a: !" + " " * size + "x",
        lambda size: "a: b" + " #" * size,
        lambda size: "a: 'x" + "''" * size + "'",
        lambda size: "a: b\n" + " \n" * size + "c: d",
        lambda size: "x" * size + ": a",
        lambda size: workflow("- return: [" + "(a," * size + "]"),
        lambda size: "".join(f"key_{number}: x\n" for number in range(size // 4)),
        lambda size: workflow("- fail: x\n" * (size // 10)),
        lambda size: workflow("- foo: x # perdure: ignore[]\n" * (size // 20)),
    ],
    ids=range(9),
)
def test_time_grows_with_the_size_of_a_file(text_of: Callable[[int], str]) -> None:
    # How long is too long depends on the machine, so a smaller file is the measure.
    # Eight times the size may take 8 times as long, and took 64 times when some
    # part of the reader was quadratic.
    small = min(_seconds(text_of(10_000)) for _ in range(3))
    assert _seconds(text_of(80_000)) < 24 * small + 0.2


def _seconds(text: str) -> float:
    start = time.process_time()
    read_text(text)
    return time.process_time() - start
