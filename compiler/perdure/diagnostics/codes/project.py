"""18x: the project around the workflow files."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF181",
        slug="configuration",
        summary="the configuration of the project can't be used",
        what="`perdure.toml`, or the table `[tool.perdure]` of `pyproject.toml`, has "
        "a key that is not known, a value of the wrong kind, or names a file that "
        "does not exist.",
        why="A mistyped key would otherwise be passed over, and the project would "
        "be checked against another schema than its author believes.",
        wrong='shcema = "schema.sql"',
        right='schema = "schema.sql"',
    ),
    Code(
        code="WF182",
        slug="no-such-file",
        summary="a file that was named can't be read",
        what="A path on the command line, or the folder of workflows, does not exist "
        "or can't be read.",
        why="Nothing can be checked that can't be read.",
        wrong="perdure check workflow/order.yaml",
        right="perdure check workflows/order.yaml",
    ),
    Code(
        code="WF183",
        slug="duplicate-workflow",
        summary="two files define a workflow of the same name",
        what="The name of a workflow is unique in a project.",
        why="The name is the name of the function that starts it.",
        wrong="# a.yaml and b.yaml both say\nworkflow: order_approval",
        right="# b.yaml\nworkflow: order_rejection",
    ),
    Code(
        code="WF184",
        slug="unused-ignore",
        summary="an ignore comment silences nothing",
        what="A comment `# perdure: ignore[...]` names a finding that is not there.",
        why="A comment that outlives its reason would hide the next mistake.",
        wrong="- sql: select 1  # perdure: ignore[WF412] checked by hand",
        right="- sql: select 1",
    ),
)
