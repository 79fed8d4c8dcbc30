"""Mistakes in workflow files: what is found, where, and what is still read."""

from __future__ import annotations

import pytest

from perdure.frontend.yaml.context import MAX_SUGGESTIONS
from tests.unit.yaml.reading import PATH, marked, read_text, shown, workflow

LONG = "a" * 51


@pytest.mark.parametrize(
    ("steps", "code", "mark", "message"),
    [
        # keys
        ("- sq: select 1", "WF111", "sq", 'unknown key "sq" in a step'),
        ("- Sql: select 1", "WF111", "Sql", 'unknown key "Sql"'),
        (
            "- sql: select 1 as x\n  retyr: 5",
            "WF111",
            "retyr",
            'in a step of kind "sql"',
        ),
        (
            "- sql: select 1 as x\n  retry: {bckoff: 1s}",
            "WF111",
            "bckoff",
            'in "retry"',
        ),
        ("- if: a\n  thn: [break]", "WF111", "thn", 'unknown key "thn"'),
        (
            "- if: a\n  then: [break]\n  elif: [{iff: b, then: [break]}]",
            "WF111",
            "iff",
            "",
        ),
        ("- name: x", "WF117", "name", "this step does nothing"),
        ("- {}", "WF117", "{}", "this step does nothing"),
        ("- sql: select 1\n  return: 1", "WF116", "return", 'found "sql" and "return"'),
        ("- try: []\n  sql: x", "WF116", "sql", 'found "try" and "sql"'),
        ("- sql: select 1 as x\n  json: {}", "WF115", "json", "does not belong in"),
        ("- let: {a: 1}\n  retry: 5", "WF115", "retry", "does not belong in"),
        ("- else: [break]", "WF115", "else", 'in a step without "if"'),
        ("- if: a", "WF113", "if", 'has no "then"'),
        ("- if: a\n  then: [break]\n  elif: [{if: b}]", "WF113", "if", 'has no "then"'),
        ("- foreach: x in y\n  do: []", "WF118", "[]", "found an empty list"),
        ("- foreach: x\n  do: [break]", "WF231", "x", 'found "x"'),
        ("- foreach: x in y", "WF113", "foreach", 'has no "do"'),
        ("- do: []", "WF118", "[]", "found an empty list"),
        ("- do: [break]\n  collect: {a: 1}", "WF115", "collect", "does not belong"),
        ("- switch: a\n  cases: [a]", "WF110", "[a]", "expected a mapping of values"),
        ("- switch: a\n  cases: {}", "WF118", "{}", "found an empty mapping"),
        ("- switch: a\n  cases: {b: x}", "WF110", "x", "expected a list of steps"),
        ("- try: [break]\n  catch: err", "WF232", "try", 'needs "do"'),
        ("- try: [break]", "WF232", "try", "needs `catch` or `finally`"),
        ("- try: [break]\n  catch: 1\n  do: [fail]", "WF119", "1", "expected a name"),
        ("- wait_for_schedule: [a]", "WF110", "[a]", "expected a cron expression"),
        ("- wait_for_schedule: '* *'", "WF153", "* *", "found 2 fields"),
        ("- sql: select 1 as x\n  timeout: 0s", "WF126", "0s", "a timeout of zero"),
        ("- sleep: 1s\n  undo: [break]", "WF115", "undo", "does not belong in"),
        ("- race:\n    a: [break]\n    a: [break]", "WF112", "a", "is there twice"),
        # kinds of values
        ("- sql: [a]", "WF110", "[a]", "expected an SQL statement, found a list"),
        ("- if: [a]\n  then: [break]", "WF110", "[a]", "expected an expression"),
        (
            "- if: a\n  then: {fail: x}",
            "WF110",
            "{fail: x}",
            "expected a list of steps",
        ),
        (
            "- if: a\n  then: break",
            "WF110",
            "break",
            "expected a list of steps, found t",
        ),
        (
            "- if: a\n  then: [break]\n  elif: [break]",
            "WF110",
            "break",
            "with if and the",
        ),
        (
            "- parallel: [break]",
            "WF110",
            "[break]",
            "expected a mapping of branch names",
        ),
        (
            "- wait_for_signal: go\n  payload: {a: [null, int]}",
            "WF110",
            "[null, int]",
            "a list type holds the type of its items",
        ),
        ("- let: x", "WF110", "x", "expected a mapping of names to expressions"),
        ("- brek", "WF110", "brek", "expected a step, found text"),
        ("- [a]", "WF110", "[a]", "expected a step, found a list"),
        ("- break: 1", "WF110", "1", 'expected nothing after "break:"'),
        ("- wait_for_signal: a\n  payload: [a, b]", "WF110", "[a, b]", "a list type"),
        ("- http: GET https://x\n  body: {a: 1}", "WF110", "{a: 1}", "expected text"),
        (
            "- return: {a: 1}\n  name: [b]",
            "WF110",
            "[b]",
            "expected a name, found a list",
        ),
        # nothing
        ("- sql:", "WF118", "", "expected an SQL statement, found nothing"),
        ("-", "WF118", "", "expected a step, found nothing"),
        ("- loop: []", "WF118", "[]", "found an empty list"),
        ("- race: {}", "WF118", "{}", "found an empty mapping"),
        ("- race: {a: }", "WF118", "", "expected a list of steps, found nothing"),
        ("- http: GET https://x\n  json:", "WF118", "", "expected a value, found noth"),
        ("- sql", "WF118", "sql", '"sql" needs a value'),
        ("- sql: select 1 as x\n  retry:", "WF118", "", "found nothing"),
        # names
        ("- {name: 5, sleep: 1s}", "WF119", "5", 'found the number "5"'),
        ("- {name: My-Step, sleep: 1s}", "WF119", "My-Step", "is not a name"),
        ("- {name: 1a, sleep: 1s}", "WF119", "1a", "is not a name"),
        ("- {name: é, sleep: 1s}", "WF119", "é", "is not a name"),
        ("- {name: '', sleep: 1s}", "WF119", "''", "is not a name"),
        (f"- {{name: {LONG}, sleep: 1s}}", "WF119", LONG, "51 characters"),
        ("- {name: and, sleep: 1s}", "WF120", "and", "word of the expression language"),
        ("- wait_for_signal: a-b", "WF119", "a-b", "is not a name"),
        ("- let: {A: 1}", "WF119", "A", "is not a name"),
        ("- race: {A: [break]}", "WF119", "A", "is not a name"),
        # particular values
        (
            "- sql: select 1 as x\n  expect: two",
            "WF121",
            "two",
            "expected a number of r",
        ),
        ("- sql: select 1 as x\n  retry: 0", "WF122", "0", 'for "retry", found "0"'),
        (
            "- sql: select 1 as x\n  retry: {jitter: yes}",
            "WF122",
            "yes",
            "true or false",
        ),
        (
            "- sql: select 1 as x\n  retry: {factor: 0.5}",
            "WF122",
            "0.5",
            "a number from",
        ),
        (
            "- sql: select 1 as x\n  retry: {on: [abc]}",
            "WF130",
            "abc",
            "is not an SQLST",
        ),
        ("- http: https://x", "WF123", "https://x", "expected a method and a URL"),
        ("- http: get https://x", "WF123", "get", "expected an HTTP method"),
        ("- http: GET", "WF123", "GET", "expected a method and a URL"),
        (
            "- http: GET https://x\n  timeout: 1500ms",
            "WF126",
            "1500ms",
            "whole seconds",
        ),
        ("- wait_for_signal: a\n  timeout: 0s", "WF126", "0s", "at least one"),
        (
            "- http: GET https://x\n  headers: {a b: c}",
            "WF131",
            "a b",
            "not the name of",
        ),
        ("- http: GET https://x\n  headers: {A: c, a: d}", "WF112", "a", "there twice"),
        ("- http: GET https://x\n  json: 1\n  body: x", "WF124", "x", "not both"),
        ("- sql_file: x.sql", "WF125", "x.sql", 'there is no file "x.sql"'),
        ("- sql_file: /x.sql", "WF125", "/x.sql", "not relative"),
        ("- sql: select a #>> '{b}' as c", "WF129", "#>>", "begins a YAML comment"),
        ("- if: a #- b\n  then: [break]", "WF129", "#-", "begins a YAML comment"),
        # of the small languages
        ("- sleep: 5", "WF149", "5", "expected a duration"),
        ("- sleep: 5 minutes", "WF149", "5 minutes", "expected a duration"),
    ],
)
def test_a_mistake(steps: str, code: str, mark: str, message: str) -> None:
    text = workflow(steps)
    _, (finding,) = read_text(text)
    assert (finding.code, marked(text, finding)) == (code, mark)
    assert message in finding.message
    assert finding.severity == "error"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- sql: x\n", [("WF110", "- sql: x")]),
        ("workflow\n", [("WF110", "workflow")]),
        ("steps: [return]\n", [("WF113", "steps")]),
        ("workflow: w\n", [("WF113", "workflow")]),
        ("{}\n", [("WF113", "{}"), ("WF113", "{}")]),
        ("workflow: w\nstep: [return]\n", [("WF111", "step")]),
        (
            "workflow: w\noverlap: skip\nsteps: [return]\n",
            [("WF136", "skip")],
        ),
        (
            "workflow: w\nschedule: 0 0 30 2 *\noverlap: skip\nsteps: [return]\n",
            [("WF154", "0 0 30 2 *")],
        ),
        ("workflow: W\nsteps: [return]\n", [("WF119", "W")]),
        ("workflow: w\ninput: {a: 5 +}\nsteps: [return]\n", [("WF148", "5")]),
        ("workflow: w\ninput: {a: {b: c}}\nsteps: [return]\n", [("WF110", "{b: c}")]),
        ("workflow: w\ninput: {run x: text}\nsteps: [return]\n", [("WF119", "run x")]),
        ("workflow: w\ninput:\nsteps: [return]\n", [("WF118", "")]),
        ("workflow: w\nreturns: []\nsteps: [return]\n", [("WF110", "[]")]),
        ("workflow: w\nsteps: return\n", [("WF110", "return")]),
    ],
)
def test_a_mistake_of_the_workflow(text: str, expected: list[tuple[str, str]]) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("value", "help_"),
    [
        ("hello world", "for the text, write \"'hello world'\""),
        ("'well, hello big world!'", "write \"'well, hello big world!'\""),
        ("in-progress", "for the text, write \"'in-progress'\""),
        ("a b and c", ""),
        ("total none", 'write "null"'),
        ("1 week", ""),
    ],
)
def test_words_in_a_let_that_are_meant_as_text(value: str, help_: str) -> None:
    _, (finding,) = read_text(workflow(f"- let:\n    a: {value}"))
    assert help_ in (finding.help or "")
    assert bool(help_) == bool(finding.help)


