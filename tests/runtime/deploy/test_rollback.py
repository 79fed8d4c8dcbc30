"""`rollback` and `retire`: what is in force changes, and nothing is lost."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.runtime.deploy.conftest import VERSIONS, WORKFLOW, Perdure, dump, execute

pytestmark = pytest.mark.usefixtures("runtime")


def write(project: Path, text: str) -> None:
    (project / "workflows" / "hello.yaml").write_text(text)


def start(database: str, call: str = "workflows.hello('you')") -> str:
    with psycopg.connect(database) as connection:
        row = connection.execute(f"select {call}".encode()).fetchone()
    assert row is not None
    return str(row[0])


def label(database: str, run: str) -> str:
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "select label from df.instances where id = %s", [run]
        ).fetchone()
    assert row is not None
    return str(row[0])


def migration(project: Path, title: str, way: str) -> str:
    (found,) = (project / "migrations").glob(f"*{title}*.{way}.sql")
    return found.read_text()


def test_the_version_before_is_current_again(
    released: Perdure, project: Path, database: str
) -> None:
    old = start(database, "workflows.hello('you', '?')")
    assert (
        "hello@2 is current once it is applied" in released("rollback", "hello").stdout
    )
    assert "hello, change 1 is in the lock, and not deployed" in (
        released("drift", code=1).stdout
    )
    done = released("deploy", "--yes").stdout
    assert done == "deployed hello, change 1: back to version 2\n"
    assert label(database, start(database)) == "hello@2"
    assert label(database, old) == "hello@3"
    assert "no drift" in released("drift").stdout
    states = [
        each["state"] for each in json.loads(released("versions", "--json").stdout)
    ]
    assert states == ["superseded", "current", "superseded"]


def test_compile_after_a_rollback_says_where_it_stands(
    released: Perdure, project: Path, database: str
) -> None:
    released("rollback", "hello")
    for words in (["compile"], ["compile", "--check"]):
        done = released(*words)
        assert "WF709" in done.stderr
        assert "nothing to do" in done.stdout
    write(project, VERSIONS[1])  # taken back in the sources, too
    assert "WF709" not in released("compile", "--check").stderr
    write(project, WORKFLOW.replace("Hello", "Good evening"))
    released("compile")
    released("deploy", "--yes")
    assert label(database, start(database)) == "hello@4"
    assert "select workflows.hello_v2(who)" in migration(project, "hello_v4", "down")
    assert "no drift" in released("drift").stdout


def test_a_rollback_and_its_way_back_are_exact(
    released: Perdure, project: Path, database: str
) -> None:
    for to in ("2", "1", "3"):
        before = dump(database)
        released("rollback", "hello", "--to", to)
        released("deploy", "--yes")
        after = dump(database)
        title = f"_to_v{to}"
        execute(database, migration(project, title, "down"))
        assert dump(database) == before
        released("deploy", "--yes")
        assert dump(database).partition("COMMENT")[0] == after.partition("COMMENT")[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["rollback", "nothing"], 'the lock has no workflow "nothing"'),
        (["rollback", "hello", "--to", "3"], "hello@3 is the current version"),
        (["rollback", "hello", "--to", "3"], "--to names another one: 1, 2\n"),
        (["rollback", "hello", "--to", "9"], "hello has no version 9"),
        (["retire", "hello@3"], "hello@3 is the current version"),
        (["retire", "hello@9"], "hello@9 does not exist"),
        (["retire", "hello@x"], '"x" is not the number of a version'),
        (["retire", "hello@v1"], "help: perdure retire hello@1"),
        (["rollback", "hello@2"], "help: perdure rollback hello --to 2"),
        (["rollback", "hello", "--to", "hello@2"], "a version, as in --to 2"),
        (["move", "1234", "--to", "hello@2"], "a version, as in --to 2"),
        (["versions", "hello@2"], "help: perdure versions hello"),
        (["ps", "hello@2"], "help: perdure ps hello"),
    ],
)
def test_what_cannot_be_is_refused(
    released: Perdure, project: Path, words: list[str], message: str
) -> None:
    before = sorted((project / "migrations").iterdir())
    assert message in released(*words, code=2).stderr
    assert sorted((project / "migrations").iterdir()) == before


def test_sources_that_were_rolled_back_keep_their_version(
    released: Perdure, project: Path
) -> None:
    """Without it, compiling would put it in force again, as the next version."""
    released("rollback", "hello")
    refused = released("retire", "hello@3", "--offline", code=1).stderr
    assert (
        'error: "workflows/hello.yaml" still gives hello@3, which was rolled back: the '
        "next perdure compile would make it again, to be in force\n"
        "  = help: take it back to the version in force, or change it and compile, "
    ) in refused
    released("retire", "hello@1", "--offline")
    assert "WF709" in released("compile", "--check").stderr
    write(project, VERSIONS[1])
    released("retire", "hello@3", "--offline")
    released("compile", "--check")


def test_what_a_rollback_finds_retired(released: Perdure) -> None:
    released("retire", "hello@2")
    refused = released("rollback", "hello", code=2).stderr
    assert "hello@2 is retired: its function is gone" in refused
    assert "perdure rollback hello --to N goes to another one: 1" in refused


def test_versions_for_another_target_stay_in_the_lock(
    released: Perdure, project: Path
) -> None:
    toml = (project / "perdure.toml").read_text()
    (project / "perdure.toml").write_text('target = "pg_durable>=0.2.5"\n' + toml)
    released("compile")
    done = released("rollback", "hello", code=2)
    assert "hello@3 is for the target perdure" in done.stderr
    write(project, WORKFLOW.replace("Hello", "Good evening"))
    released("compile")
    released("rollback", "hello")
    lock = (project / "workflows.lock").read_text()
    assert lock.count("[workflows.hello.") == 5


def test_a_version_is_retired_when_no_run_is_on_it(
    released: Perdure, project: Path, database: str
) -> None:
    run = start(database, "workflows.hello_v1('you')")
    done = released("retire", "hello@1", code=1)
    assert run in done.stderr
    assert "1 run has not ended" in done.stderr
    released("retire", "hello@1", "--offline")
    refused = released("deploy", "--yes", code=1).stderr
    assert f"hello@1 cannot be taken out of use while 1 run has not ended: {run}" in (
        refused
    )
    assert f"{run}  hello@1  pending" in refused
    assert f"(perdure move {run} --to 3), or end it (perdure cancel {run})" in refused
    execute(database, f"select df.cancel('{run}', 'test')")
    before = dump(database)
    released("deploy", "--yes")
    assert "no drift" in released("drift").stdout
    with psycopg.connect(database) as connection:
        gone = connection.execute("select to_regproc('workflows.hello_v1')").fetchone()
    assert gone == (None,)
    (first, *_) = json.loads(released("versions", "--json").stdout)
    assert (first["version"], first["state"]) == (1, "retired")
    done = released("rollback", "hello", "--to", "1", code=2)
    assert "hello@1 is retired" in done.stderr
    execute(database, migration(project, "retire", "down"))
    assert dump(database) == before


def test_a_workflow_that_left_the_sources_is_retired(
    released: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "hello.yaml").unlink()
    other = WORKFLOW.replace("workflow: hello", "workflow: other")
    (project / "workflows" / "other.yaml").write_text(other)
    assert "perdure retire hello" in released("compile").stderr
    before = dump(database)
    released("retire", "hello")
    assert "WF703" not in released("compile", "--check").stderr
    released("deploy", "--yes")
    assert "no drift" in released("drift").stdout
    write(project, VERSIONS[1])  # it comes back, with the next number
    released("compile")
    released("deploy", "--yes")
    run = start(database)
    assert label(database, run) == "hello@4"
    assert "no drift" in released("drift").stdout
    released("cancel", run)
    for title in ("hello_v4", "retire", "other_v1"):
        execute(database, migration(project, title, "down"))
    assert dump(database) == before


def test_a_way_down_drops_no_version_that_has_runs(
    released: Perdure, project: Path, database: str
) -> None:
    run = start(database)
    before, down = dump(database), migration(project, "hello_v3", "down")
    with pytest.raises(psycopg.Error, match=f"1 run has not ended: {run}") as refused:
        execute(database, down)
    assert refused.value.sqlstate == "PD034"
    assert dump(database) == before
    released("cancel", run)
    execute(database, down)
    found = json.loads(released("versions", "--json").stdout)
    assert [each["state"] for each in found] == ["superseded", "current"]


def test_what_others_start_is_not_retired(
    released: Perdure, project: Path, database: str
) -> None:
    """The command sees the repo; what the database has is the migration's to see."""
    released("retire", "hello@1")
    execute(
        database,
        "create function public.nightly() returns text language sql"
        " as $$select workflows.hello_v1('all')$$",
    )
    before = dump(database)
    refused = released("deploy", "--yes", code=1).stderr
    assert "hello cannot be taken out of use while functions start it: public." in (
        refused
    )
    assert "Change them" in refused
    assert dump(database) == before
    execute(database, "drop function public.nightly()")
    released("deploy", "--yes")


