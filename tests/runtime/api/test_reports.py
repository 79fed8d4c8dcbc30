"""The listing functions and df.explain: columns, order, pages, and what states mean."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.runtime.engine.db import Db

# Signatures and columns of pg_durable 0.2.6.
SIGNATURES = {
    "list_instances(text,integer)": "instance_id text, label text, function_name text,"
    " status text, execution_count bigint, output text",
    "list_instances(text,integer,text,text)": "instance_id text, label text,"
    " function_name text, status text, execution_count bigint, output text,"
    " created_at timestamp with time zone, completed_at timestamp with time zone,"
    " next_cursor text",
    "instance_info(text)": "instance_id text, label text, function_name text,"
    " function_version text, current_execution_id bigint, status text, output text",
    "instance_nodes(text)": "node_id text, node_type text, query text,"
    " result_name text, left_node text, right_node text, status text, result text,"
    " status_details text,"
    " inferred_status text, inferred_status_from_ancestor_id text,"
    " updated_at timestamp with time zone",
    "instance_nodes(text,integer)": "execution_id bigint, node_id text, node_type text,"
    " query text, result_name text, left_node text, right_node text, status text,"
    " result text, updated_at timestamp with time zone",
    "instance_executions(text,integer)": "execution_id bigint, status text,"
    " event_count bigint, duration_ms bigint, output text",
    "metrics()": "total_instances bigint, running_instances bigint,"
    " completed_instances bigint, failed_instances bigint, total_executions bigint,"
    " total_events bigint",
}
VIEWS = {
    "instances": "id label root_node status submitted_by:regrole database"
    " created_at:timestamptz updated_at:timestamptz completed_at:timestamptz",
    "nodes": "id instance_id node_type query result_name left_node right_node status"
    " result:jsonb error submitted_by:regrole database created_at:timestamptz"
    " updated_at:timestamptz status_details:jsonb",
    "vars": "name value owner:regrole",
}


@pytest.mark.parametrize("signature", SIGNATURES)
def test_columns_of_functions(api: Db, signature: str) -> None:
    shown = "select pg_get_function_result(('df.' || %s)::regprocedure)"
    assert api.value(shown, signature) == f"TABLE({SIGNATURES[signature]})"


@pytest.mark.parametrize("view", VIEWS)
def test_columns_of_views(api: Db, view: str) -> None:
    query = (
        "select attname, atttypid::regtype::text from pg_attribute"
        " where attrelid = ('df.' || %s)::regclass and attnum > 0"
    )
    found = {row[0]: row[1] for row in api.run(query, view)}
    for column in VIEWS[view].split():
        name, _, kind = column.partition(":")
        expected = {"timestamptz": "timestamp with time zone", "": "text"}
        assert found[name] == expected.get(kind, kind), name


def table(api: Db, query: str, *values: object) -> list[dict[str, Any]]:
    with api.connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query.encode(), values).fetchall()


def test_the_list_is_filtered_and_newest_first(api: Db) -> None:
    done = [api.start("'select 1 as a'", label=f"l{n}") for n in range(3)]
    failed = api.start("'select 1/0'")
    api.work()
    rows = table(api, "select * from df.list_instances()")
    assert [row["instance_id"] for row in rows] == [failed, *done[::-1]]
    assert rows[0]["output"] == "division by zero"
    assert rows[1]["output"] == '{"rows": [{"a":1}], "row_count": 1}'
    assert {row["execution_count"] for row in rows} == {1}
    rows = table(api, "select * from df.list_instances('completed', 2)")
    assert [row["instance_id"] for row in rows] == done[:0:-1]
    assert [row["label"] for row in rows] == ["l2", "l1"]


def test_pages(api: Db) -> None:
    """Runs that start at the same time are told apart by their ids."""
    with api.connection.transaction():
        runs = [api.start("'select 1'", label="x" if n % 2 else "y") for n in range(7)]
    api.run("update df_engine.instances set created_at = now()")
    for label, expected in ((None, sorted(runs)), ("x", sorted(runs[1::2]))):
        seen: list[str] = []
        cursor: str | None = None
        for _ in range(9):
            page = table(
                api, "select * from df.list_instances(null, 2, %s, %s)", label, cursor
            )
            seen += [row["instance_id"] for row in page]
            assert len({row["next_cursor"] for row in page}) == 1
            cursor = page[0]["next_cursor"]
            if cursor is None:
                break
        assert seen == expected
    assert {
        len(page)
        for page in [table(api, "select * from df.list_instances(null, 7, null)")]
    } == {7}
    assert table(api, "select * from df.list_instances('failed', 7, null)") == []


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/New_York"])
def test_a_cursor_does_not_depend_on_the_session(api: Db, zone: str) -> None:
    for _ in range(3):
        api.start("'select 1'")
    api.run(f"set time zone '{zone}'")
    try:
        (first,) = table(api, "select * from df.list_instances(null, 1, null)")
        rest = "select instance_id from df.list_instances(null, 5, null, %s)"
        assert len(table(api, rest, first["next_cursor"])) == 2
    finally:
        api.run("reset time zone")


@pytest.mark.parametrize(
    "arguments",
    [
        "null, 0",
        "null, null",
        "null, 1001",
        "null, -1, null",
        "null, 5000, null",
        "null, 5, null, ''",
        "null, 5, null, 'zz'",
        "null, 5, null, '7631'",
        "null, 5, null, encode('v2|2026-01-01T00:00:00.000000+00|00000000', 'hex')",
        "null, 5, null, encode('v1|2026-99-01T00:00:00.000000+00|00000000', 'hex')",
        "null, 5, null, repeat('00', 300)",
    ],
)
def test_a_page_that_makes_no_sense(api: Db, arguments: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        api.run(f"select * from df.list_instances({arguments})")
    assert caught.value.sqlstate == "PD003"


def test_a_session_may_ask_for_longer_pages(api: Db) -> None:
    api.run("set pg_durable.list_instances_max_limit = 5000")
    try:
        assert api.run("select * from df.list_instances(null, 5000)") == []
    finally:
        api.run("reset pg_durable.list_instances_max_limit")


def test_instance_info_and_executions(api: Db) -> None:
    run = api.finish("df.seq('select 1', 'select 2 as b')", label="l")
    (info,) = table(api, "select * from df.instance_info(%s)", run)
    assert (info["label"], info["status"]) == ("l", "completed")
    assert info["current_execution_id"] == 1
    (execution,) = table(api, "select * from df.instance_executions(%s)", run)
    assert execution["duration_ms"] >= 0
    assert (execution["execution_id"], execution["status"]) == (1, "Completed")
    assert (execution["event_count"], execution["output"]) == (2, info["output"])
    assert table(api, "select * from df.instance_info('00000000')") == []
    assert table(api, "select * from df.instance_executions('00000000', 3)") == []
    with pytest.raises(psycopg.Error) as caught:
        api.run("select * from df.instance_executions(%s, 0)", run)
    assert caught.value.sqlstate == "PD003"


def test_metrics_count_everybodys_runs(api: Db, roles: tuple[str, str]) -> None:
    api.finish("df.seq('select 1', 'select 2')")
    api.finish("'select 1/0'")
    api.finish("df.sleep(60)")
    expected = [(3, 1, 1, 1, 3, 4)]
    assert api.run("select * from df.metrics()") == expected
    api.run("select df.grant_usage(%s, with_grant => true)", roles[0])
    for role, allowed in zip(roles, (True, False), strict=True):
        api.run(f"set session authorization {role}")
        try:
            if allowed:
                assert api.run("select * from df.metrics()") == expected
            else:
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    api.run("select * from df.metrics()")
        finally:
            api.run("reset session authorization")


def states(api: Db, run: str) -> dict[str, tuple[str, str, str | None]]:
    rows = table(api, "select * from df.instance_nodes(%s)", run)
    return {
        row["node_id"]: (
            row["status"],
            row["inferred_status"],
            row["inferred_status_from_ancestor_id"],
        )
        for row in rows
    }


DONE, FAILED = ("completed", "completed", None), ("failed", "failed", None)


def skipped(ancestor: int, status: str = "pending") -> tuple[str, str, str | None]:
    return (status, "skipped", str(ancestor))


# A graph, and the states of its nodes in pre-order when nothing more is ready.
INFERRED: dict[str, tuple[str, list[tuple[str, str, str | None]]]] = {
    "all done": ("df.seq('select 1', 'select 2')", [DONE, DONE, DONE]),
    "the other arm": (
        """df."if"('select true', 'select 1', 'select 2')""",
        [DONE, DONE, DONE, skipped(1)],
    ),
    "after a failure": (
        "df.seq(df.seq('select 1', 'select 1/0'), 'select 2')",
        [FAILED, FAILED, DONE, FAILED, skipped(1)],
    ),
    "a loop whose body failed": (
        """df.seq('select 1', df."loop"(df.seq('select 1/0', 'select 2')))""",
        [FAILED, DONE, FAILED, FAILED, FAILED, skipped(4)],
    ),
    "in progress": (
        "df.seq('select 1', df.sleep(60), 'select 2')",
        [
            ("running", "running", None),
            DONE,
            ("running", "running", None),
            ("pending", "pending", None),
        ],
    ),
    "a later round": (
        """df.seq('select 1', df."loop"(df.seq(
             df."if"('select count(*) = 0 from log', 'insert into log values (default)',
                     df.sleep(60)),
             'select 3')))""",
        [
            ("running", "running", None),
            DONE,
            ("running", "running", None),
            ("running", "running", None),
            ("running", "running", None),
            DONE,
            ("completed", "pending", "3"),
            ("running", "running", None),
            ("completed", "pending", "3"),
        ],
    ),
}


@pytest.mark.parametrize("name", INFERRED)
def test_inferred_states(api: Db, name: str) -> None:
    graph, expected = INFERRED[name]
    run = api.finish(graph)
    found = states(api, run)
    for number, state in enumerate(expected, 1):
        assert found[str(number)] == state, number
    assert len(found) == len(expected)


def test_a_loser_of_a_race(api: Db) -> None:
    run = api.finish(
        "df.race(df.wait_for_signal('go'),"
        " df.seq('select 2', df.sleep(60), 'select 3'))"
    )
    api.run("select df.signal(%s, 'go')", run)
    api.work()
    assert states(api, run) == {
        "1": DONE,
        "2": DONE,
        "3": skipped(1, "cancelled"),
        "4": DONE,
        "5": skipped(1, "cancelled"),
        "6": skipped(1),
    }


def test_a_cancelled_run(api: Db) -> None:
    run = api.finish("df.seq('select 1', df.sleep(60), 'select 2')")
    api.run("select df.cancel(%s)", run)
    assert states(api, run) == {
        "1": ("cancelled", "cancelled", None),
        "2": DONE,
        "3": ("cancelled", "skipped", "1"),
        "4": skipped(1),
    }


def test_nodes_in_pg_durables_form(api: Db) -> None:
    run = api.finish(
        """df.seq(df."as"('select 1 as a', 'x'),
             df."if"('select $x = 2', df.join3('select 1', 'select 2', 'select 3'),
               df.seq(df.wait_for_signal('go', 5),
                 df.http('http://h', 'GET', timeout_seconds => 7),
                 df."loop"(df."break"('v'), 'select true'),
                 df.if_rows('x', df.sleep(3), df.wait_for_schedule('0 9 * * mon')))))"""
    )
    query = "select * from df.nodes order by id::integer"
    rows = {row["id"]: row for row in table(api, query)}
    shown = [
        (row["node_type"], row["query"], row["left_node"], row["right_node"])
        for row in rows.values()
    ]
    assert shown == [
        ("THEN", None, "2", "3"),
        ("SQL", "select 1 as a", None, None),
        ("IF", '{"condition_node": "4"}', "5", "9"),
        ("SQL", "select $x = 2", None, None),
        ("JOIN", '{"extra_nodes": ["8"]}', "6", "7"),
        ("SQL", "select 1", None, None),
        ("SQL", "select 2", None, None),
        ("SQL", "select 3", None, None),
        ("THEN", '{"extra_nodes": ["12", "15"]}', "10", "11"),
        ("SIGNAL", '{"signal_name": "go", "timeout_seconds": 5}', None, None),
        (
            "HTTP",
            '{"url": "http://h", "method": "GET", "timeout_seconds": 7}',
            None,
            None,
        ),
        ("LOOP", '{"condition_node": "14"}', "13", None),
        ("BREAK", '{"break_value": "v"}', None, None),
        ("SQL", "select true", None, None),
        ("IF", '{"result_name": "x", "condition_type": "result_has_rows"}', "16", "17"),
        ("SLEEP", "3", None, None),
        ("WAIT_SCHEDULE", '{"cron_expr": "0 9 * * mon"}', None, None),
    ]
    assert rows["2"]["result"] == {"rows": [{"a": 1}], "row_count": 1}
    assert rows["2"]["status_details"] == {"execution_id": f"{run}::1"}
    assert rows["5"]["status_details"] is None
    failed = api.finish("'select 1/0'")
    (node,) = table(api, "select * from df.nodes where instance_id = %s", failed)
    assert (node["result"], node["error"]) == ("division by zero",) * 2


def test_results_that_jsonb_cannot_hold_do_not_hide_the_others(api: Db) -> None:
    run = api.finish("""'select ''{"a": "\\u0000"}''::json as j'""")
    assert api.status(run) == "completed"
    (node,) = table(api, "select result from df.nodes")
    assert "u0000" in node["result"]


TREE = """\
SQL: select 1 |=> 'x'
→ IF
    ? condition:
      └─SQL: select true
    ✓ then:
      └─JOIN (2)
          ║ branch 1:
            ├─SQL: select 2
          ║ branch 2:
            └─SQL: select 3
    ✗ else:
      └─LOOP (infinite)
          ↻ body:
            └─SQL: select 4
            → BREAK '7'
