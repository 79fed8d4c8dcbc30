"""Drawings of a workflow: a tree for the terminal, mermaid, dot."""

from perdure.graph.render import render_dot, render_mermaid
from perdure.graph.tree import Part, Tree, TreeNode, tree

__all__ = ["Part", "Tree", "TreeNode", "render_dot", "render_mermaid", "tree"]
