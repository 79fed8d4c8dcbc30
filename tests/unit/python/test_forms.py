"""Small forms of Python that the twins do not show."""

from __future__ import annotations

import pytest

from perdure.dump import to_data, to_json
from perdure.syntax.expr import Literal
from perdure.syntax.tree import (
    FailStep,
    ForeachStep,
    HttpStep,
    LetStep,
    Options,
    SqlStep,
    SwitchStep,
    TryStep,
)
from perdure.syntax.walk import below
from tests.unit.python.reading import body, findings, read_source, steps


def test_an_error_without_a_name_gets_one_that_is_free() -> None:
    text = "err = order_id\ntry:\n    sleep('1s')\nexcept:\n    raise\nreturn err"
    _, found, _ = steps(text)
    assert isinstance(found, TryStep)
    assert found.error is not None
    assert found.error.text == "err_2"
    assert found.handler is not None
    assert isinstance(found.handler[0], FailStep)


@pytest.mark.parametrize("again", ["raise", "raise err", "raise err from None"])
def test_a_failure_is_raised_again(again: str) -> None:
    (found,) = steps(f"try:\n    sleep('1s')\nexcept Failure as err:\n    {again}")
    assert isinstance(found, TryStep)
    assert found.handler is not None
    (last,) = found.handler
    assert isinstance(last, FailStep)
    assert last.message is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("7 / 2", "3"),
        ("-7 / 2", "-3"),
        ("1.0 / 4", "(1.0 / 4)"),
        ("6 / 2 * 1", "3"),
        ("0.1 * 3", "0.3"),
        ("0.1 + 0.2", "0.3"),
        ("Decimal(7) * 0.5", "3.5"),
        ("1_0.12345678901234567890 + 1", "11.12345678901234567890"),
        ("1e400 * 1e-400", "1"),
    ],
)
def test_constants_are_computed_as_postgresql_does(written: str, meant: str) -> None:
    head = "from decimal import Decimal"
    found, same = (
        steps(f"return {{'x': {text}}}", head=head) for text in (written, meant)
    )
    assert to_json(found) == to_json(same)


@pytest.mark.parametrize(
    ("default", "meant"),
    [("Decimal(1000)", "1000"), ("0.1 * 3", "0.3"), ("Decimal('1.50')", "1.50")],
)
def test_a_default_is_written_without_its_type(default: str, meant: str) -> None:
    head = "from decimal import Decimal"
    text = body("return n", f"n: Decimal = {default}", head)
    ((workflow, found),) = read_source(text)
    assert found == []
    assert workflow is not None
    (only,) = workflow.inputs
    assert isinstance(only.default, Literal)
    assert only.default.text == meant


def names_for_sql(text: str) -> list[tuple[str, str]]:
    """Return the names that are bound for SQL, and the statements, in order."""
    head = "from perdure import branch, foreach, parallel"
    found: list[tuple[str, str]] = []
    for each in below(steps(text, head=head)):
        if isinstance(each, LetStep):
            found += [("let", name.text) for name, _ in each.bindings]
        if isinstance(each, SqlStep):
            found.append(("sql", each.sql.text.value))
    return found


def test_sql_reads_the_names_of_a_written_out_loop() -> None:
    text = "for n, m in ((1, 2), (3, 4)):\n    sql('select :n')"
    once = [("let", "n"), ("sql", "select :n")]
    assert names_for_sql(text) == once * 2


def test_names_of_another_type_and_of_branches_are_others() -> None:
    mixed = "for n in (1, 'x'):\n    sql('select :n, :n::text')"
    assert names_for_sql(mixed)[2:] == [
        ("let", "n_2"),
        ("sql", "select :n_2, :n_2::text"),
    ]
    branches = (
        "with parallel():\n"
        "    for n in (1, 2):\n"
        "        with branch(f'a{n}'):\n"
        "            sql('select :n')\n"
        "        with branch(f'b{n}'):\n"
        "            sleep('1s')\n"
        "for n in (1, 2):\n"
        "    sql('select :n', undo=lambda: sql('delete from x where n = :n'))"
    )
    assert [name for kind, name in names_for_sql(branches) if kind == "let"] == [
        "n",
        "n_2",
        *("n_3", "n_4"),
        *("n_3", "n_5"),
    ]


def test_a_name_of_a_round_in_text_of_sql_and_in_expr() -> None:
    text = "for n in (1,):\n    sql(\"select ':n'\")"
    assert findings(text) == [("WF164", ":n")]
    (made,) = steps("for n in (7,):\n    x = expr('abs(n) + order_id')")
    assert isinstance(made, LetStep)
    assert "7" in str(to_data(made.bindings[0][1]))


