"""Comments to the compiler."""

from __future__ import annotations

import pytest

from perdure.syntax.tree import Ignore
from tests.unit.yaml.reading import marked, read_text, shown, workflow


def ignores(text: str) -> tuple[Ignore, ...]:
    tree, found = read_text(text)
    assert found == []
    assert tree is not None
    return tree.ignores


@pytest.mark.parametrize(
    ("comment", "codes", "reason"),
    [
        ("# perdure: ignore[WF412] it is small", ["WF412"], "it is small"),
        ("#perdure:ignore[WF412]", ["WF412"], ""),
        ("#  perdure:  ignore[ WF412 , WF203 ]   a, b  ", ["WF412", "WF203"], "a, b"),
        ("# perdure: ignore[WF412 WF203] é 😀", ["WF412", "WF203"], "é 😀"),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_an_ignore(comment: str, codes: list[str], reason: str, line_end: str) -> None:
    text = workflow(f"- fail: é😀\n- fail: x {comment}").replace("\n", line_end)
    (ignore,) = ignores(text)
    assert [code.text for code in ignore.codes] == codes
    assert [text[c.span.start : c.span.end] for c in ignore.codes] == codes
    assert ignore.reason == reason
    assert ignore.line == 4
    assert text[ignore.span.start : ignore.span.end].strip() == comment.strip()


@pytest.mark.parametrize(
    ("steps", "lines"),
    [
        ("# perdure: ignore[WF412]\n- fail: x", [3]),
        ("- # perdure: ignore[WF412]\n  fail: x", [3]),
        ("- sql: | # perdure: ignore[WF412]\n    select 1 as x", [3]),
        ("- sql: >- # perdure: ignore[WF412]\n    select 1 as x\n", [3]),
        ("- sql: |\n    select 1 as x\n  # perdure: ignore[WF412]", [5]),
        ("- return: {a: 1, # perdure: ignore[WF412]\n    b: 2}", [3]),
        ("- return: [a,# perdure: ignore[WF412]\n    b]", [3]),
        ("- fail: 'x' # perdure: ignore[WF412]\n- break # perdure: ignore[WF1]", None),
    ],
)
def test_where_comments_stand(steps: str, lines: list[int] | None) -> None:
    text = workflow(steps)
    if lines is None:
        assert shown(text) == [("WF127", "WF1")]
    else:
        assert [ignore.line for ignore in ignores(text)] == lines


@pytest.mark.parametrize(
    "steps",
    [
        "- fail: '# perdure: ignore[WF412]'",
        '- fail: "a # perdure: ignore[WF412]"',
        "- fail: a# perdure: ignore[WF412]".replace(": ignore", ":ignore"),
        "- fail: |\n    # perdure: ignore[WF412]",
        "- sql: |\n    select 1 as x # perdure: ignore[WF412]",
        "- fail: 'a\n    # perdure: ignore\n    b'",
    ],
)
def test_inside_of_a_scalar_it_is_text(steps: str) -> None:
    assert ignores(workflow(steps)) == ()


@pytest.mark.parametrize(
    ("comment", "mark"),
    [
        ("# perdure: ignore", None),
        ("# perdure: ignore WF412", None),
        ("# perdure ignore[WF412]", None),
        ("# perdure-ignore: WF412", None),
        ("# perdure: ignore[]", None),
        ("# perdure: disable[WF412]", None),
        ("# perdure: ignore[WF412", None),
        ("# perdure: ignore[412]", "412"),
        ("# perdure: ignore[WF412, unknown-column]", "unknown-column"),
    ],
)
def test_a_malformed_one_is_reported(comment: str, mark: str | None) -> None:
    text = workflow(f"- fail: x  {comment}")
    tree, (finding,) = read_text(text)
    assert finding.code == "WF127"
    assert marked(text, finding) == (mark or comment)
    assert tree is not None
    assert tree.ignores == ()


@pytest.mark.parametrize("comment", ["# perdure is fine", "# see perdure: ignore[X]"])
def test_other_comments_are_comments(comment: str) -> None:
    assert ignores(workflow(f"- fail: x  {comment}")) == ()
