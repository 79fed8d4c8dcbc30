"""The tools' own files after a merge, and the files of the layout before."""

from __future__ import annotations

import re

import pytest

from perdure.release.intact import place_of
from perdure.release.layouts import LAYOUTS, Folder, UnusableFolder, Written
from tests.unit.lower.workbench import Workbench
from tests.unit.release.test_plan import NOW, ONE, TWO, Project, candidate, codes
from tests.unit.release.test_reversal import rolled_back

PAST = [
    Written("ask", "ask_v1@2026-01-02T03:04:05Z", "ask, version 1"),
    Written("hello", "hello_v1@2026-01-02T03:04:05Z", "hello, version 1"),
    Written("hello", "hello_v2@2026-01-05T00:00:00Z", "hello, version 2"),
]
SECOND = (
    "hello_v2 2026-01-05T00:00:00Z Perdure <perdure@localhost> # hello, version 2\n"
)
MINE = "users 2026-01-01T00:00:00Z Me <me@shop.example> # mine\n"
PLAN = f"""\
%syntax-version=1.0.0
%project=shop

{MINE}
hello_v1 2026-01-02T03:04:05Z Perdure <perdure@localhost> # hello, version 1
ask_v1 2026-01-02T03:04:05Z Perdure <perdure@localhost> # ask, version 1
@v1.0 2026-01-03T00:00:00Z Me <me@shop.example> # out
# who orders
orders [users] 2026-01-04T00:00:00Z Me <me@shop.example> # mine, 2026-01-09T00:00:00Z
{SECOND}"""


def mended(plan: str) -> str:
    scripts = {"deploy/ask_v1.sql": "select workflows.hello_v1()"}
    folder = Folder({"sqitch.plan": plan, **scripts}, NOW)
    return LAYOUTS["sqitch"].mended(folder, PAST)["sqitch.plan"]


@pytest.mark.parametrize(
    "lost", [("hello_v1",), ("ask_v1",), ("hello_v2",), ("ask_v1", "hello_v1")]
)
def test_a_lost_line_of_the_plan_comes_back_where_it_was(lost: tuple[str, ...]) -> None:
    lines = PLAN.splitlines(keepends=True)
    plan = "".join(line for line in lines if not line.startswith(lost))
    assert plan != PLAN
    assert mended(plan) == mended(PLAN) == PLAN


def test_a_plan_that_lost_all_gets_the_blank_line_that_sqitch_wants() -> None:
    own = [line for line in PLAN.splitlines() if "Perdure" in line]
    assert mended("%project=shop\n").splitlines() == ["%project=shop", "", *own]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (MINE, f"<<<<<<< HEAD\n{MINE}", "line 4 of {} is a mark of an unresolved"),
        (MINE, f"{MINE}=======\n", "line 5 of {} is a mark of an unresolved merge"),
        ("hello_v1", "hello_v3", "line 6 of {} has hello_v3, and the lock does not"),
        ("ask_v1", "hello_v2", "line 11 of {} has hello_v2, a second time"),
        (
            f"{PLAN[PLAN.index(MINE) :]}",
            SECOND + PLAN[PLAN.index(MINE) :].removesuffix(SECOND),
            "line 4 of {} has hello_v2, and hello_v1, which the lock has before it, "
            "comes in line 7",
        ),
    ],
)
def test_what_only_a_person_can_put_right_in_the_plan_is_an_error(
    old: str, new: str, message: str
) -> None:
    expected = re.escape(message.format('"sqitch.plan"'))
    with pytest.raises(UnusableFolder, match=expected) as raised:
        mended(PLAN.replace(old, new, 1))
    assert raised.value.help


LISTS = {"sqitch": "sqitch.plan", "atlas": "atlas.sum"}


def listed(bench: Workbench, layout: str) -> Project:
    """Return a project with two versions and a rollback, and a file of the user's."""
    project = Project(layout)
    project.files |= {"sqitch.plan": "%project=shop\n", "20250101000000_users.sql": ""}
    project.write(candidate(bench, ONE))
    project.write(candidate(bench, TWO))
    rolled_back(project)
    return project


