"""The syntax tree: what a workflow file says, before any name is looked up.

Both front ends build this tree. Every node keeps its place in the file; places never
take part in equality.
"""
