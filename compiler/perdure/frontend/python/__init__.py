"""The Python front end: the workflows of a file to their syntax trees.

    text --ast--> Python's tree --reader--> syntax trees
           \\--module--> what the module holds: constants, types, shapes

A workflow's function is never executed. Its statements become steps, its expressions
those of the language, and names that it does not bind are constants of the module,
which is imported to read them. Keys, kinds of values and step kinds come from the one
definition of the language, `frontend.yaml.language`.
"""

from perdure.frontend.python.differences import report_varying
from perdure.frontend.python.forgotten import forgotten_workflows
from perdure.frontend.python.module import Module, load_module
from perdure.frontend.python.reader import read, read_file

__all__ = [
    "Module",
    "forgotten_workflows",
    "load_module",
    "read",
    "read_file",
    "report_varying",
]
