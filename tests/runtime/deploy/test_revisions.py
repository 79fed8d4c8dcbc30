"""`diff` and `verify` against a revision of git: what they print, how they exit."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from perdure.release.rules import Effect, at_least
from tests.runtime.deploy.conftest import caller, make_project

SCHEMA = """\
create schema shop;
create table shop.orders (id bigint primary key, email text, total numeric not null);
create function shop.tax(amount numeric) returns numeric immutable
  language sql as 'select amount * 0.2';
"""
WORKFLOW = """\
workflow: tell
input:
  id: bigint
steps:
  - name: order
    sql: select email, shop.tax(total) as tax from shop.orders where id = :id
    expect: one
  - return: {tax: "${order.tax}"}
"""
Perdure = Callable[..., Any]


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    return make_project(tmp_path, postgres, WORKFLOW, SCHEMA)


@pytest.fixture
def perdure(project: Path, monkeypatch: pytest.MonkeyPatch) -> Perdure:
    """Compile and commit the project, and return what calls the command line."""
    monkeypatch.setenv("NO_COLOR", "1")
    call = caller(project)
    call("compile")
    commit(project)
    return call


def commit(project: Path) -> None:
    who = {f"GIT_{each}_{what}": "x" for each in ("AUTHOR", "COMMITTER")
           for what in ("NAME", "EMAIL")}  # fmt: skip
    for words in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "x")):
        environ = {**os.environ, **who}
        subprocess.run(["git", "-C", project, *words], check=True, env=environ)


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_exit_codes(perdure: Perdure, project: Path) -> None:
    perdure("diff", "HEAD", "--detailed-exitcode", "--fail-on", "metadata")
    file = project / "workflows" / "tell.yaml"
    rewrite(file, "id: bigint", "id: bigint\n  note: text")
    done = perdure("diff", "HEAD", "--json", "--detailed-exitcode", code=2)
    assert json.loads(done.stdout)["effect"] == "breaking"
    perdure("diff", "--fail-on", "breaking", "--detailed-exitcode", code=1)
    rewrite(file, "note: text", "note: text?")
    perdure("diff", "--fail-on", "breaking")


@pytest.mark.parametrize(
    ("effect", "codes"),
    [
        ("metadata", (1, 0, 0)),
        ("compatible", (1, 1, 0)),
        ("breaking", (1, 1, 1)),
        (None, (0, 0, 0)),
    ],
)
def test_what_fails(effect: Effect | None, codes: tuple[int, int, int]) -> None:
    limits: tuple[Effect, ...] = ("metadata", "compatible", "breaking")
    assert tuple(int(at_least(effect, limit)) for limit in limits) == codes


def test_with_detailed_exit_codes_an_error_is_one(
    perdure: Perdure, project: Path
) -> None:
    done = perdure("diff", "nothing", "--detailed-exitcode", code=1)
    assert 'git knows no revision "nothing"' in done.stderr
    perdure("diff", "nothing", code=2)
    rewrite(project / "workflows" / "tell.yaml", "email", "nonsense")
    perdure("diff", "--detailed-exitcode", code=1)


def test_a_workflow_that_was_renamed(perdure: Perdure, project: Path) -> None:
    rewrite(project / "workflows" / "tell.yaml", "workflow: tell", "workflow: say")
    (project / "workflows" / "tell.yaml").rename(project / "workflows" / "say.yaml")
    done = perdure("diff", "HEAD").stdout
    assert done.startswith("~ workflow say, renamed from tell: breaking\n")
    page = perdure("diff", "HEAD", "--format", "html").stdout
    assert page.startswith("<!DOCTYPE html>")
    assert '<section id="say">' in page


def test_what_does_not_fit_the_schema_any_more_is_compared_under_its_own(
    perdure: Perdure, project: Path
) -> None:
    rewrite(project / "schema.sql", "email text", "mail text")
    rewrite(project / "workflows" / "tell.yaml", "select email", "select mail")
    done = perdure("diff")
    assert done.stdout.startswith("~ workflow tell, changed: breaking\n  what it was")
    assert done.stderr == ""
    assert "\n      -select email, shop.tax" in perdure("diff", "HEAD").stdout


def test_only_what_the_change_breaks_is_an_error(
    perdure: Perdure, project: Path
) -> None:
    assert perdure("verify").stdout == "good: 1 version fits the schema\n"
    assert "good" in perdure("verify", "--against", "HEAD").stdout
    rewrite(project / "schema.sql", "email text, ", "")
    done = perdure("verify", "--against", "HEAD", code=1).stdout
    assert done.startswith('error[WF513]: tell@1: column "email" does not exist\n')
    assert "workflows/tell.yaml:6, as it was compiled, step order" in done
    assert "compile a version that fits" in done
    perdure("verify", code=1)
    perdure("verify", "--against", "HEAD", "--db", "postgresql://x", code=2)
    commit(project)
    done = perdure("verify", "--against", "HEAD").stdout
    assert done.startswith("warning[WF513]")
    assert "it was not good before, either" in done


def test_a_version_made_since_has_the_types_that_it_was_compiled_with(
    perdure: Perdure, project: Path
) -> None:
    rewrite(project / "schema.sql", "email text", "email varchar(80)")
    rewrite(project / "workflows" / "tell.yaml", "id: bigint", "id: bigint\n  n: text?")
    perdure("compile")
    done = perdure("verify", "--against", "HEAD").stdout
    assert 'tell@1: column "email" was text' in done
    assert "tell@2" not in done
    rewrite(project / "schema.sql", "email varchar(80), ", "")
    done = perdure("verify", "--against", "HEAD", code=1).stdout
    assert 'column "email" does not exist, in 2 versions' in done


def test_a_rollback_to_what_was_not_good_before_is_an_error(
    perdure: Perdure, project: Path
) -> None:
    rewrite(project / "workflows" / "tell.yaml", "select email, ", "select ")
    rewrite(project / "schema.sql", "email text, ", "")
    perdure("compile")
    commit(project)
    assert "good before" in perdure("verify", "--against", "HEAD").stdout
    perdure("rollback", "tell")
    done = perdure("verify", "--against", "HEAD", code=1).stdout
    assert done.startswith("error[WF513]: tell@1")


def test_a_rollback_to_a_version_that_starts_what_was_not_good_is_an_error(
    perdure: Perdure, project: Path
) -> None:
    (project / "workflows" / "ask.yaml").write_text(
        "workflow: ask\nsteps:\n  - {call: tell, with: {id: 1}, retry: 2}\n"
    )
    perdure("compile")
    rewrite(project / "workflows" / "tell.yaml", "select email, ", "select ")
    rewrite(project / "schema.sql", "email text, ", "")
    perdure("compile")
    commit(project)
    assert "good before" in perdure("verify", "--against", "HEAD").stdout
    perdure("rollback", "ask")
    done = perdure("verify", "--against", "HEAD", code=1).stdout
    assert done.startswith("error[WF513]: tell@1")
    assert "new runs of ask@1 start it" in done
    assert "mend the schema, or compile a version of ask that starts one" in done


def test_an_old_version_may_have_runs_until_it_is_retired(
    perdure: Perdure, project: Path
) -> None:
    rewrite(project / "workflows" / "tell.yaml", "select email, ", "select ")
    rewrite(project / "schema.sql", "email text, ", "")
    perdure("compile")
    done = perdure("verify", "--against", "HEAD", code=1).stdout
    assert "error[WF513]: tell@1" in done
    assert "it may have runs; --db URL tells" in done
    perdure("retire", "tell@1")
    assert "good: 1 version fits" in perdure("verify").stdout


def test_functions_and_types_that_change_are_told(
    perdure: Perdure, project: Path
) -> None:
    lock = (project / "workflows.lock").read_text()
    assert 'uses = [\n  { name = "shop.tax(numeric)", digest = ' in lock
    rewrite(project / "schema.sql", "0.2", "0.3")
    rewrite(project / "schema.sql", "email text", "email varchar(9)")
    perdure("compile", "--check", code=1)  # another type is another version
    assert "the schema gives its steps other types" in perdure("diff").stdout
    assert "-column email: text?" in perdure("diff", "HEAD").stdout
    found = json.loads(perdure("verify", "--json").stdout)["findings"]
    assert [each["kind"] for each in found] == ["late-binding"]
    found = json.loads(perdure("verify", "--against", "HEAD", "--json").stdout)
    kinds = {each["kind"]: each for each in found["findings"]}
    assert set(kinds) == {"late-binding", "type"}
    assert kinds["late-binding"]["step"] == "order"
    assert "was text and is character varying" in kinds["type"]["message"]


CHILD = "workflow: ship\ninput:\n  id: bigint\nsteps:\n  - sleep: 1s\n"
PARENT = """\
workflow: order
steps:
  - start: ship
    with: {id: 1}
