"""The page of a diff: both graphs side by side, and nothing that is loaded."""

from __future__ import annotations

from dataclasses import dataclass
from html.parser import HTMLParser

from perdure.ir.tree import Workflow
from perdure.release import Affected, InFlight, Waiting, compare, render_html
from tests.unit.lower.workbench import Workbench

OLD = """
- name: order
  sql: select id, email from shop.orders where id = :id and email <> '<b>"&'
- if: id > 1
  then:
    - sleep: 5s
- sql: delete from shop.audit where id = 1
- return: done
"""
NEW = """
- name: order
  sql: select id, total from shop.orders where id = :id and email <> '<b>"&'
- sql: delete from shop.audit where id = 1
- if: id > 1
  then:
    - sleep: 5s
    - sql: select 1
"""


@dataclass(frozen=True)
class Unit:
    ir: Workflow | None


class Page(HTMLParser):
    """Collects the boxes of both sides, and checks that elements are closed."""

    VOID = ("meta",)

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[tuple[str, str]] = []
        self.boxes: dict[str, dict[str, str]] = {"before": {}, "after": {}}
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        own = {name: value or "" for name, value in attrs}
        self.tags.add(tag)
        self.attributes |= set(own)
        if tag not in self.VOID:
            self.open.append((tag, own.get("class", "")))
        if own.get("class", "").startswith("step"):
            side = next(c for _, c in reversed(self.open) if c in self.boxes)
            self.boxes[side][own["data-path"]] = own["class"].removeprefix("step")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def page(bench: Workbench) -> str:
    before = {"demo": Unit(bench.ir(OLD))}
    after = {"demo": Unit(bench.ir(NEW))}
    wait = Waiting("signal", "go", "steps[1]", "w.yaml:3", 2)
    runs = Affected(InFlight("demo", 1, 2, (wait,)), ("2 runs stay <there>",))
    return render_html(compare(before, after), before, after, [runs])


def test_both_graphs_have_their_steps_with_what_became_of_them(
    bench: Workbench,
) -> None:
    read = Page(page(bench))
    assert read.open == []
    assert {path: mark.strip() for path, mark in read.boxes["before"].items()} == {
        "steps[0]": "changed",
        "steps[1]": "",
        "steps[1].then[0]": "",
        "steps[2]": "moved",
        "steps[3]": "removed",
    }
    assert {path: mark.strip() for path, mark in read.boxes["after"].items()} == {
        "steps[0]": "changed",
        "steps[1]": "moved",
        "steps[2]": "",
        "steps[2].then[0]": "",
        "steps[2].then[1]": "added",
    }
    assert "email <> '<b>\"&'" in read.text
    assert "2 runs stay <there>" in read.text


def test_the_page_loads_and_runs_nothing(bench: Workbench) -> None:
    text = page(bench)
    read = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & read.tags
    assert not {"src", "href", "srcset"} & read.attributes
    assert not any(each.startswith("on") for each in read.attributes)
    assert "url(" not in text
    assert "@import" not in text


def test_a_page_without_differences(bench: Workbench) -> None:
    same = {"demo": Unit(bench.ir(OLD))}
    assert "No differences." in Page(render_html(compare(same, same), same, same)).text
    other_types = compare(same, same, recompiled=["demo"])
    assert "the schema gives" in Page(render_html(other_types, same, same)).text


def test_what_did_not_compile_was_there(bench: Workbench) -> None:
    before, after = {"demo": Unit(None)}, {"demo": Unit(bench.ir(OLD))}
    text = Page(render_html(compare(before, after), before, after)).text
    assert "what it was does not compile" in text
    assert "not there" not in text
    assert "not there" in Page(render_html(compare({}, after), {}, after)).text
