"""The lock: written, read, and not believed when it is damaged."""

from __future__ import annotations

import pytest

from perdure.plan.tree import Parameter
from perdure.release import Entry, Lock, read_lock, text_digest, write_lock
from perdure.source import Source


def entry(workflow: str, version: int, *parameters: Parameter) -> Entry:
    return Entry(
        workflow,
        version,
        "d" * 64,
        "perdure",
        "workflows",
        "plain",
        f"0001_{workflow}_v{version}",
        (("a.up.sql", "u"), ("a.down.sql", "v")),
        parameters,
        'says "hello"\n',
    )


ENTRIES = (
    entry("a", 1),
    entry("a", 10, Parameter("id", "bigint", False, None)),
    entry("b", 2, Parameter("t", "text", False, "'it''s \\ \x7f'")),
)


def test_what_was_written_is_read() -> None:
    text = write_lock(reversed(ENTRIES))
    lock, found = read_lock(Source("workflows.lock", text))
    assert found == []
    assert lock == Lock(ENTRIES)
    assert write_lock(lock.entries) == text


def test_the_latest_version_counts_numbers() -> None:
    assert Lock(ENTRIES).latest("a") == ENTRIES[1]
    assert Lock(ENTRIES).latest("c") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("format = ", "the lock can't be read: Invalid value"),
        ("", "the lock can't be read: 'format' is missing or wrong"),
        ("format = 2", "the lock can't be read: format 2 is missing or wrong"),
        ("format = 1\n[workflows.a.x]", "the lock can't be read: invalid literal"),
        (
            "format = 1\n[workflows.a.1]",
            'the lock can\'t be read: "digest" in [workflows.a.1] is missing or wrong',
        ),
        (
            write_lock([entry("a", 1)]).replace('"plain"', '"own"'),
            'the lock can\'t be read: the layout "own" of a@1 is missing or wrong',
        ),
        ("<<<<<<< ours\n", "the lock has an unresolved merge"),
    ],
)
def test_a_damaged_lock_is_refused(text: str, message: str) -> None:
    lock, found = read_lock(Source("workflows.lock", text))
    assert lock is None
    assert [each.code for each in found] == ["WF704"]
    assert found[0].message.startswith(message)


TABLE = """\
[workflows.{name}.3]
digest = "{name}"
target = "perdure"
schema = "workflows"
layout = "plain"
migration = "0003_{name}_v3"
files = [
]
signature = []
"""
TAIL = "]\nsignature = []\n"


def merge(ours: str, theirs: str, after: str = "") -> str:
    """Return a lock as git leaves it."""
    sides = f"{ours}=======\n{theirs}"
    return f"format = 1\n<<<<<<< HEAD\n{sides}>>>>>>> theirs\n{after}"


@pytest.mark.parametrize(
    ("theirs", "message"),
    [
        ("hello", 'two branches changed the same workflow, "hello"'),
        ("other", "two branches made versions of different workflows"),
    ],
)
def test_a_merge_says_what_met(theirs: str, message: str) -> None:
    text = merge(TABLE.format(name="hello"), TABLE.format(name=theirs))
    _, found = read_lock(Source("workflows.lock", text))
    assert [each.message for each in found] == [
        f"the lock has an unresolved merge: {message}"
    ]


def test_a_merge_says_which_migrations_the_sides_have() -> None:
    ours = TABLE.format(name="hello")
    theirs = ours.replace("0003_hello", "0004_hello")
    _, (found,) = read_lock(Source("workflows.lock", merge(ours, theirs)))
    assert found.notes == (
        "--ours has the migration 0003_hello_v3",
        "--theirs has the migration 0004_hello_v3",
    )


@pytest.mark.parametrize("tail", [TAIL, "signature = []\n"])
def test_tables_that_git_cut_are_not_to_be_joined(tail: str) -> None:
    ours, theirs = (TABLE.format(name=e).removesuffix(tail) for e in ("a", "b"))
    _, found = read_lock(Source("workflows.lock", merge(ours, theirs, tail)))
    assert found[0].message.endswith("the tables of two branches are mixed up")
    assert "git checkout --ours or --theirs workflows.lock" in (found[0].help or "")


def test_line_ends_do_not_matter_to_a_digest() -> None:
    assert text_digest("a\r\nb\n") == text_digest("a\nb\n")
    assert text_digest("a") != text_digest("b")
