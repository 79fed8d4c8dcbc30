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


BLOCKS = """
- name: rows
  sql: select id from shop.orders
- name: a
  when: id > 1
  sql: insert into shop.audit (what) values ('a') returning id
  undo: [{sql: delete from shop.audit where id = 1}]
- try:
    - switch: id
      cases:
        1: [{return: one}]
  catch: err
  do: [fail]
  finally: [{sleep: 1s}]
- foreach: r in rows
  max_parallel: 3
  do: [{sql: delete from shop.stock where id = :r.id}]
  timeout: 5s
- transaction: [{sql: select 1 as x}]
- wait_for_schedule: 0 9 * * MON
"""

BLOCKS_DRAWN = """\
flowchart TD
  n0(["demo<br>id bigint"])
  n1["sql rows<br>select id from shop.orders"]
  n2["sql a<br>insert into shop.audit (what) values ('a') returning id, wh…"]
  n3["sql<br>delete from shop.audit where id = 1"]
  n4["try<br>catch err"]
  n5{"switch<br>id"}
  n6(["return<br>#quot;one#quot;"])
  n7["fail<br>with err"]
  n8[/"sleep<br>1s"/]
  n9{"foreach<br>r in rows, max_parallel: 3, timeout: 5s"}
  n10["sql<br>delete from shop.stock where id = :r.id"]
  n11["transaction"]
  n12["sql<br>select 1 as x"]
  n13[/"wait_for_schedule<br>0 9 * * MON UTC"/]
  n14(["end"])
  n0 --> n1
  n1 --> n2
  n2 -->|"undo"| n3
  n2 --> n4
  n2 -->|"skipped"| n4
  n4 -->|"try"| n5
  n5 -->|"1"| n6
  n4 -->|"catch"| n7
  n5 -->|"default"| n8
  n8 --> n9
  n9 -->|"do"| n10
  n10 -->|"again"| n9
  n9 -->|"done"| n11
  n11 -->|"do"| n12
  n12 --> n13
  n13 --> n14
"""


def test_blocks_are_drawn_with_all_their_ways(bench: Workbench) -> None:
    assert render_mermaid(bench.ir(BLOCKS)) == BLOCKS_DRAWN


def test_the_tree_has_the_parts_of_blocks(bench: Workbench) -> None:
    nodes = tree(bench.ir(BLOCKS)).nodes
    parts = {node.kind: [part.label for part in node.parts] for node in nodes}
    assert parts["try"] == ["try", "catch", "finally"]
    assert parts["foreach"] == ["do"]
    assert [part.label for part in nodes[1].parts] == ["undo"]
    (switch,) = nodes[2].parts[0].nodes
    assert [part.label for part in switch.parts] == ["1"]
