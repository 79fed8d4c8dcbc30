"""The JSON Schema of workflow files, for completion and checks in editors.

Editors read scalars by YAML's own rules, so that a text may arrive there as a number
or a boolean. The schema lets these through wherever the reader takes text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from perdure.frontend.yaml.language import (
    ARM,
    COMMON,
    EFFECTS,
    EXPECTATIONS,
    MAX_NAME,
    METHODS,
    NAME_PATTERN,
    RETRY,
    STEPS,
    WORKFLOW,
    Key,
    Kind,
    StepKind,
)
from perdure.frontend.yaml.rows_calls import CONCURRENCY, OVERLAPS, PART

Schema = dict[str, Any]

PATH = "grammar/workflow.schema.json"
"""Where the generated file stands in a checkout."""

_DURATION = r"^(?=\d)(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?$"
_SCALAR: Schema = {"type": ["string", "number", "boolean"]}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _mapping(value: Schema, names: Schema | None = None) -> Schema:
    mapping: Schema = {"type": "object", "minProperties": 1}
    if names:
        mapping["propertyNames"] = names
    return {**mapping, "additionalProperties": value}


def _list(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


_KINDS: dict[Kind, Schema] = {
    Kind.NAME: _ref("name"),
    Kind.TEXT: _SCALAR,
    Kind.EXPRESSION: _ref("expression"),
    Kind.TEMPLATE: _ref("template"),
    Kind.MESSAGE: {"oneOf": [_ref("template"), {"type": "null"}]},
    Kind.SQL: {"type": "string"},
    Kind.FILE: {"type": "string", "pattern": "^[^/\\\\~]"},
    Kind.REQUEST: {"type": "string", "pattern": rf"^\s*({'|'.join(METHODS)})\s+\S"},
    Kind.DURATION: _ref("duration"),
    Kind.TIMEOUT: _ref("duration"),
    Kind.DELAY: {"type": "string"},
    Kind.TYPE: _ref("type"),
    Kind.INPUTS: _mapping({"type": "string"}, _ref("name")),
    Kind.VALUE: {"not": {"type": "null"}},
    Kind.RESULT: {},
    Kind.HEADERS: _mapping(_ref("template")),
    Kind.BINDINGS: _mapping(
        {"oneOf": [_ref("expression"), {"type": "null"}]}, _ref("name")
    ),
    Kind.STEPS: _ref("steps"),
    Kind.ARMS: _list(_ref("arm")),
    Kind.BRANCHES: _mapping(_ref("steps"), _ref("name")),
    Kind.EXPECT: {"enum": list(EXPECTATIONS)},
    Kind.EFFECTS: {"enum": list(EFFECTS)},
    Kind.RETRY: {"oneOf": [{"type": "integer", "minimum": 1}, _ref("retry")]},
    Kind.COUNT: {"type": "integer", "minimum": 1},
    Kind.FACTOR: {"type": "number", "minimum": 1},
    Kind.FLAG: {"type": "boolean"},
    Kind.CONDITIONS: _list({"type": ["string", "integer"]}),
    Kind.NOTHING: {"type": "null"},
    Kind.LIMIT: _ref("duration"),
    Kind.CASES: _mapping(_ref("steps")),
    Kind.EACH: {
        "type": "string",
        "pattern": rf"^\s*{NAME_PATTERN}\s+in\s+{NAME_PATTERN}",
    },
    Kind.COLUMNS: _mapping({"not": {"type": "null"}}, _ref("name")),
    Kind.CRON: {"type": "string"},
    Kind.ZONE: {"type": "string"},
    Kind.ARGUMENTS: _mapping({}, _ref("name")),
    Kind.FORM: _mapping(_ref("template")),
    Kind.PARTS: _mapping({"oneOf": [_ref("template"), _ref("part")]}),
    Kind.STATUSES: {
        "oneOf": [
            {"type": ["integer", "string"]},
            _list({"type": ["integer", "string"]}),
        ]
    },
    Kind.TYPES: _mapping(_ref("type"), _ref("name")),
    Kind.RETRIES: _mapping(_ref("retry"), _ref("name")),
    Kind.OVERLAP: {"enum": list(OVERLAPS)},
    Kind.CONCURRENCY: {
        "oneOf": [{"type": "integer", "minimum": 1}, _ref("concurrency")]
    },
    Kind.IDENTIFIER: {"type": "string"},
    Kind.SCHEMAS: {"oneOf": [{"type": "string"}, _list({"type": "string"})]},
}


def workflow_schema() -> Schema:
    """Return the schema of a workflow file."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Perdure workflow",
        **_object(WORKFLOW),
        "$defs": {
            "name": {
                "type": "string",
                "pattern": f"^{NAME_PATTERN}$",
                "maxLength": MAX_NAME,
            },
            "expression": _SCALAR,
            "template": _SCALAR,
            "duration": {"type": "string", "pattern": _DURATION},
            "type": {
                "oneOf": [
                    {"type": "string"},
                    _mapping(_ref("type")),
                    {**_list(_ref("type")), "maxItems": 1},
                    {
                        "type": "array",
                        "items": {"oneOf": [_ref("type"), {"type": "null"}]},
                        "minItems": 2,
                        "maxItems": 2,
                    },
                ]
            },
            "retry": _object(RETRY),
            "arm": _object(ARM),
            "part": _object(PART),
            "concurrency": _object(CONCURRENCY),
            "steps": _list(_ref("step")),
            "step": {
                "oneOf": [_one_word(), *(_ref(f"step_{kind.name}") for kind in STEPS)]
            },
            **{f"step_{kind.name}": _step(kind) for kind in STEPS},
        },
    }


def schema_text() -> str:
    """Return the text of the schema's file."""
    return json.dumps(workflow_schema(), indent=2, ensure_ascii=False) + "\n"


def _one_word() -> Schema:
    return {"enum": [kind.name for kind in STEPS if kind.bare]}


def _step(kind: StepKind) -> Schema:
    return {"description": kind.doc, **_object((*kind.keys, *COMMON))}


def _object(keys: Iterable[Key]) -> Schema:
    present = list(keys)
    return {
        "type": "object",
        "properties": {
            key.name: {"description": key.doc, **_KINDS[key.kind]} for key in present
        },
        "required": [key.name for key in present if key.required],
        "additionalProperties": False,
    }
