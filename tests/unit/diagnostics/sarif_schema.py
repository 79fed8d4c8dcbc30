"""The part of SARIF 2.1.0 that we write, as a JSON Schema of our own.

The official schema is in no package of the Python index, and its text is not ours to
copy. Of each object that we write this one knows the properties that we use, with their
type, limits and necessity as the standard has them; any other property is an error
here, so that what is written next has to be entered.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string"}
COUNT = {"type": "integer", "minimum": 0}
NUMBER = {"type": "integer", "minimum": 1}


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{name}"}


def array(item: dict[str, Any], *, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "minItems": least, "items": item}


def thing(*required: str, any_of: tuple[str, ...] = (), **properties: Any) -> Any:
    schema: dict[str, Any] = {
        "type": "object",
        "required": list(required),
        "properties": properties,
        "additionalProperties": False,
    }
    if any_of:
        schema["anyOf"] = [{"required": [name]} for name in any_of]
    return schema


SARIF: dict[str, Any] = {
    **thing(
        "version",
        "runs",
        version={"enum": ["2.1.0"]},
        runs=array(ref("run")),
    ),
    "additionalProperties": TEXT,  # "$schema"
    "definitions": {
        "run": thing(
            "tool",
            tool=ref("tool"),
            results=array(ref("result")),
            columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
        ),
        "tool": thing("driver", driver=ref("toolComponent")),
        "toolComponent": thing(
            "name",
            name=TEXT,
            version=TEXT,
            rules={**array(ref("reportingDescriptor")), "uniqueItems": True},
        ),
        "reportingDescriptor": thing(
            "id",
            id=TEXT,
            name=TEXT,
            shortDescription=ref("multiformatMessageString"),
            fullDescription=ref("multiformatMessageString"),
            help=ref("multiformatMessageString"),
        ),
        "multiformatMessageString": thing("text", text=TEXT, markdown=TEXT),
        "result": thing(
            "message",
            ruleId=TEXT,
            ruleIndex={"type": "integer", "minimum": -1},
            level={"enum": ["none", "note", "warning", "error"]},
            message=ref("message"),
            locations=array(ref("location")),
            fixes={**array(ref("fix")), "uniqueItems": True},
            properties={"type": "object"},
        ),
        "message": thing(any_of=("text", "id"), text=TEXT),
        "location": thing(physicalLocation=ref("physicalLocation")),
        "physicalLocation": thing(
            any_of=("address", "artifactLocation"),
            artifactLocation=ref("artifactLocation"),
            region=ref("region"),
        ),
        "artifactLocation": thing(uri={**TEXT, "pattern": r"^[^\s\\]*$"}),
        "region": thing(
            any_of=("startLine", "charOffset", "byteOffset"),
            startLine=NUMBER,
            startColumn=NUMBER,
            endLine=NUMBER,
            endColumn=NUMBER,
            charOffset={"type": "integer", "minimum": -1},
            charLength=COUNT,
        ),
        "fix": thing(
            "artifactChanges",
            description=ref("message"),
            artifactChanges={
                **array(ref("artifactChange"), least=1),
                "uniqueItems": True,
            },
        ),
        "artifactChange": thing(
            "artifactLocation",
            "replacements",
            artifactLocation=ref("artifactLocation"),
            replacements=array(ref("replacement"), least=1),
        ),
        "replacement": thing(
            "deletedRegion",
            deletedRegion=ref("region"),
            insertedContent=ref("artifactContent"),
        ),
        "artifactContent": thing(text=TEXT),
    },
}