@pytest.mark.parametrize(
    ("steps", "help_"),
    [
        ("- sq: select 1", 'did you mean "sql"?'),
        ("- wait-for-signal: x", 'did you mean "wait_for_signal"?'),
        ("- SLEEP: 1s", 'did you mean "sleep"?'),
        ("- brek", 'did you mean "break"?'),
        ("- sql: select 1 as x\n  expect: on", 'did you mean "one"?'),
        ("- http: post https://x", 'did you mean "POST"?'),
        ("- {name: My Step, sleep: 1s}", 'for example "my_step"'),
        ("- sleep: 1s\n  xyz: 1", None),
    ],
)
def test_what_was_meant(steps: str, help_: str | None) -> None:
    _, (finding,) = read_text(workflow(steps))
    assert finding.help == help_


def test_a_suggestion_is_a_fix() -> None:
    text = workflow("- sql: select 1 as x\n  retyr: 5")
    _, (finding,) = read_text(text)
    assert finding.fix is not None
    (edit,) = finding.fix.edits
    fixed = text[: edit.span.start] + edit.text + text[edit.span.end :]
    assert shown(fixed) == []


def test_a_file_that_is_no_workflow_gets_few_suggestions() -> None:
    _, found = read_text("".join(f"step{n}: 1\n" for n in range(MAX_SUGGESTIONS + 50)))
    assert found[0].help is not None
    assert found[-1].help is None


