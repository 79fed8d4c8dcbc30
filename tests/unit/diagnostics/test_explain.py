"""Pages of the registry."""

from __future__ import annotations

import re

import pytest

from perdure.diagnostics.codes import REGISTRY
from perdure.diagnostics.explain import codes_page, explain
from tests.architecture.project import ROOT

PAGE = ROOT / "docs" / "errors.md"


def test_a_page_as_text() -> None:
    assert (
        explain("WF163")
        == """\
WF163: SQL text refers to a parameter by number

$1 and the like are parameters of prepared statements, which a step does not
have.

A value is referred to by its name, and gets its type from there.

Wrong:

    - sql: select id from shop.orders where id = $1

Right:

    - sql: select id from shop.orders where id = :order_id"""
    )


def test_there_is_no_page_of_an_unknown_code() -> None:
    with pytest.raises(KeyError):
        explain("WF000")


@pytest.mark.parametrize("code", REGISTRY)
def test_a_page_fits_a_terminal(code: str) -> None:
    assert max(map(len, explain(code).splitlines())) <= 100


def test_the_page_of_all_codes_leads_to_each() -> None:
    page = codes_page()
    headings = re.findall(r"^### (.*)$", page, re.MULTILINE)
    anchors = {
        re.sub(r"[^\w -]", "", each.lower()).replace(" ", "-") for each in headings
    }
    links = re.findall(r"\]\(#([^)]*)\)", page)
    assert len(links) == len(REGISTRY)
    assert set(links) == anchors
    assert [each[:5] for each in headings] == sorted(REGISTRY)


def test_the_page_in_the_docs_is_current(accept: bool) -> None:
    """Run `pytest --accept` to write it."""
    if accept:
        PAGE.write_text(codes_page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == codes_page()