CALLS = [
    ("select workflows.hello_v1('all')", True),
    ("perform WORKFLOWS . hello_V1 (v)", True),
    ('select "workflows"."hello_v1"(\'all\')', True),
    ("select workflows.\"hello_v1\"\n  ('all')", True),
    ("x := workflows.hello_v1('all');", True),
    ("select my_workflows.hello_v1('all')", False),
    ("select \"my workflows\".hello_v1('all')", False),
    ("select workflows.hello_v10('all')", False),
    ("select workflowsxhello_v1('all')", False),
    ("select hello_v1 from workflows.hello_v1_log", False),
]


def test_who_calls_a_version_is_told_by_whole_names(database: str) -> None:
    """A name within a longer one is another function; quotes and spaces change none."""
    found = []
    for body, _ in CALLS:
        execute(
            database,
            "set check_function_bodies = off; "
            "create or replace function public.nightly() returns text "
            f"language plpgsql as $$begin {body} end$$",
        )
        found.append((body, _is_caller(database)))
    assert found == CALLS


def _is_caller(database: str) -> bool:
    try:
        execute(
            database,
            "select perdure.refuse_callers('hello', "
            "array['workflows.hello_v1', 'workflows.hello_v2'])",
        )
    except psycopg.errors.DatabaseError as error:
        return error.sqlstate == "PD034"
    return False