"""


def test_a_version_is_compiled_with_the_versions_that_it_starts(
    perdure: Perdure, project: Path
) -> None:
    folder = project / "workflows"
    (folder / "ship.yaml").write_text(CHILD)
    (folder / "order.yaml").write_text(PARENT)
    perdure("compile")
    rewrite(folder / "ship.yaml", "id: bigint", "order_id: bigint")
    rewrite(folder / "order.yaml", "id: 1", "order_id: 1")
    perdure("compile")
    assert perdure("verify").stdout == "good: 5 versions fit the schema\n"


def test_after_another_target_was_chosen_the_lock_is_still_compared_with(
    perdure: Perdure, project: Path
) -> None:
    config = project / "perdure.toml"
    config.write_text('target = "pg_durable>=0.2.5"\n' + config.read_text())
    assert perdure("diff").stdout == "no differences\n"


def test_what_only_the_target_refuses_is_compared_and_drawn(
    perdure: Perdure, project: Path
) -> None:
    config, file = project / "perdure.toml", project / "workflows" / "tell.yaml"
    config.write_text('target = "pg_durable>=0.2.5"\n' + config.read_text())
    secret = '    headers: {authorization: "Bearer ${secrets.hook}"}\n'
    request = "  - http: POST https://hooks.example.com/tell\n" + secret
    rewrite(file, "steps:\n", "steps:\n" + request)
    (project / "workflows" / "same.yaml").write_text(
        WORKFLOW.replace("workflow: tell", "workflow: same")
    )
    done = perdure("diff", "HEAD", code=1)
    assert "error[WF612]" in done.stderr
    assert "+ http, added" in done.stdout
    assert "+ workflow same, added" in done.stdout
    done = perdure("graph", "tell")
    assert "http  POST https://hooks.example.com/tell" in done.stdout
    assert "error[WF612]" in done.stderr
    rewrite(file, "order.tax", "order.tux")
    assert perdure("diff", "HEAD", code=1).stdout == ""
    perdure("graph", "tell", code=1)


def test_a_version_that_the_new_target_refuses_has_not_changed(
    perdure: Perdure, project: Path
) -> None:
    file = project / "workflows" / "tell.yaml"
    secret = '    headers: {authorization: "Bearer ${secrets.hook}"}\n'
    request = "  - http: POST https://hooks.example.com/tell\n" + secret
    rewrite(file, "steps:\n", "steps:\n" + request)
    perdure("compile")
    config = project / "perdure.toml"
    config.write_text('target = "pg_durable>=0.2.5"\n' + config.read_text())
    assert perdure("diff", code=1).stdout == "no differences\n"


def test_warnings_are_not_told_beside_a_difference(
    perdure: Perdure, project: Path
) -> None:
    file = project / "workflows" / "tell.yaml"
    rewrite(file, "id: bigint", "id: bigint\n  note: text?")
    assert "WF240" in perdure("check").output
    assert perdure("diff").stderr == ""


def test_why_a_limit_fails_is_told(perdure: Perdure, project: Path) -> None:
    file = project / "workflows" / "tell.yaml"
    rewrite(file, "id: bigint", "id: bigint\n  note: text")
    done = perdure("diff", "HEAD", "--json", "--fail-on", "compatible", code=1)
    assert done.stderr == "error: tell, changed: breaking\n"
    assert json.loads(done.stdout)["effect"] == "breaking"
