"""Which database is meant, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from perdure.engine.database import Choice, choose, connect, describe, open_database
from perdure.engine.errors import NoDatabase, UsageError

A, B, C = "postgresql://a/x", "postgresql://b/x", "postgresql://c/x"


@pytest.mark.parametrize(
    ("option", "environ", "expected"),
    [
        (None, {}, None),
        (None, {"DATABASE_URL": ""}, None),
        ("embedded", {"DATABASE_URL": C}, None),
        (None, {"DATABASE_URL": C, "PERDURE_DATABASE_URL": "embedded"}, None),
        (None, {"DATABASE_URL": C}, Choice(C, "DATABASE_URL")),
        (
            None,
            {"DATABASE_URL": C, "PERDURE_DATABASE_URL": B},
            Choice(B, "PERDURE_DATABASE_URL"),
        ),
        (
            A,
            {"DATABASE_URL": C, "PERDURE_DATABASE_URL": B},
            Choice(A, "--database-url"),
        ),
    ],
)
def test_order_of_choice(
    option: str | None, environ: dict[str, str], expected: Choice | None
) -> None:
    assert choose(option, environ) == expected


@pytest.mark.parametrize("option", ["", " "])
def test_an_empty_option_is_no_choice(option: str) -> None:
    with pytest.raises(UsageError, match=r"(?s)is empty.*= help: .*embedded"):
        choose(option, {"DATABASE_URL": C})


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (
            "postgresql://clerk:secret@db.example.com:5433/shop",
            "db.example.com:5433/shop",
        ),
        ("host=db dbname=shop password=secret", "db/shop"),
        ("postgresql:///shop", "local socket/shop"),
        ("not a url", "the database"),
    ],
)
def test_shown_without_secrets(url: str, shown: str) -> None:
    assert describe(url) == shown


def test_database_that_is_not_there(tmp_path: Path) -> None:
    url = f"postgresql://clerk:secret@/shop?host={tmp_path}"
    with pytest.raises(NoDatabase) as caught, open_database(url, {}, tmp_path):
        pass
    assert "--database-url" in str(caught.value)
    assert "/shop" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_text_that_is_no_url() -> None:
    with pytest.raises(NoDatabase, match="DATABASE_URL is not a PostgreSQL URL"):
        connect("mysql://x", "DATABASE_URL")


def test_only_the_embedded_database_is_made_anew(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError, match="--database-url names another one"),
        open_database(A, {}, tmp_path, fresh=True),
    ):
        pass