def test_the_names_of_a_written_out_loop_end_with_it() -> None:
    text = "for n in (1, 2):\n    x = n\nn = order_id\nreturn n"
    first, second, third, _ = steps(text)
    assert isinstance(first, LetStep)
    assert isinstance(second, LetStep)
    assert isinstance(third, LetStep)
    assert third.bindings[0][0].text == "n"


@pytest.mark.parametrize(
    ("loop", "count"),
    [
        ("for n in range(3):", 3),
        ("for n in reversed(range(1, 4, 2)):", 2),
        ("for a, (b, c) in enumerate(zip((1, 2), 'x y z'.split())):", None),
        ("for a, b in zip((1, 2), ['x', 'y']):", 2),
        ("for n, name in enumerate(SIZES, start=3):", 2),
        ("for n in range(len(SIZES)):", 2),
        ("for n in range(2**2):", 4),
        ("for n in range(10**12):", None),
        ("for n, m in enumerate(range(10**12)):", None),
        ("for name in list(SIZES):", 2),
        ("for name in reversed(tuple(SIZES)):", 2),
        ("for name in SIZES:", 2),
        ("for name in SIZES.values():", 2),
        ("for level in {'low', 'high'}:", 2),
    ],
)
def test_loops_over_constants(loop: str, count: int | None) -> None:
    text = f"{loop}\n    sleep('1s')\nreturn order_id"
    head = "SIZES = {'a': 1, 'b': 2}"
    if count is None:
        assert findings(text, head=head)
    else:
        assert len(steps(text, head=head)) == count + 1


def test_members_of_typed_results_are_read_by_subscript() -> None:
    text = (
        "a = http.get('https://e.example', returns={'n': int})\n"
        "b = http.get('https://e.example')\n"
        "x = a.json['n'] + 1\ny = b.json['n']\nz = a.headers['n']\nreturn x"
    )
    _, _, let, _ = steps(text)
    assert isinstance(let, LetStep)
    shown = [type(value).__name__ for _, value in let.bindings]
    assert shown == ["Binary", "Binary", "Binary"]
    assert "'->>'" not in repr(let.bindings[0])
    assert "'->>'" in repr(let.bindings[1])
    assert "'->>'" in repr(let.bindings[2])


def test_a_loop_that_only_collects_is_a_query() -> None:
    text = "rows = sql('select 1 as id')\nfor r in rows:\n    told = collect(id=r.id)"
    assert findings(text) == [("WF118", "collect(id=r.id)")]


def test_cases_of_an_enum_and_of_numbers() -> None:
    head = "import enum\nclass E(enum.Enum):\n    A = 'a'\n"
    text = (
        "match order_id:\n    case E.A | 'b':\n        sleep('1s')\n"
        "    case 1.50 | -2 | True:\n        sleep('2s')\n    case _:\n        pass"
    )
    (found,) = steps(text, head=head)
    assert isinstance(found, SwitchStep)
    values = [case.value.value for case in found.cases]
    assert values == ["a", "b", "1.5", "-2", "true"]
    assert found.default is None


def test_columns_that_are_words_of_python() -> None:
    text = "rows = sql('select 1 as n')\nfor r in rows:\n    sleep('1s')\n"
    _, found = steps(text + "    _ = collect({'class': r.n})")
    assert isinstance(found, ForeachStep)
    assert found.collect is not None
    assert found.collect.entries[0][0].text == "class"


def test_undo_may_be_another_workflow() -> None:
    text = body("sql('select 1', undo=back)") + (
        "\n@workflow\ndef back():\n    sleep('1s')\n"
    )
    (workflow, found), _ = read_source(text)
    assert found == []
    assert workflow is not None
    (step,) = workflow.steps
    assert isinstance(step, SqlStep)
    assert step.head.undo is not None


def test_policies_and_concurrency_of_the_module() -> None:
    head = "SLOW = Retry(max_attempts=2)\nONE = Concurrency(1)\nWAY = '1h'\n"
    text = body("http.get('https://e.example', retry=SLOW)", head=head)
    text = text.replace("@workflow\n", "@workflow(concurrency=ONE, timeout=WAY)\n")
    ((workflow, found),) = read_source(text)
    assert found == []
    assert workflow is not None
    (step,) = workflow.steps
    assert isinstance(step, HttpStep)
    assert step.retry is not None
    assert step.retry.max_attempts == 2
    assert isinstance(workflow.options, Options)
    assert workflow.options.concurrency is not None
    assert workflow.options.timeout is not None


