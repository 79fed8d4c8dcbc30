"""Workflows that know each other: what a change in one means for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from perdure.config import Config
from perdure.pipeline import Checked, Compiler, open_compiler, workflow_files

CALLED = """\
workflow: called
input: {n: integer}
steps:
  - sql: insert into shop.audit (what) values ('called ' || :n)
  - return: "${n + 1}"
"""
CALLER = """\
workflow: caller
steps:
  - name: result
    call: called
    with: {n: 1}
  - return: "${result}"
"""
OTHER = "workflow: other\nsteps: [return]\n"
RING = """\
workflow: {own}
input: {{n: integer}}
steps:
  - if: n > 0
    then:
      - call: {other}
        with: {{n: "${{n - 1}}"}}
"""


Write = Callable[[str, str], Path]


@pytest.fixture
def write(project: Config) -> Write:
    def write(name: str, text: str) -> Path:
        path = project.workflows / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


@contextmanager
def opened(project: Config, state: Path) -> Iterator[Compiler]:
    with open_compiler(project, state_dir=state) as compiler:
        yield compiler


def check(project: Config, state: Path, *files: Path) -> Checked:
    with opened(project, state) as compiler:
        return compiler.check(files or workflow_files(project))


def digests(checked: Checked) -> dict[str | None, str | None]:
    return {unit.name: unit.digest for unit in checked.units}


def codes(checked: Checked) -> list[str]:
    return [each.code for each in checked.findings]


def test_a_change_in_a_called_workflow_changes_its_callers(
    project: Config, state: Path, write: Write
) -> None:
    write("called", CALLED)
    write("caller", CALLER)
    write("other", OTHER)
    before = digests(check(project, state))
    assert digests(check(project, state)) == before
    write("called", CALLED.replace("n + 1", "n + 2"))
    after = digests(check(project, state))
    changed = {name for name in after if after[name] != before[name]}
    assert changed == {"called", "caller"}
    write("called", CALLED.replace("{n:", "# a comment\n  {n:"))
    assert digests(check(project, state)) == before


def test_a_change_in_a_ring_changes_all_of_it(
    project: Config, state: Path, write: Write
) -> None:
    write("one", RING.format(own="one", other="two"))
    write("two", RING.format(own="two", other="one"))
    write("caller", CALLER.replace("called", "one"))
    before = digests(check(project, state))
    assert None not in before.values()
    write("two", RING.format(own="two", other="one").replace("n > 0", "n > 1"))
    after = digests(check(project, state))
    assert all(after[name] != before[name] for name in ("one", "two", "caller"))


def test_a_workflow_that_comes_later_is_found(
    project: Config, state: Path, write: Write
) -> None:
    write("caller", CALLER)
    assert codes(check(project, state)) == ["WF241"]
    write("called", CALLED)
    assert codes(check(project, state)) == []


def test_errors_of_a_called_workflow_are_told_once(
    project: Config, state: Path, write: Write
) -> None:
    write("called", CALLED.replace("n + 1", "m + 1"))
    caller = write("caller", CALLER)
    alone = check(project, state, caller)
    assert codes(alone) == ["WF201"]
    assert alone.failed
    assert digests(alone) == {"caller": None}
    assert codes(check(project, state)) == ["WF201"]
    write("called", CALLED)
    assert codes(check(project, state, caller)) == []


def test_a_release_pins_versions(project: Config, state: Path, write: Write) -> None:
    write("called", CALLED.replace("workflow: called", "workflow: called\ntimeout: 1h"))
    write("caller", CALLER)
    with opened(project, state) as compiler:
        release = compiler.release(compiler.check(workflow_files(project)))
        project.lock.write_text(release.lock)
        project.migrations.mkdir()
        for name, text in release.files.items():
            (project.migrations / name).write_text(text)
    ups = {each.name: each.up for each in release.versions}
    assert "select workflows.called_v1(n => " in ups["caller"]
    write(
        "called",
        CALLED.replace("workflow: called", "workflow: called\ntimeout: 2h"),
    )
    with opened(project, state) as compiler:
        release = compiler.release(compiler.check(workflow_files(project)))
    ups = {f"{each.name}@{each.version}": each.up for each in release.versions}
    assert set(ups) == {"called@2", "caller@2"}
    assert "select workflows.called_v2(n => " in ups["caller@2"]


def test_the_shared_file_changes_what_uses_it(
    project: Config, state: Path, write: Write
) -> None:
    write("shared", "retries:\n  gentle: 3\n")
    write("other", OTHER)
    write(
        "user",
        "workflow: user\nsteps:\n"
        "  - {sql: insert into shop.audit (what) values ('x'), retry: gentle}\n",
    )
    before = digests(check(project, state))
    assert set(before) == {"other", "user"}
    write("shared", "retries:\n  gentle: 5\n")
    after = digests(check(project, state))
    assert after["user"] != before["user"]
    assert after["other"] == before["other"]
