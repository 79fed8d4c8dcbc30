"""The runs that must end the same on both runtimes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from psycopg.types.json import Jsonb

from tests.pg_durable.sides import Case, Signal
from tests.unit.engine.http_server import Server

HOSTILE = {
    "plain": "x",
    "empty": "",
    "quotes": "it's ''quoted'' \"here\"",
    "reference": "$order $r1_back.v $1 $$ ${x}",
    "variable": "{sys_label} {sys_instance_id} {a} {a,b} { }",
    "comment": "-- /* */ ; drop table t.log",
    "backslashes": "\\ \\' E'\\x41' \\n",
    "dollars": "$$ $sql$ $body$ $workflow$",
    "lines": "a\nb\r\n\tc\u2028\x01",
    "wide": "caf\u00e9 \u4f60\u597d \U0001f600 \ufffd",
    "numbers": "-1",
    "boolean": "false",
    "null": "NULL",
    "json": '{"a": [1, null], "$order": "{a}"}',
    "large": "ab$c'{d}" * 4000,
}


def _hostile(value: str) -> Case:
    inputs = {
        "v": value,
        "doc": Jsonb({"k": value, value[:50]: [1, None]}),
        "raw": value.encode(),
        "list": [value, "", 'a,"b'],
        "n": "-1.50" if value == "x" else "1",
    }
    return Case("hostile_inputs", inputs)


def _loop(way: str, result: int, *rows: str) -> Case:
    return Case("loops", {"way": way}, result=result, rows=rows)


def _failed(workflow: str, error: str, *rows: str, **inputs: object) -> Case:
    return Case(workflow, inputs, status="failed", error=error, rows=rows)


def _expects(which: str, count: int, **changes: Any) -> Case:
    return replace(Case("expects", {"which": which, "rows": count}), **changes)


_NO_ROWS = {"status": "failed", "rows": [], "error": "expected"}
_GO = {
    "amount": 1.5,
    "note": "it's $order",
    "tags": ["a", "{b}"],
    "inner": {"yes": True},
}
_ANSWERED = [1.5, "it's $order", ["a", "{b}"], True, True, None]

_PLAIN: dict[str, Case] = {
    "types": Case("types", {"id": 1}),
    "types, nulls": Case("types", {"id": 2}),
    "types, edges": Case("types", {"id": 3}),
    "hostile text": Case("hostile_text", {"v": "it's $order {a}"}),
    "lone braces": Case("lone_braces", result=[True, 9]),
    "far dates": Case("far_dates"),
    "row set": Case("row_sets", {"kind": "a"}),
    "row set, odd values": Case("row_sets", {"kind": "b"}),
    "row set, empty": Case("row_sets", {"kind": "none"}),
    "counts": Case("counts", result=[3, 0, 1, None]),
    "one": _expects("one", 1, result="x", rows=["x"]),
    "one, none": _expects("one", 0, **_NO_ROWS),
    "one, two": _expects("one", 2, **_NO_ROWS),
    "one, unread": _expects("unread", 2, **_NO_ROWS),
    "maybe": _expects("maybe", 1, result="y", rows=["y"]),
    "maybe, none": _expects("maybe", 0, result=None, rows=[]),
    "maybe, two": _expects("maybe", 2, **_NO_ROWS),
    "many": _expects("other", 2, result=2, rows=["z", "z"]),
    **{f"choice {n}": Case("choices", {"n": n}) for n in (12, 11, 5, 1, 0, -1, None)},
    "parallel": Case("branches", result=[23, ["$order", None], None, 4]),
    "parallel fails": _failed("parallel_fails", "division by zero", "good"),
    "the first failure": Case("first_failure", result=["22012", "division by zero"]),
    "race": Case("races", {"quick": True}),
    "race, another": Case("races", {"quick": False}),
    "race fails": _failed("race_fails", "division by zero"),
    "while": _loop("while", 2, "w1", "w2"),
    "while, never": _loop("none", 0),
    "until": _loop("until", 2, "u2"),
    "every": _loop("every", 3, "e1", "e2", "e3"),
    "break and continue": _loop("break", 2, "out"),
    "nested loops": _loop("nested", 2, "k1", "k2", "m1", "m2"),
    "break out of a branch": _loop("branch", 2, "a1", "b1", "b2", "end1"),
    "break out of a race": _loop("race", 2, "a1", "end1"),
    "loops in branches": _loop("inside", 9),
    **{
        f"return, {place}": Case("returns", {"place": place})
        for place in ("if", "parallel", "perhaps", "null", "list", "nowhere")
    },
    "return from nested loops": Case(
        "returns",
        {"place": "loop"},
        result={"n": 3, "half": 0.1},
        rows=["more", "round", "round"],
    ),
    "settings of the caller": Case(
        "dates",
        {
            "days": "{01/02/2024}",
            "at": "01/02/2024 12:00+01",
            "span": "-1 2:00",
            "f": "0.1",
        },
        settings={
            "datestyle": "SQL, DMY",
            "intervalstyle": "sql_standard",
            "extra_float_digits": "-5",
        },
        rows=["2024-02-01|2024-02-01 11:00:00|-2 days -04:00:00|0.1"],
    ),
    "no return": Case("nothing", result=None, rows=["x"]),
    "fail": _failed("failures", "no it's $order {a}", "before", how="fail"),
    "statement fails": _failed("failures", "division by zero", "before", how="sql"),
    "assert": _failed("failures", "not no", "before", how="no"),
    "assert null": _failed("failures", "not null", "before", how="null"),
    "assert holds": Case("failures", {"how": "ok"}, rows=["after", "before"]),
    "sleep": Case("sleeps", {"span": "500 milliseconds"}, rows=["true"]),
    "sleep, past": Case("sleeps", {"span": "-1 day"}, rows=["true"]),
    "sleep, never over": Case(
        "endless_times",
        status="failed",
        error="infinity, which never comes",
        rows=[
            "over",
            "wait 22008 the time to wait for is infinity, which never comes",
        ],
    ),
    "signal, early": Case(
        "signals", {"seconds": 1}, [Signal("go", _GO)], result=_ANSWERED
    ),
    "signal, late": Case(
        "signals", {"seconds": 1}, [Signal("go", _GO, "waiting")], result=_ANSWERED
    ),
    "signal, never": Case("signals", {"seconds": 1}, result=["timed out", None, None]),
    "signals, in order": Case(
        "signals",
        {"seconds": 1},
        [Signal("go", _GO), Signal("go", {"amount": 2, "tags": []})],
    ),
    "signal, without timeout": Case(
        "endless_wait", {}, [Signal("go", "$order {a}", "waiting")], result="$order {a}"
    ),
    "signal, unfit": Case(
        "signals",
        {"seconds": 1},
        [Signal("go", {"amount": "much", "tags": []})],
        status="failed",
        error="data.amount",
        rows=["waiting"],
    ),
    "signal that nobody reads, unfit": Case(
        "unread_signal",
        {},
        [Signal("go", {"amount": "much"})],
        status="failed",
        error="data.amount",
        rows=[],
    ),
    "signals in branches": Case(
        "waits",
        {},
        [
            Signal("stop", {"n": 2}),
            Signal("paid", {"amount": 12.5}),
            Signal("go", {"n": 1}, "y2"),
        ],
        result=[1, 2, 12.5],
        rows=["both", "x1", "y2"],
    ),
    "nesting": Case(
        "nesting",
        result={"n": 2, "q": 20, "p": 2, "w": "quick"},
        rows=["c10", "p12", "end12", "p22"],
    ),
    "facts of the run": Case("facts"),
    **{f"hostile input, {name}": _hostile(text) for name, text in HOSTILE.items()},
}


def _fails(workflow: str, error: str, **inputs: object) -> Case:
    return Case(workflow, inputs, status="failed", error=error)


_HANDLED: dict[str, Case] = {
    **{
        f"try, {how}": Case("tries", {"how": how})
        for how in (
            *("ok", "sql", "condition", "assert", "unique", "return"),
            "return fails",
        )
    },
    "try, fails again": _fails("tries", "no it's $order {a}", how="fail"),
    **{
        f"try, {name}": Case("tries", {"how": "assert", "v": text})
        for name, text in HOSTILE.items()
    },
    **{
        f"nested tries, {how}": Case("nested_tries", {"how": how})
        for how in (
            *("ok", "inner", "again", "break", "continue"),
            *("loop", "left", "race"),
        )
    },
    "undo, nothing to undo": Case("sagas", {"how": "ok"}, result="done"),
    "undo": Case(
        "sagas",
        {"how": "some"},
        status="failed",
        error="no $order",
        rows=["booked", "charged", "refunded", "unbooked booked"],
    ),
    "undo, all": _fails("sagas", "no $order", how="all"),
    "undo fails": _fails("sagas", "no $order", how="undo"),
    **{
        f"undo fails, {how}": Case("undo_fails", {"how": how}, result="done")
        for how in ("ok", "handled")
    },
    "undo fails, fails again": Case(
        "undo_fails",
        {"how": "again"},
        status="failed",
        error="division by zero",
        rows=[
            "charged",
            "first",
            "last, division by zero, 22012, "
            'The undo of step "charge" failed, too: no refund (PD012)\n'
            'The undo of step "first" failed, too: division by zero (22012)',
        ],
    ),
    "retry": Case("retries", {"how": "ok"}, result=1),
    "retry, given up": Case("retries", {"how": "never"}),
    "retry, fails": _fails("retries", "division by zero", how="last"),
    "timeout, in time": Case("timeouts", {"how": "ok"}, result=7),
    "timeout, caught": Case("timeouts", {"how": "slow"}, result=7),
    "timeout": _fails("timeouts", "timed out after 00:00:15", how="fails"),
    **{
        f"transaction, {how}": Case("together", {"how": how}) for how in ("ok", "fails")
    },
    "transaction fails": _fails("together", "ends", how="ends"),
    **{
        f"foreach, {how}": Case("items", {"how": how})
        for how in ("ok", "continue", "break", "return")
    },
    "foreach fails": _fails("items", "item 3", how="fail"),
    **{
        f"foreach in foreach, {how}": Case("items_in_items", {"how": how})
        for how in ("ok", "continue", "break")
    },
    "foreach in foreach, return": Case(
        "items_in_items", {"how": "return"}, result="left at 4"
    ),
    "foreach in foreach fails": _fails("items_in_items", "member 4", how="fail"),
    "effects once": Case("exactly", result=3),
    "effects once, fails": Case("exactly", {"fails": True}, result=3),
    **{
        f"foreach in parallel, {how}": Case("lanes", {"how": how})
        for how in ("ok", "inner")
    },
    **{
        f"finally, {how}": Case("finally", {"how": how})
        for how in ("ok", "return", "handler")
    },
    "finally, fails": _fails("finally", "last", how="finally"),
    "finally, fails before": _fails("finally", "no $order", how="last"),
    **{
        f"return from a race, {how}": Case("race_returns", {"how": how})
        for how in ("first", "second", "loser", "none")
    },
    "bounded, in time": Case("bounded", {"how": "ok"}, result="ok"),
    "bounded, too slow": _fails("bounded", "timed out after 00:00:25", how="slow"),
    "bounded, fails": _fails("bounded", "no $order", how="fails", key="one"),
    **{
        f"on_failure fails, {how}": _fails("first_error", "no $order", how=how)
        for how in ("statement", "fail", "again", "ok")
    },
    **{
        f"limited, {how}": Case("limited", {"how": how}, result=how)
        for how in ("quick", "ok")
    },
    "limited, too slow": _fails("limited", "timed out after 00:00:20", how="slow"),
    "schedules in zones": Case("schedules", result="over"),
    "call": Case("calls", {"n": 4}),
    "called run, race lost": Case(
        "callers", {"how": "race"}, result="over", rows=["child begun", "quick"]
    ),
    "called run, timeout": Case(
        "callers",
        {"how": "timeout"},
        result="over",
        rows=[
            *("child begun", "child begun", "child ended"),
            "PD031 timed out after 00:00:04",
        ],
    ),
    **{
        f"called run, {how}": Case("callers", {"how": how}, result="over")
        for how in ("ok", "fails", "late", "expect")
    },
    "call fails": _fails("calls", "no -1", n=-1),
    "call, caught": Case("calls", {"n": 1}),
}


def _requests(text: str) -> Callable[[Server], Case]:
    return lambda http: Case("requests", {"base": http.url(""), "v": text})


def _caught_requests(text: str) -> Callable[[Server], Case]:
    return lambda http: Case("caught_requests", {"base": http.url(""), "v": text})


def _parts(text: str) -> Callable[[Server], Case]:
    return lambda http: Case("parts", {"base": http.url(""), "v": text})


def _asking(how: str, *rows: str) -> Callable[[Server], Case]:
    return lambda http: Case("asking", {"base": http.url(""), "how": how}, rows=rows)


def _always(case: Case) -> Callable[[Server], Case]:
    return lambda _: case


CASES: dict[str, Callable[[Server], Case]] = {
    **{name: _always(case) for name, case in {**_PLAIN, **_HANDLED}.items()},
    **{
        f"requests, {name}": _requests(HOSTILE[name])
        for name in ("plain", "quotes", "reference", "variable", "wide", "json")
    },
    **{
        f"requests in a try, {name}": _caught_requests(HOSTILE[name])
        for name in ("plain", "quotes", "reference", "variable", "wide", "json")
    },
    **{
        f"requests in parts, {name}": _parts(HOSTILE[name])
        for name in ("plain", "quotes", "reference", "variable", "wide")
    },
    "asking, status": _asking("status", "asked PD020", "own PD020 so be it"),
    "asking, silent": _asking("silent", "asked PD021", "own PD021 "),
    "asking, expect": _asking("expect", "asked PD024", "own PD020 so be it"),
    "asking, signal": _asking("signal", "asked PD013", "own PD020 so be it"),
    "request, 500": lambda http: _failed(
        "request_fails", "500", url=http.url("/status?code=500")
    ),
    "request, too slow": lambda http: _failed(
        "request_fails", "", url=http.url("/slow?seconds=3")
    ),
    "request, nobody there": lambda _: _failed(
        "request_fails", "", url="http://127.0.0.1:1/"
    ),
}