def test_a_caller_is_found_whatever_the_schema_is_called(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        (pattern,) = connection.execute(
            "select perdure.call_pattern(%s)", ['"a.b(c)"."say ""hi"""']
        ).fetchone() or ("",)
        rows = connection.execute(
            "select text ~* %s from unnest(%s::text[]) with ordinality t (text, at) "
            "order by at",
            [
                pattern,
                [
                    'select "a.b(c)"."say ""hi"""(1)',
                    'select "axb(c)"."say ""hi"""(1)',
                    'select "a.b(c)"."say ""hi"(1)',
                ],
            ],
        ).fetchall()
    assert rows == [(True,), (False,), (False,)]


def test_a_version_that_another_one_starts_stays(
    perdure: Perdure, project: Path
) -> None:
    caller = (
        "workflow: caller\nsteps:\n  - {name: one, start: hello, with: {who: me}}\n"
        "  - return: ${one.run_id}\n"
    )
    (project / "workflows" / "caller.yaml").write_text(caller)
    for text in VERSIONS[:2]:
        write(project, text)
        perdure("compile")
    done = perdure("retire", "hello@1", "--offline", code=1)
    assert "hello@1 is started by caller@1" in done.stderr
    said = perdure("rollback", "hello").stdout
    assert "hello@2 stays deployed, and is not started any more but by caller@2\n" in (
        said
    )
    assert "has the steps" not in said


@pytest.mark.parametrize("steps", ["steps:", "steps:\n  - sql: select 1"])
def test_who_has_the_steps_of_a_version_in_it_is_told(
    perdure: Perdure, project: Path, steps: str
) -> None:
    caller = "workflow: caller\nsteps:\n  - call: hello\n    with: {who: me}\n"
    (project / "workflows" / "caller.yaml").write_text(caller)
    for text in VERSIONS[:2]:
        write(project, text.replace("steps:", steps))
        perdure("compile")
    said = perdure("rollback", "hello").stdout
    assert "note: caller@2 has the steps of hello@2 in it, and goes on with" in said
    assert "perdure rollback caller, or" in said
    assert "note:" not in perdure("rollback", "caller").stdout


def test_who_only_shares_a_file_has_no_steps_of_another(
    perdure: Perdure, project: Path
) -> None:
    flow = "@workflow\ndef {0}() -> str:\n    return {1}\n\n\n"
    for text in ("one", "two"):
        flows = (
            flow.format("told", f'"{text}"'),
            flow.format("alone", f'"told {text}"'),
        )
        taker = flow.format("taker", "said").replace(
            "return", "said = told()\n    return"
        )
        (project / "workflows" / "all.py").write_text(
            "from perdure import workflow\n\n\n" + "".join((*flows, taker))
        )
        perdure("compile")
    said = perdure("rollback", "told").stdout
    assert "note: taker@2 has the steps of told@2 in it" in said
    assert said.count("has the steps") == 1


def test_two_branches_that_do_not_fit_are_found(
    released: Perdure, project: Path
) -> None:
    write(project, WORKFLOW.replace("Hello", "Good evening"))
    released("compile")  # one branch makes version 4
    branch = (project / "workflows.lock").read_text()
    for name in (project / "migrations").glob("*_v4.*"):
        name.rename(name.with_name(name.name.replace("0004", "0005")))
    branch = branch.replace("0004_hello_v4", "0005_hello_v4")
    fourth = branch[branch.index("[workflows.hello.4]") :]
    (project / "workflows.lock").write_text(branch.replace(fourth, ""))
    files = dict.fromkeys((project / "migrations").glob("0005*"))
    texts = {path: path.read_text() for path in files}
    for path in files:
        path.unlink()
    released("rollback", "hello")  # the other one goes back
    for path, text in texts.items():
        path.write_text(text)
    lock = (project / "workflows.lock").read_text()
    merged = lock.replace("[changes.", f"{fourth}\n[changes.", 1)
    (project / "workflows.lock").write_text(merged)
    for words in (["compile"], ["deploy", "--yes"]):
        done = released(*words, code=1)
        assert "error[WF708]" in done.stderr
        assert "hello, version 4, was made while version 3 was current" in done.stderr


def test_schedules_follow_what_is_in_force(
    perdure: Perdure, project: Path, database: str
) -> None:
    (project / "workflows" / "hello.yaml").unlink()
    tick = project / "workflows" / "tick.yaml"
    for number in (1, 2):
        tick.write_text(
            f'workflow: tick\nschedule: "0 {number} * * *"\n'
            f"steps:\n  - return: {number}\n"
        )
        perdure("compile")
    perdure("deploy", "--yes")
    query = (
        "select array_agg(label) from df.instances where status in"
        " ('pending', 'running')"
    )

    def supervisors() -> object:
        with psycopg.connect(database) as connection:
            row = connection.execute(query.encode()).fetchone()
        return row[0] if row else None

    assert supervisors() == ["tick@2 schedule"]
    perdure("rollback", "tick")
    perdure("deploy", "--yes")
    assert supervisors() == ["tick@1 schedule"]
    assert "no drift" in perdure("drift").stdout
    tick.unlink()
    perdure("retire", "tick")
    perdure("deploy", "--yes")
    assert supervisors() is None
    assert "no drift" in perdure("drift").stdout
    execute(database, migration(project, "retire", "down"))
    assert supervisors() == ["tick@1 schedule"]


def test_callers_are_not_compiled_with_what_was_rolled_back(
    perdure: Perdure, project: Path
) -> None:
    for text in (VERSIONS[0], VERSIONS[2]):
        write(project, text)
        perdure("compile")
    perdure("rollback", "hello")
    assert "warning[WF709]" in perdure("diff").stderr
    hello = "hello\n    with: {who: me, mark: x}"
    steps = {"begins": f"start: {hello}", "takes": f"call: {hello}"}
    for name, step in {**steps, "through": "call: takes"}.items():
        text = f"workflow: {name}\nsteps:\n  - {step}\n"
        (project / "workflows" / f"{name}.yaml").write_text(text)
    before = sorted((project / "migrations").iterdir())
    for words in (["compile"], ["compile", "--check"], ["diff"]):
        told = perdure(*words, code=1).stderr
        assert told.count("error[WF710]") == 3
        assert '"begins" is checked against version 2 of "hello"' in told
        assert '"takes" would take in the steps of version 2 of "hello"' in told
        assert 'it takes in "takes", which calls "hello"' in told
        assert "--> workflows/through.yaml:3:5" in told
    assert sorted((project / "migrations").iterdir()) == before
    perdure("rollback", "hello", "--to", "2")
    assert "through_v1" in perdure("compile").stdout


def test_a_run_is_sent_to_a_version_that_is_deployed(
    perdure: Perdure, project: Path, database: str
) -> None:
    """What comes after a retirement waits for it, the current version, too."""
    for text in VERSIONS[:2]:
        write(project, text)
        perdure("compile")
    perdure("deploy", "--yes")
    run = start(database, "workflows.hello_v1('you')")
    perdure("retire", "hello@1", "--offline")
    write(project, VERSIONS[2])
    perdure("compile")
    refused = perdure("deploy", "--yes", code=1).stderr
    assert f"take it to version 2 while it waits (perdure move {run} --to 2)" in refused
    refused = perdure("move", run, "--to", "3", code=2).stderr
    assert "hello@3 is not deployed in this database, which has: 1, 2; perdure" in (
        refused
    )
