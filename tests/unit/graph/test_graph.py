"""Drawings: the tree of labels, mermaid, dot."""

from __future__ import annotations

from perdure.graph import render_dot, render_mermaid, tree
from tests.unit.lower.workbench import Workbench

STEPS = """
- name: order
  sql: select id, email from shop.orders where id = :id
- if: order.email = 'a "b" <c>'
  then:
    - return: {status: rejected}
- loop:
    - if: id > 1
      then: [break]
    - sleep: 1m30s
- parallel:
    a: [{sleep: 1s}]
    b: [{http: GET https://example.com}]
"""

MERMAID = """\
flowchart TD
  n0(["demo<br>id bigint"])
  n1["sql order<br>select id, email from shop.orders where id = :id"]
  n2{"if<br>order.email = 'a #quot;b#quot; #lt;c#gt;'"}
  n3(["return<br>{status: #quot;rejected#quot;}"])
  n4{"loop"}
  n5{"if<br>id #gt; 1"}
  n6["break"]
  n7[/"sleep<br>1m30s"/]
  n8[["parallel"]]
  n9[/"sleep<br>1s"/]
  n10["http<br>GET https://example.com"]
  n11[["all"]]
  n12(["end"])
  n0 --> n1
  n1 --> n2
  n2 -->|"then"| n3
  n2 -->|"else"| n4
  n4 -->|"do"| n5
  n5 -->|"then"| n6
  n5 -->|"else"| n7
  n7 -->|"again"| n4
  n6 --> n8
  n8 -->|"a"| n9
  n8 -->|"b"| n10
  n9 --> n11
  n10 --> n11
  n11 --> n12
"""


def test_mermaid(bench: Workbench) -> None:
    assert render_mermaid(bench.ir(STEPS)) == MERMAID


def test_dot_has_the_same_arrows(bench: Workbench) -> None:
    dot = render_dot(bench.ir(STEPS))
    assert dot.startswith('digraph "demo" {\n')
    assert dot.count(" -> ") == MERMAID.count("-->")
    assert r'label="if\norder.email = ' in dot
    assert r"\"b\"" in dot


def test_the_tree_has_every_step_with_its_path(bench: Workbench) -> None:
    drawn = tree(bench.ir(STEPS))
    assert (drawn.name, drawn.inputs) == ("demo", ("id bigint",))
    order, choice, loop, parallel = drawn.nodes
    assert (order.kind, order.name) == ("sql", "order")
    assert [(p.label, p.nodes[0].path) for p in choice.parts] == [
        ("then", "steps[1].then[0]")
    ]
    assert loop.parts[0].nodes[1].text == "1m30s"
    assert [part.label for part in parallel.parts] == ["a", "b"]


def test_long_texts_are_cut(bench: Workbench) -> None:
    (node,) = tree(bench.ir(f"- fail: {'x' * 200}")).nodes
    assert len(node.text) == 60
    assert node.text.endswith("…")