def test_all_mistakes_are_found_in_order_and_the_rest_is_read() -> None:
    text = workflow(
        "- sql: select 1 as x\n  retyr: 5\n"
        "- fail: good\n"
        "- if: (a\n  then:\n    - bad: 1\n    - sleep: 5\n"
        "- loop:\n    - brek\n    - break\n"
    )
    tree, found = read_text(text)
    assert [marked(text, each) for each in found] == ["retyr", "(", "bad", "5", "brek"]
    assert [each.span for each in found] == sorted(
        each.span for each in found if each.span
    )
    assert tree is not None
    assert [type(step).__name__ for step in tree.steps] == ["FailStep", "LoopStep"]


@pytest.mark.parametrize(
    ("steps", "unread"),
    [
        ("- {name: a, sq: x}", ("a",)),
        ("- {name: a, sql: select 1 as x, expect: two}", ("a",)),
        ("- let: {a: 1 +, b: 1}", ("a", "b")),
        (
            "- if: (a\n  then:\n    - {name: b, sleep: 1s}\n    - let: {c: 1}",
            ("b", "c"),
        ),
        ("- race: {A: [{name: b, sleep: 1s}], c: [break]}", ("b",)),
        ("- {name: And, race: {a: [break]}}", ("And",)),
        ("- {name: a, sleep: 1s}\n- bad: 1", ()),
    ],
)
def test_names_that_could_not_be_read_are_kept(
    steps: str, unread: tuple[str, ...]
) -> None:
    tree, found = read_text(workflow(steps))
    assert found != []
    assert tree is not None
    assert tree.unread == unread


def test_an_input_that_could_not_be_read_is_kept() -> None:
    tree, _ = read_text("workflow: w\ninput: {a: '5', b: text}\nsteps: [return]\n")
    assert tree is not None
    assert [each.name.text for each in tree.inputs] == ["b"]
    assert tree.unread == ("a",)


def test_a_statement_file_with_a_character_that_no_text_may_have() -> None:
    _, (finding,) = read_text(workflow("- sql_file: x.sql"), {"x.sql": "select 1\0"})
    assert finding.code == "WF104"
    assert finding.span is not None
    assert finding.span.path != PATH


def test_what_only_looks_like_an_operator_after_a_value() -> None:
    assert shown(workflow("- sql: select 1 as x # > a comment\n- fail: a #> b")) == []