KEYS = [
    ("timeout='0s'", "WF126", "'0s'"),
    ("timeut='1s'", "WF111", "timeut"),
    ("timezone='UTC'", "WF136", "UTC"),
    ("schedule='0 9 * *'", "WF153", "0 9 * *"),
    ("schedule='0 9 * * *', overlap='skp'", "WF134", "skp"),
    ("schedule='0 9 * * *', timezone='?'", "WF155", "?"),
    ("role=''", None, ""),
    ("search_path=['a', 'b' * 70]", "WF179", "'b' * 70"),
    ("concurrency='many'", "WF193", "'many'"),
    ("concurrency=Concurrency(key='a')", "WF193", "Concurrency(key='a')"),
    ("idempotency_key='order_id +'", "WF140", ""),
    ("on_failure=print", "WF111", "on_failure"),
]


@pytest.mark.parametrize(("given", "code", "place"), KEYS)
def test_keys_of_a_workflow_are_checked(
    given: str, code: str | None, place: str
) -> None:
    text = body("sleep('1s')").replace("@workflow\n", f"@workflow({given})\n")
    ((_, found),) = read_source(text)
    codes = [each.code for each in found]
    assert codes == ([code] if code else [])
    if place and found and found[0].span is not None:
        span = found[0].span
        assert text[span.start : span.end] == place


STEPS = [
    ("sql('select 1', retry='gentle')", "WF137", "'gentle'"),
    ("http.post('https://e.example', json=1, form={'a': 'b'})", "WF124", "http.post"),
    ("http.get('https://e.example', multipart={'a': 'b'})", "WF123", "get"),
    ("http.get('https://e.example', expect_status=500)", "WF133", "500"),
    ("http.get('https://e.example', form={})", "WF118", "{}"),
    ("http.post('https://e.example', multipart={'a': Part()})", "WF132", "Part()"),
    ("signal('s')", "WF193", "signal"),
    ("wait_for_schedule('1 2 3')", "WF153", "1 2 3"),
    ("sql('select 1', timeout='0s')", "WF126", "'0s'"),
    ("sleep('1s', undo=lambda: sleep('1s'))", "WF115", "undo"),
    ("call('a', 1)", "WF193", "1"),
    ("call(order_id)", "WF193", "order_id"),
    ("call()", "WF193", "call"),
    ("with step(retry=3):\n    sleep('1s')", "WF115", "retry"),
    ("with transaction(expect='one'):\n    sql('select 1')", "WF115", "expect"),
]


@pytest.mark.parametrize(("text", "code", "place"), STEPS)
def test_options_of_steps_are_checked(text: str, code: str, place: str) -> None:
    assert findings(text) == [(code, place)]


def test_what_python_refuses_is_read_below_any_import_of_the_decorator() -> None:
    text = "from perdure import *\n\n@workflow\ndef f():\n    await sleep('5s')\n"
    ((_, found),) = read_source(text)
    assert [each.code for each in found] == ["WF173"]


def test_a_return_that_cannot_be_read_is_no_path_without_one() -> None:
    text = body("if n > 1:\n    return f'{n:.2f}'\nreturn 'x'", "n: int")
    text = text.replace("):", ") -> str:")
    ((workflow, found),) = read_source(text)
    assert [each.code for each in found] == ["WF196"]
    assert workflow is not None
    assert workflow.returns is None


RECORD = (
    "from dataclasses import dataclass, field\n@dataclass\nclass Answer:\n"
    "    status: str\n    note: str | None = None\n    count: int = 3\n"
    "    tags: list[str] = field(default_factory=list)\n"
)


def test_a_dataclass_is_made_with_its_defaults() -> None:
    (made,) = steps("return Answer('x', count=4)", head=RECORD)
    (meant,) = steps(
        "return {'status': 'x', 'count': 4, 'note': None, 'tags': []}", head=RECORD
    )
    assert made == meant


def test_a_dataclass_needs_its_fields() -> None:
    assert findings("return Answer(note='x')", head=RECORD) == [("WF193", "Answer")]
    assert findings("return Answer('x', nte='y')", head=RECORD) == [("WF193", "nte")]


def test_cases_know_what_they_are() -> None:
    text = "match order_id:\n    case 1 | 'x' | True | 2.5:\n        sleep('1s')"
    (switch,) = steps(text)
    assert isinstance(switch, SwitchStep)
    kinds = [case.kind for case in switch.cases]
    assert kinds == ["number", "text", "boolean", "number"]
