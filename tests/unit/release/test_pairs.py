"""Which step a reviewer takes for which, when steps have no names or other ones."""

from __future__ import annotations

import pytest

from perdure.release import compare, render_text
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_diff import Unit, difference, steps

CHECK = "- sql: update shop.orders set status = 'check' where id = :id\n"
CHECK_LESS = CHECK.replace(":id", ":id and id < 100")
NOTE = "- sql: insert into shop.audit (what) values ('seen') on conflict do nothing\n"
APPROVE = (
    "- sql: update shop.orders set status = 'approved' where id = :id and id > 1\n"
)
ACCEPT = APPROVE.replace("approved", "accepted")
CLEAN = "- sql: delete from shop.audit where what = 'old'\n"
CLEAN_MORE = CLEAN.replace("old", "older")
ORDER = "- name: order\n  sql: select id, email from shop.orders where id = :id\n"
HEAD = ORDER.replace("name: order", "name: head").replace("email", "email, total")
END = "- return: done\n"


def block(condition: str, *inside: str) -> str:
    """Return an `if` with steps."""
    lines = "".join(inside).splitlines(keepends=True)
    return f"- if: {condition}\n  then:\n" + "".join("    " + each for each in lines)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            CHECK + APPROVE + CLEAN + END,
            CHECK_LESS + NOTE + ACCEPT + CLEAN_MORE + END,
            [
                ("changed", "sql", "steps[0]", "steps[0]"),
                ("added", "sql", None, "steps[1]"),
                ("changed", "sql", "steps[1]", "steps[2]"),
                ("changed", "sql", "steps[2]", "steps[3]"),
            ],
            id="one is inserted among steps that changed",
        ),
        pytest.param(
            CHECK + NOTE + APPROVE + END,
            CHECK_LESS + ACCEPT + END,
            [
                ("changed", "sql", "steps[0]", "steps[0]"),
                ("removed", "sql", "steps[1]", None),
                ("changed", "sql", "steps[2]", "steps[1]"),
            ],
            id="one is taken out, and told where it stood",
        ),
        pytest.param(
            ORDER + CLEAN + END,
            HEAD + NOTE + CLEAN + END,
            [
                ("changed", "head", "steps[0]", "steps[0]"),
                ("added", "sql", None, "steps[1]"),
            ],
            id="another name, and other columns",
        ),
        pytest.param(
            "- sleep: 5s\n" + CLEAN + END,
            NOTE + "- sleep: 6s\n" + CLEAN + END,
            [
                ("added", "sql", None, "steps[0]"),
                ("changed", "sleep", "steps[0]", "steps[1]"),
            ],
            id="what has no words in common, between the same neighbours",
        ),
        pytest.param(
            CHECK + NOTE + END,
            CHECK + "- sql: select count(*) from shop.orders\n" + END,
            [
                ("removed", "sql", "steps[1]", None),
                ("added", "sql", None, "steps[1]"),
            ],
            id="a statement of another kind is another step",
        ),
        pytest.param(
            CLEAN + CHECK + CLEAN + NOTE + END,
            CHECK + CLEAN + NOTE + END,
            [("removed", "sql", "steps[0]", None)],
            id="of two that say the same, the first went",
        ),
        pytest.param(
            block("id > 1", CHECK, NOTE) + block("id > 7", CHECK) + END,
            block("id > 2", NOTE) + block("id > 7", CHECK) + END,
            [
                ("changed", "if", "steps[0]", "steps[0]"),
                ("removed", "sql", "steps[0].then[0]", None),
            ],
            id="a step that went from one block stays in the other one",
        ),
        pytest.param(
            block("id > 1", CHECK, NOTE) + END,
            block("id < 9 and not false", CLEAN)
            + block("id > 1000", CHECK, NOTE)
            + END,
            [
                ("added", "if", None, "steps[0]"),
                ("added", "sql", None, "steps[0].then[0]"),
                ("changed", "if", "steps[0]", "steps[1]"),
            ],
            id="a block is the one that has its steps",
        ),
    ],
)
def test_steps_are_paired_as_a_reader_would(
    bench: Workbench, old: str, new: str, expected: list[tuple[object, ...]]
) -> None:
    assert steps(difference(bench, new, old=old)) == expected


def test_an_inserted_step_is_read_as_one(bench: Workbench) -> None:
    found = difference(bench, CHECK + NOTE + ACCEPT + END, old=CHECK + APPROVE + END)
    assert render_text(found) == (
        "~ workflow demo, changed: compatible\n"
        "  interface:\n"
        "    + writes shop.audit\n"
        "      compatible: the role of the runs needs the right to write it\n"
        "  + sql, added (steps[1])\n"
        "      +insert into shop.audit (what) values ('seen') on conflict do nothing\n"
        "  ~ sql, changed (steps[2])\n"
        "       sql:\n"
        "      -update shop.orders set status = 'approved' where id = :id and id > 1\n"
        "      +update shop.orders set status = 'accepted' where id = :id and id > 1\n"
    )


def test_of_many_alike_each_keeps_its_order(bench: Workbench) -> None:
    """Each of 120 changed, and half of them went."""
    old = "".join(CHECK.replace("check", f"s{n}") for n in range(120))
    new = "".join(CHECK_LESS.replace("check", f"s{n}") for n in range(0, 120, 2))
    before, after = bench.ir(old + END), bench.ir(new + END)
    found = compare({"demo": Unit(before)}, {"demo": Unit(after)})
    changes = [each.change for each in found.workflows[0].steps]
    assert (changes.count("removed"), changes.count("changed")) == (60, 60)
    assert not any(each.moved for each in found.workflows[0].steps)
