"""Whatever stands in a workflow, reading it ends with findings, never an exception."""

from __future__ import annotations

import ast
import random
from pathlib import Path

import pytest

from perdure.frontend.python import read_file
from perdure.source import Source

TWINS = Path(__file__).parents[2] / "golden" / "twins"
FILES = sorted(TWINS.rglob("*.py")) + sorted(
    TWINS.parent.glob("errors/WF1[79]*/workflows/*.py")
)
STRANGE = [
    "None", "...", "b'x'", "1j", "-1", "f'{a}{b!r:>{c}}'", "[]", "()", "{}", "{**a}",
    "{1: 2}", "[*a]", "a.b.c", "a['x'][0]['y']", "a()()", "a.b().c", "lambda: 1",
    "lambda x, *y: 2", "a if b else c", "not a", "a < b < c", "a in b", "a is b",
    "[x for x in a]", "await a", "(yield)", "(a := 1)", "a[1:2]", "a @ b", "~a",
    "sql", "sql()", "sql('select')", "sql(*a, **b)", "http.get", "http()", "func",
    "func.f(*a)", "cast()", "cast(1, {})", "expr('')", "interval(1)", "run", "run.id",
    "branch('a')", "parallel()", "race(a=1)", "gather()", "every('1s')", "until(a)",
    "Retry", "Retry()", "Retry(1, 2, **a)", "int", "int | None", "print", "ast",
    "'${a}'", "'\\ud800'", "'\\0'", "1e999", "10 ** 9", "'x' * 3", "'a' 'b' f'{c}'",
    "{'a': int, 'b': [str]}", "[int, str]", "workflow", "Decimal('x')", "Decimal",
]  # fmt: skip


def mutated(text: str, chance: random.Random) -> str:
    """Return a file in which some expressions and statements are others."""
    tree = ast.parse(text)
    functions = [each for each in tree.body if isinstance(each, ast.FunctionDef)]
    for function in functions:
        for node in list(ast.walk(function)):
            for name, value in ast.iter_fields(node):
                if isinstance(value, ast.expr) and chance.random() < 0.06:
                    setattr(node, name, ast.parse(chance.choice(STRANGE)).body[0].value)  # type: ignore[attr-defined]
                elif isinstance(value, list) and len(value) > 1:
                    if chance.random() < 0.05:
                        chance.shuffle(value)
                    elif chance.random() < 0.05:
                        value.pop()
    return ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize("seed", range(60))
def test_mutated_workflows_are_read(seed: int) -> None:
    chance = random.Random(seed)
    for path in FILES:
        original = path.read_text()
        try:
            text = mutated(original, chance)
        except (SyntaxError, ValueError, AttributeError, TypeError, IndexError):
            continue  # what `ast` itself can't write
        readings, _ = read_file(Source("f.py", text), lambda _: None, path.parent)
        for _, found in readings:
            for each in found:
                assert each.span is not None
                if each.span.path == "f.py":
                    assert 0 <= each.span.start <= each.span.end <= len(text)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_cut_workflows_are_read(path: Path) -> None:
    text = path.read_text()
    for end in range(0, len(text), 97):
        read_file(Source("f.py", text[:end]), lambda _: None, path.parent)