→ SIGNAL 'go' (5s)
→ LOOP (while)
    ↻ body:
      └─SLEEP 5s
    ? while:
      └─SQL: select false"""


@pytest.mark.parametrize(
    "given",
    [
        "graph",
        "expression",
    ],
)
def test_explain_of_a_graph(api: Db, given: str) -> None:
    expression = """'select 1' |=> 'x'
        ~> df."if"('select true', 'select 2' & 'select 3',
                   @> ('select 4' ~> df."break"('7')))
        ~> df.wait_for_signal('go', 5) ~> df."loop"(df.sleep(5), 'select false')"""
    if given == "graph":
        shown = api.value(f"select df.explain({expression})")
    else:
        shown = api.value("select df.explain(%s)", f"\n {expression} ")
    assert shown == TREE


def test_explain_of_a_run(api: Db) -> None:
    run = api.finish(
        """df.seq(df."if"('select false', 'select 2', df.sleep(60)), 'select 3')""",
        label="l",
    )
    assert api.value("select df.explain(%s)", f" {run} ").splitlines() == [
        f"Instance: {run} (l)",
        "Status:   ⏳ Running",
        "",
        "IF ⏳",
        "    ? condition:",
        "      └─SQL: select false ✓",
        "    ✓ then:",
        "      └─SQL: select 2 ○",
        "    ✗ else:",
        "      └─SLEEP 60s ⏳",
        "→ SQL: select 3 ○",
    ]
    failed = api.value("select df.explain(%s)", api.finish("df.seq('select 1/0', 'x')"))
    assert failed.splitlines()[1:] == [
        "Status:   ✗ Failed",
        "Output:   division by zero",
        "",
        "SQL: select 1/0 ✗",
        "    ! division by zero (22012)",
        "→ SQL: x ⊘",
    ]


def test_explain_does_not_execute_a_statement(api: Db) -> None:
    shown = api.value("select df.explain(%s)", "insert into log (what) values ('~>')")
    assert shown == "SQL: insert into log (what) values ('~>')"
    assert api.log() == []
    with pytest.raises(psycopg.Error) as caught:
        api.run("select df.explain('00000000')")
    assert caught.value.sqlstate == "PD002"
