"""The digest: what changes it, and what does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from perdure.ir.digest import digest

if TYPE_CHECKING:
    from tests.unit.resolve.conftest import Resolve

BASE = """
input: {id: bigint, limit: numeric = 10}
steps:
  - name: order
    sql: select id, total from shop.orders where id = :id
    expect: one
  - if: order.total > limit
    then: [{return: {status: large}}]
  - sleep: 5s
"""

SAME = {
    "comments and layout": """
# a comment
description: what it does
input:
  id: int8
  limit: decimal = 10
steps:
  - sql: |
      -- the order
      select id,   total
        from shop . orders /* all */
       where id = :id;
    name: order
    expect: one
  - if: (order.total)>limit
    description: large
    then:
      - return:
          status: "large"
  - sleep: 5000ms
""",
}

OTHER = {
    "another token": BASE.replace("where id =", "where id <>"),
    "another case of a word": BASE.replace("select id", "SELECT id"),
    "another literal": BASE.replace("status: large", "status: Large"),
    "another default": BASE.replace("= 10", "= 11"),
    "another type": BASE.replace("id: bigint", "id: integer"),
    "another duration": BASE.replace("5s", "6s"),
    "another name of a step": BASE.replace("order", "bill").replace("bills", "orders"),
    "without expect": BASE.replace("    expect: one\n", "    expect: maybe\n"),
    "another condition": BASE.replace("total >", "total >="),
    "another order": BASE.replace("  - sleep: 5s\n", "").replace(
        "  - if", "  - sleep: 5s\n  - if"
    ),
    "one step more": BASE + "  - sleep: 5s\n",
    "a retry": BASE.replace("expect: one", "expect: one\n    retry: 2"),
    "a when": BASE.replace("  - sleep: 5s", "  - when: id > 1\n    sleep: 5s"),
    "a timeout": BASE.replace("expect: one", "expect: one\n    timeout: 5s"),
    "an undo": BASE.replace("expect: one", "expect: one\n    undo: [{sleep: 1s}]"),
    "a space inside a literal": BASE.replace(":id\n", ":id and email <> 'a b'\n"),
}


@pytest.mark.parametrize("body", SAME.values(), ids=SAME)
def test_looks_do_not_matter(resolved: Resolve, body: str) -> None:
    assert digest(resolved(body).workflow) == digest(resolved(BASE).workflow)


@pytest.mark.parametrize("body", OTHER.values(), ids=OTHER)
def test_behaviour_matters(resolved: Resolve, body: str) -> None:
    assert body != BASE
    assert digest(resolved(body).workflow) != digest(resolved(BASE).workflow)


def test_a_literal_keeps_its_spaces(resolved: Resolve) -> None:
    one = "steps: [{sql: delete from shop.audit where what = 'a b'}]"
    other = one.replace("a b", "a  b")
    assert digest(resolved(one).workflow) != digest(resolved(other).workflow)


def test_is_a_known_hash(resolved: Resolve) -> None:
    value = digest(resolved(BASE).workflow)
    assert len(value) == 64
    assert int(value, 16) >= 0
    assert value == digest(resolved(BASE).workflow)
