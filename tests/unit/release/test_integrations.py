"""What other programs call: the action for GitHub, the job for GitLab, the hooks."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from perdure.cli.main import app
from tests.unit.release.action import Job, run_action, shell

ROOT = Path(__file__).resolve().parents[3]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
PAGE = (ROOT / "docs" / "releases.md").read_text()
INSTALL = "Install Perdure"
CHECK = "Check the workflows"
COMPARE = "Compare the migrations with the workflows"
FETCH = "Fetch the branch to compare with"
VERIFY = "Verify the versions that are released"
SHOW = "Show what changes"

SCHEMA = "create table orders (id bigint primary key, email text, note text);\n"
WORKFLOW = """\
workflow: tell
input:
  id: bigint
steps:
  - name: order
    sql: select email from orders where id = :id
    expect: one
  - return: "${order.email}"
"""


def blocks() -> list[Any]:
    """Return the examples of the page in YAML."""
    found = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    return [yaml.safe_load(each) for each in found]


def gitlab() -> dict[str, Any]:
    """Return the page's job for GitLab."""
    (job,) = [each for each in blocks() if "workflows" in each]
    return dict(job["workflows"])


def commands() -> list[str]:
    """Return all calls of perdure, with their variables in place."""
    texts = [hook["entry"] for hook in HOOKS] + gitlab()["script"]
    texts += [step.get("run", "") for step in ACTION["runs"]["steps"]]
    joined = "\n".join(texts).replace("\\\n", " ")
    return re.findall(r"^\s*(perdure [^|>\n]*)", joined, re.MULTILINE)


def test_all_calls_were_found() -> None:
    names = [each.split()[1] for each in commands()]
    each_push = ["check", "compile", "verify", "diff"]
    assert names == ["check", "compile", *each_push, *each_push]


@pytest.mark.parametrize("command", commands())
def test_what_is_called_has_the_options(command: str) -> None:
    words = shlex.split(command)[1:]
    shown = CliRunner().invoke(app, [words[0], "--help"]).output
    for word in words:
        if word.startswith("--"):
            assert word in shown


def test_every_variable_of_the_action_is_set() -> None:
    for step in ACTION["runs"]["steps"]:
        used = set(re.findall(r"\$\{?(PERDURE_\w+)", step.get("run", "")))
        assert used == set(step.get("env", {}))
        assert ("shell" in step) == ("run" in step)
        assert "${{" not in step.get("run", "")  # a value would become code


def test_the_page_names_the_inputs_of_the_action() -> None:
    (job,) = [each["jobs"]["workflows"] for each in blocks() if "jobs" in each]
    (used,) = [each for each in job["steps"] if "/perdure@" in each["uses"]]
    inputs = {name: each["default"] for name, each in ACTION["inputs"].items()}
    assert set(used["with"]) <= set(inputs)
    table = PAGE[PAGE.index("| input | what |") : PAGE.index("For GitLab:")]
    assert re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE) == list(inputs)
    told = re.findall(r"^\| `([a-z-]+)` \| .*default `([^`]+)`", table, re.MULTILINE)
    assert dict(told) == {name: value for name, value in inputs.items() if value}


# --- a project, its repository, and a pull request ------------------------------------


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory, postgres: str) -> Path:
    """Make a repository with a project below its root, compiled and committed.

    Since the branch `change` began, another workflow was changed on `main`.
    """
    project = tmp_path_factory.mktemp("template") / "shop"
    (project / "flows").mkdir(parents=True)
    (project / "perdure.toml").write_text(
        'schema = "schema.sql"\nworkflows = "flows"\nmigrations = "sql"\n'
        f"[postgres]\nurl = {postgres!r}\n"
    )
    (project / "schema.sql").write_text(SCHEMA)
    (project / "flows" / "tell.yaml").write_text(WORKFLOW)
    (project / "flows" / "other.yaml").write_text(WORKFLOW.replace("tell", "other"))
    script = """
        git init -q -b main
        perdure compile -C shop && git add . && git commit -qm one
        git branch change
        sed -i '1a description: no news' shop/flows/other.yaml
        git add . && git commit -qm two
    """
    done = shell(script, project.parent)
    assert done.returncode == 0, done.stderr
    return project.parent


@pytest.fixture
def origin(template: Path, tmp_path: Path) -> Path:
    """Return a copy of the repository for one test."""
    return Path(shutil.copytree(template, tmp_path / "origin"))


def propose(origin: Path, script: str) -> Path:
    """Commit a change to the branch, merge it as GitHub does, and clone one commit."""
    done = shell(
        f"""
        git checkout -q change
        cd shop
        {script}
        perdure compile
        git add .
        git commit -qm change
        cd ..
        git checkout -q -b merged main
        git merge -q --no-edit change
        git clone -q --depth 1 --branch merged "file://$PWD" ../clone
        """,
        origin,
    )
    assert done.returncode == 0, done.stderr
    return origin.with_name("clone")


RENAMED = "sed -i 's/  id: bigint/  key: bigint/; s/:id/:key/' flows/tell.yaml"
REWORDED = "sed -i 's/select email/select lower(email) as email/' flows/tell.yaml"
DROPPED = "sed -i 's/email text, //' schema.sql; sed -i 's/email/note/' flows/*"


