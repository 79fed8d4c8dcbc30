"""The tables of the language, and what is generated from them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from perdure.diagnostics.codes import Code
from perdure.diagnostics.codes.reading import CODES
from perdure.frontend.expr.parser import KEY_WORDS
from perdure.frontend.yaml import reference, schema
from perdure.frontend.yaml.compose import compose
from perdure.frontend.yaml.language import (
    COMMON,
    EXAMPLE,
    RESERVED,
    STEPS,
    WORKFLOW,
    Kind,
    StepKind,
)
from perdure.frontend.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from perdure.frontend.yaml.reader import READERS
from perdure.source import Source
from tests.unit.yaml.reading import read_text, shown, workflow
from tests.unit.yaml.test_read import ORDER_APPROVAL

ROOT = Path(__file__).resolve().parents[3]

# Codes of the reader for what a snippet of YAML can't show, see `test_yaml`.
NOT_IN_A_SNIPPET = {"WF102", "WF103", "WF105"}


def whole(snippet: str) -> str:
    return workflow(snippet) if snippet.startswith("- ") else snippet + "\n"


def test_every_kind_has_a_reader() -> None:
    assert set(READERS) == set(Kind)


def test_no_key_has_two_meanings_in_a_step() -> None:
    for kind in STEPS:
        names = [key.name for key in (*kind.keys, *COMMON)]
        assert len(names) == len(set(names)), kind.name
    kinds = [kind.name for kind in STEPS]
    assert len(kinds) == len(set(kinds))


def test_reserved_words_are_those_of_expressions() -> None:
    assert KEY_WORDS.keys() - {"unknown"} == RESERVED


@pytest.mark.parametrize("kind", STEPS, ids=lambda kind: kind.name)
def test_the_example_of_a_step_has_no_mistake(kind: StepKind) -> None:
    tree, found = read_text(workflow(kind.example), dict(kind.files))
    assert found == []
    assert tree is not None
    shown_keys = set(re.findall(r"\b([a-z_]+):", kind.example)) | set(
        re.findall(r"- (\w+)$", kind.example, flags=re.MULTILINE)
    )
    assert kind.name in shown_keys


def test_the_example_of_a_workflow_has_no_mistake() -> None:
    assert shown(EXAMPLE) == []


@pytest.mark.parametrize("entry", CODES, ids=lambda entry: entry.code)
def test_the_snippets_of_a_code_are_wrong_and_right(entry: Code) -> None:
    _, found = read_text(whole(entry.right), {"totals.sql": "select 1 as x"})
    assert found == []
    if entry.code not in NOT_IN_A_SNIPPET:
        assert {code for code, _ in shown(whole(entry.wrong))} == {entry.code}


# --- the schema -----------------------------------------------------------------


def plain(node: Node) -> Any:
    """Return the data of a node as editors read it, by the rules of YAML 1.2."""
    match node:
        case MappingNode():
            return {key.value: plain(value) for key, value in node.entries}
        case SequenceNode():
            return [plain(item) for item in node.items]
        case ScalarNode() if node.plain:
            return _resolved(node.value)
        case ScalarNode():
            return node.value
    raise AssertionError(node)


def _resolved(word: str) -> Any:
    if word in ("", "~", "null"):
        return None
    if word in ("true", "false"):
        return word == "true"
    if re.fullmatch(r"[-+]?\d+", word):
        return int(word)
    if re.fullmatch(r"[-+]?\d+\.\d+", word):
        return float(word)
    return word


def mistakes(text: str) -> list[str]:
    root = compose(Source("f", text)).root
    assert root is not None
    validator = Draft202012Validator(schema.workflow_schema())
    return [each.message for each in validator.iter_errors(plain(root))]


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(schema.workflow_schema())


def test_the_file_of_the_schema_is_current() -> None:
    assert (ROOT / schema.PATH).read_text("utf-8") == schema.schema_text(), (
        "run python -m perdure.frontend.yaml"
    )


def test_the_reference_page_is_current() -> None:
    assert (ROOT / reference.PATH).read_text("utf-8") == reference.reference_page(), (
        "run python -m perdure.frontend.yaml"
    )


@pytest.mark.parametrize("key", WORKFLOW, ids=lambda key: key.name)
def test_schema_and_page_have_what_is_there_now(key: Any) -> None:
    assert key.name in schema.workflow_schema()["properties"]
    page = reference.reference_page().split("\n## ")[1]
    assert f"| `{key.name}`" in page


GOOD = sorted(
    path
    for folder in ("examples", "tests/golden/ok", "tests/golden/stages")
    for path in (ROOT / folder).rglob("workflows/*.yaml")
)


@pytest.mark.parametrize(
    "text",
    [
        ORDER_APPROVAL,
        EXAMPLE,
        *(workflow(kind.example) for kind in STEPS),
        *(path.read_text() for path in GOOD),
        workflow("- fail: 404\n- let: {a: 1, b: true}\n- return: 5\n- return:"),
        workflow("- sql: select 1 as x\n  retry: {on: [08, 503], factor: 2}"),
        workflow("- wait_for_signal: a\n  payload: [{a: text?}]\n  timeout: 1m30s"),
    ],
    ids=range(len(GOOD) + len(STEPS) + 5),
)
def test_what_is_right_fits_the_schema(text: str) -> None:
    assert mistakes(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "workflow: w\n",
        "steps: [return]\n",
        "workflow: W\nsteps: [return]\n",
        "workflow: w\nsteps: []\n",
        "workflow: w\nsteps: [return]\nfoo: 1\n",
        "workflow: w\nsteps: [return]\nschedule: [x]\n",
        "workflow: w\ninput: {A: text}\nsteps: [return]\n",
        workflow("- brek"),
        workflow("- sq: select 1"),
        workflow("- name: x"),
        workflow("- sql: select 1\n  return: 1"),
        workflow("- sql: select 1\n  json: 1"),
        workflow("- sql: select 1\n  expect: two"),
        workflow("- sql: select 1\n  retry: 0"),
        workflow("- sql: select 1\n  retry: {jitter: maybe}"),
        workflow("- if: a"),
        workflow("- if: a\n  then: break"),
        workflow("- if: a\n  then: [break]\n  elif: {if: a, then: [break]}"),
        workflow("- http: https://x"),
        workflow("- http: GET https://x\n  timeout: soon"),
        workflow("- sleep:"),
        workflow("- break: 1"),
        workflow("- loop: [break]\n  every: 5"),
        workflow("- foreach: x\n  do: [break]"),
        workflow("- race: {a: []}"),
        workflow("- sql_file: /x.sql"),
    ],
)
def test_what_is_wrong_does_not(text: str) -> None:
    assert shown(text) != []
    assert mistakes(text) != []