@pytest.mark.parametrize("layout", LISTS)
def test_compile_puts_the_list_right_with_nothing_else_to_write(
    bench: Workbench, layout: str
) -> None:
    project, name = listed(bench, layout), LISTS[layout]
    whole = project.files[name]
    same = candidate(bench, ONE)
    assert not project.plan(same).changes
    for at, line in enumerate(lines := whole.splitlines(keepends=True)):
        if "demo" in line:
            project.files[name] = "".join([*lines[:at], *lines[at + 1 :]])
            release = project.plan(same)
            assert (release.files, release.versions) == ({name: whole}, ())


def test_a_sum_with_marks_or_gone_is_computed_again(bench: Workbench) -> None:
    project = listed(bench, "atlas")
    whole = project.files.pop("atlas.sum")
    assert project.plan(candidate(bench, ONE)).files == {"atlas.sum": whole}
    project.files["atlas.sum"] = f"<<<<<<< HEAD\n{whole}=======\n>>>>>>> main\n"
    assert project.plan(candidate(bench, ONE)).files == {"atlas.sum": whole}


def test_a_sum_stands_with_other_ends_of_lines(bench: Workbench) -> None:
    project = listed(bench, "atlas")
    sql = {name: e for name, e in project.files.items() if name.endswith(".sql")}
    project.files |= {name: e.replace("\n", "\r\n") for name, e in sql.items()}
    assert not project.plan(candidate(bench, ONE)).changes


@pytest.mark.parametrize("text", ["<<<<<<< HEAD\n%project=shop\n", None])
def test_a_plan_in_conflict_stops_versions_and_rollbacks(
    bench: Workbench, text: str | None
) -> None:
    project = listed(bench, "sqitch")
    del project.files["sqitch.plan"]
    project.files |= {"sqitch.plan": text} if text else {}
    release = project.plan(candidate(bench, TWO, inputs="other: bigint"))
    assert (codes(release), release.files) == (["WF707"], {})
    assert release.findings[0].help


# --- another tool ---------------------------------------------------------------------

RUN = {
    "supabase": {"plain", "golang-migrate", "django", "dbmate", "goose"},
    "atlas": {"plain", "golang-migrate", "flyway", "alembic", "django"}
    | {"dbmate", "goose"},
}
REFUSED = {
    "dbmate": {"plain", "golang-migrate", "django", "goose", "supabase", "atlas"}
    | {"alembic"},  # some of the revisions begin with a digit
    "goose": LAYOUTS.keys() - {"goose", "sqitch"},
    "alembic": {"django"},
    "django": {"alembic"},
}


@pytest.mark.parametrize("after", LAYOUTS)
@pytest.mark.parametrize("before", LAYOUTS)
def test_a_tool_that_would_misread_the_files_of_another_is_not_let_at_them(
    bench: Workbench, before: str, after: str
) -> None:
    project = listed(bench, before)
    project.layout = LAYOUTS[after]
    release = project.plan(candidate(bench, "- return: 3"))
    if before not in RUN.get(after, set()) | REFUSED.get(after, set()):
        assert codes(release) == []
        return
    assert (codes(release), release.files) == (["WF711"], {})
    does = "run what leads down" if after in RUN else "refuses the folder"
    assert does in release.findings[0].message
    assert f'a folder "{before}"' in (release.findings[0].help or "")


@pytest.mark.parametrize(
    ("before", "after"),
    [("plain", "atlas"), ("dbmate", "goose"), ("alembic", "django")],
)
def test_moved_out_of_the_way_they_are_still_known(
    bench: Workbench, before: str, after: str
) -> None:
    project = listed(bench, before)
    ours = {name for each in project.lock.everything for name, _ in each.files}
    for name in ours:
        project.files[f"{before}/{name}"] = project.files.pop(name)
    project.layout = LAYOUTS[after]
    files = project.write(candidate(bench, "- return: 3"))
    assert not any(name in text for name in ours for text in files.values())
    assert not project.plan(candidate(bench, "- return: 3")).changes
    first = project.lock.entries[0]
    name = place_of(first, first.files[0][0], project.files)
    assert name.startswith(f"{before}/")
    project.files[name] += "-- edited"
    assert codes(project.plan(candidate(bench, "- return: 3"))) == ["WF701"]
