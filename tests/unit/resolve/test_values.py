"""Inputs, returned values and conditions against the types they are declared with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.resolve.conftest import Resolve

INPUTS = (
    "input: {n: integer, d: 'numeric(8,2)', t: text, v: varchar(10), b: boolean, "
    "at: timestamptz, j: jsonb, a: 'text[]', m: 'integer?'}"
)

FITS = [
    ("numeric", "${n}"),
    ("integer", "${d}"),
    ("text", "${v}"),
    ("varchar(3)", "${t}"),
    ("text", "number ${n}"),
    ("text", "plain"),
    ("date", "2026-01-31"),
    ("uuid", "00000000-0000-0000-0000-000000000000"),
    ("integer", "5"),
    ("boolean", "true"),
    ("boolean", "${b and n > 1}"),
    ("jsonb", "${at}"),
    ("jsonb", "{a: [1, x]}"),
    ("integer?", "null"),
    ("integer?", "${m}"),
    ("'text[]'", "${a}"),
    ("[integer]", "[1, '${n}']"),
    ("['integer?']", "[null, '${m}']"),
    ("{a: integer, b: 'text?'}", "{a: 1}"),
    ("{a: {b: [text]}}", "{a: {b: [x, y]}}"),
    ("{a: text}", "${j}"),
    ("numeric(8,2)", "${n / 3}"),
]

MISFITS = [
    ("integer", "${t}", "WF225"),
    ("text", "${n}", "WF225"),
    ("text", "5", "WF225"),
    ("text", "true", "WF225"),
    ("date", "soon", "WF225"),
    ("date", "${at}", "WF225"),
    ("integer", "[1]", "WF225"),
    ("integer", "{a: 1}", "WF225"),
    ("integer", "null", "WF302"),
    ("integer", "${m}", "WF302"),
    ("[integer]", "[null]", "WF302"),
    ("[integer]", "[x]", "WF225"),
    ("{a: integer}", "{a: null}", "WF302"),
    ("{a: integer}", "{}", "WF227"),
    ("{a: integer}", "{a: 1, b: 2}", "WF227"),
    ("{a: integer}", "${t}", "WF225"),
]

SIGNALS = """
returns: TYPE
steps:
  - name: s
    wait_for_signal: s
    payload: {a: integer, b: {c: 'text?'}, d: [text], e: ['text?']}
  - return: "${s.data.PART}"
"""

TYPED_JSON = [
    ("integer", "a", []),
    ("{c: 'text?'}", "b", []),
    ("{c: 'text?', x: 'text?'}", "b", []),
    ("{c: text}", "b", ["WF225"]),
    ("{x: text}", "b", ["WF225"]),
    ("[text]", "d", []),
    ("['text?']", "d", []),
    ("[text]", "e", ["WF225"]),
    ("text?", "b.c", []),
    ("text", "b.c", ["WF302"]),
]


@pytest.mark.parametrize(("type_", "value"), FITS)
def test_returned_value_fits(resolved: Resolve, type_: str, value: str) -> None:
    assert resolved(_returning(type_, value)).found == []


@pytest.mark.parametrize(("type_", "value", "code"), MISFITS)
def test_returned_value_does_not_fit(
    resolved: Resolve, type_: str, value: str, code: str
) -> None:
    assert [code for code, _ in resolved(_returning(type_, value)).found] == [code]


def _returning(type_: str, value: str) -> str:
    shown = f'"{value}"' if value.startswith("${") else value
    return f"{INPUTS}\nreturns: {type_}\nsteps:\n  - return: {shown}\n"


@pytest.mark.parametrize(("type_", "part", "codes"), TYPED_JSON)
def test_typed_json_is_compared_by_member(
    resolved: Resolve, type_: str, part: str, codes: list[str]
) -> None:
    body = SIGNALS.replace("TYPE", type_).replace("PART", part)
    assert [code for code, _ in resolved(body).found] == codes


DEFAULTS = {
    "integer = 5": [],
    "numeric = 5": [],
    "integer = -5": [],
    "text = 'x'": [],
    "date = '2026-01-31'": [],
    "interval = interval '1 day'": [],
    "timestamptz = timestamptz '2026-01-01'": [],
    "jsonb = '{}'": [],
    "text[] = '{a,b}'": [],
    "integer? = null": [],
    "integer = 2 * 3": [],
    "text = lower('X')": [],
    "integer = null": ["WF302"],
    "integer = 'x'": ["WF222"],
    "date = 'soon'": ["WF222"],
    "text = 5": ["WF222"],
    "boolean = 1": ["WF222"],
    "text = x": ["WF221"],
    "text = lower(x)": ["WF201"],
    "timestamptz = now()": ["WF221"],
    "float8 = random()": ["WF221"],
    "text = 'run ' || run.id": ["WF221"],
    "nope = 1": ["WF220"],
}


@pytest.mark.parametrize(("declared", "codes"), DEFAULTS.items(), ids=DEFAULTS)
def test_defaults(resolved: Resolve, declared: str, codes: list[str]) -> None:
    body = f'input:\n  i: "{declared}"\nsteps: [{{sleep: 1s}}]\n'
    assert [code for code, _ in resolved(body).found] == codes


def test_returns_needs_a_value_on_every_path(resolved: Resolve) -> None:
    body = f"{INPUTS}\nreturns: integer\nsteps: [{{if: b, then: [{{return: 1}}]}}]"
    assert resolved(body).found == [("WF226", "integer")]
    assert resolved(body.replace("integer\nst", "integer?\nst")).found == []
    branch = "parallel: {a: [{return: 1}], b: [{sleep: 1s}]}"
    parallel = f"{INPUTS}\nreturns: integer\nsteps: [{{{branch}}}]"
    assert resolved(parallel).found == []
    looped = f"{INPUTS}\nreturns: integer\nsteps: [{{loop: [{{sleep: 1s}}]}}]"
    assert resolved(looped).found == []


def test_sleep_takes_an_interval(resolved: Resolve) -> None:
    body = f"{INPUTS}\nsteps: [{{sleep: n * 2}}, {{sleep: m * interval '1 s'}}]"
    assert resolved(body).found == [("WF224", "n * 2"), ("WF302", "m * interval '1 s'")]