def act(clone: Path, *without: str, base: str = "main", **inputs: str) -> Job:
    """Run the action in a clone as for a pull request to a branch."""
    return run_action(
        ACTION,
        clone,
        clone.parent,
        {INSTALL, *without},
        inputs={"directory": "shop", **inputs},
        github={"base_ref": base},
    )


def test_the_action_lets_pass_what_breaks_nobody(origin: Path) -> None:
    clone = propose(origin, REWORDED)
    job = act(clone)
    assert set(job.outcomes.values()) == {"success"}, job.said
    assert job.summary.startswith("### Workflow `tell`: changed, **compatible**\n")
    assert "other" not in job.summary  # that changed on the base since
    job = act(clone, CHECK, COMPARE, VERIFY, **{"fail-on": "compatible"})
    assert job.failed == [SHOW]
    assert "error: tell, changed: compatible\n" in job.said[SHOW]


@pytest.mark.slow
def test_the_action_stops_what_breaks_callers(origin: Path) -> None:
    clone = propose(origin, RENAMED)
    job = act(clone, COMPARE)
    assert job.failed == [SHOW]
    assert job.summary.startswith("### Workflow `tell`: changed, **breaking**\n")
    assert act(clone, CHECK, COMPARE, VERIFY, **{"fail-on": "never"}).failed == []


def test_the_action_stops_what_breaks_released_versions(origin: Path) -> None:
    job = act(propose(origin, DROPPED), CHECK, COMPARE)
    assert job.failed == [VERIFY]
    assert 'column "email" does not exist, in 2 versions' in job.said[VERIFY]
    assert "  --> tell@1, step" in job.said[VERIFY]
    assert "### Workflow `tell`" in job.summary


def test_without_a_base_the_action_checks_only(origin: Path) -> None:
    workflow = origin / "shop" / "flows" / "tell.yaml"
    workflow.write_text(workflow.read_text().replace("email", "nonsense"))
    job = act(origin, base="")
    assert job.failed == [CHECK]
    assert "::error title=WF" in job.said[CHECK]
    assert {job.outcomes[each] for each in (COMPARE, VERIFY, SHOW)} == {"skipped"}


def test_the_action_names_the_command_that_mends_stale_migrations(origin: Path) -> None:
    assert shell(REWORDED, origin / "shop").returncode == 0
    job = act(origin, CHECK, base="")
    assert job.failed == [COMPARE]
    assert "perdure compile" in job.said[COMPARE]


def test_a_branch_that_is_not_there_fails_the_action(origin: Path) -> None:
    shell('git remote add origin "$PWD"', origin)
    job = act(origin, CHECK, COMPARE, base="nowhere")
    assert job.failed == [FETCH]
    assert job.outcomes[SHOW] == "skipped"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code"), [(REWORDED, 0), (RENAMED, 1)], ids=["compatible", "breaking"]
)
def test_the_job_for_gitlab_does_so_too(origin: Path, change: str, code: int) -> None:
    clone = propose(origin, change)
    depth = gitlab()["variables"]["GIT_DEPTH"]
    assert depth == "0"  # so the runner clones everything
    assert shell("git fetch -q --unshallow", clone).returncode == 0
    install, *script = gitlab()["script"]
    assert install == "pip install perdure"
    where = {"CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main"}
    done = shell("\n".join(script), clone / "shop", **where)
    assert done.returncode == code, done.stderr
    assert "~ workflow tell, changed" in done.stdout
    assert "other" not in done.stdout


# --- hooks ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "hooks"),
    [
        ("workflows/order.yaml", ["perdure-check", "perdure-compile"]),
        ("services/shop/flows/order.py", ["perdure-check", "perdure-compile"]),
        ("db/001_shop.sql", ["perdure-check", "perdure-compile"]),
        ("perdure.toml", ["perdure-check", "perdure-compile"]),
        ("sqitch.plan", ["perdure-compile"]),
        ("db/atlas.sum", ["perdure-compile"]),
        ("workflows.lock", ["perdure-compile"]),
        ("README.md", []),
    ],
)
def test_hooks_run_on_what_concerns_them(path: str, hooks: list[str]) -> None:
    wanted = [each["id"] for each in HOOKS if re.search(each["files"], path)]
    assert wanted == hooks


def test_hooks_stop_a_commit(origin: Path) -> None:
    """Run pre-commit where it is installed, else what it would run."""
    project = origin / "shop"
    assert commit(origin, "echo >> README.md") == 0
    assert commit(origin, f"cd shop && {REWORDED}") == 1
    assert commit(origin, f"perdure compile -C {project}") == 0


def commit(repository: Path, script: str) -> int:
    """Make a change, and return how the hooks end on what is about to be committed."""
    assert shell(f"{script} && git -C {repository} add -A", repository).returncode == 0
    found = shutil.which("pre-commit")
    given = ["--directory", "shop"]
    if found is None:
        staged = shell("git diff --cached --name-only", repository).stdout.split()
        due = [h for h in HOOKS if any(re.search(h["files"], name) for name in staged)]
        lines = [shlex.join([*h["entry"].split(), *given]) for h in due]
        return shell("\n".join(lines), repository).returncode
    hooks = [{**each, "language": "system", "args": given} for each in HOOKS]
    settings = repository.with_name("hooks.yaml")
    settings.write_text(yaml.safe_dump({"repos": [{"repo": "local", "hooks": hooks}]}))
    return shell(f"{found} run --config {settings}", repository).returncode
