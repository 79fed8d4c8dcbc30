"""The YAML front end: a workflow file to its syntax tree, and all that is wrong in it.

    text --compose--> nodes with places --reader--> syntax tree

`language` is the one definition of what a workflow file may say; it drives the
reader, the JSON Schema (`schema`) and the reference page (`reference`).
"""

from perdure.frontend.yaml.reader import read

__all__ = ["read"]
