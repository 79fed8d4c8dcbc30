"""String literals: the values are Python's, and every character has its place."""

from __future__ import annotations

import argparse
import ast
import inspect
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perdure.frontend.python.places import Places, quietly_parsed
from perdure.frontend.python.strings import Field, pieces
from perdure.source import Source, Text

Literal = ast.Constant | ast.JoinedStr


def literals(tree: ast.AST) -> list[Literal]:
    """Return the string literals of a tree, but not those inside of f-strings."""
    found: list[Literal] = []
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str)
        ):
            found.append(node)
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def values(node: Literal) -> list[str]:
    """Return what Python says: texts, and the source of the fields' expressions."""
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    found: list[str] = []
    for part in node.values:
        if isinstance(part, ast.FormattedValue):
            found.append(ast.unparse(part.value))
        else:
            assert isinstance(part, ast.Constant)
            found.append(str(part.value))
    return found or [""]


def check(text: str, name: str = "f.py") -> None:
    places = Places(Source(name, text))
    for node in literals(quietly_parsed(text, "exec")):
        read = pieces(places, node)
        got = [p.value if isinstance(p, Text) else ast.unparse(p.expr) for p in read]
        shown = any(isinstance(p, Field) and p.form.startswith("=") for p in read)
        if not shown:  # Python puts the text of `{x=}` into the text before it
            assert got == values(node), text[places.span(node).start :][:80]
        for piece in read:
            if isinstance(piece, Text):
                check_places(text, piece)
            else:
                span = places.span(piece.expr)
                assert piece.span.start <= span.start < span.end <= piece.span.end


def check_places(text: str, piece: Text) -> None:
    """Characters that stand in the file as they read stand where the runs say."""
    for run in piece.runs:
        value = piece.value[run.value : run.value + run.length]
        if run.length > 1:
            assert text[run.file : run.file + run.length] == value
    covered = sum(run.length for run in piece.runs)
    assert covered == len(piece.value)


@pytest.mark.parametrize(
    "text",
    [
        "x = 'plain'",
        "x = ''",
        'x = "a\\n\\t\\x41\\u00e9\\N{EN DASH}\\101\\d\\\nb"',
        "x = r'a\\n{b}'",
        "x = '''a\r\nb\rc'''",
        "x = ('a' # one\n  \"b\" r'\\c'\n\n 'd')",
        "x = 'a' \\\n 'b'",
        "é = 'ü' ; y = 'a'",
        "x = f'a{b}c{{d}}e{f}'",
        "x = f'{a.b[\"c\"]}{d(1, {2: 3})}{ e }'",
        "x = f'{a!r}{b:>10}{c:{d}}{e=}{f == 1}{g != 2}'",
        "x = f'''a{\n  b\n  + c\n}d'''",
        "x = f'{lambda_}{(lambda: 1)()}' 'z' f\"{q}\"",
        "x = rf'\\d{a}\\{b}'",
        "x = f'\\N{EN DASH}{a}\\n'",
        "def f():\n    return f'ü{é}ä', 'ß'",
        "x = f'{a}' f'{b}'",
        "x = f'{f\"{c}\"}'",
    ],
)
def test_values_and_places(text: str) -> None:
    check(text)


MODULES = (argparse, ast, inspect, tokenize, pytest)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.__name__)
def test_the_strings_of_real_files(module: object) -> None:
    path = Path(inspect.getfile(module))  # type: ignore[arg-type]
    check(path.read_text(encoding="utf-8"), path.name)


@given(st.text(), st.sampled_from(["'", '"', "'''", '"""']))
def test_any_text_written_by_python(text: str, quote: str) -> None:
    plain = text.encode("utf-8", "ignore").decode()
    written = repr(plain)
    check(f"x = {written}")
    check(f"ü = f{written.replace('{', '{{').replace('}', '}}')}")
