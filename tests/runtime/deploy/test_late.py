"""`drift`: functions and views that steps use, edited where no run is in flight."""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from tests.runtime.deploy.conftest import Perdure, execute, make_project
from tests.runtime.deploy.test_changes import SCHEMA, WORKFLOW, migrate

pytestmark = pytest.mark.usefixtures("runtime")
GOOD = "no drift: the database agrees with the lock on 1 version\n"


@pytest.fixture
def project(tmp_path: Path, postgres: str) -> Path:
    return make_project(tmp_path, postgres, WORKFLOW, SCHEMA)


@pytest.fixture
def deployed(perdure: Perdure, database: str) -> Perdure:
    execute(database, SCHEMA)
    perdure("compile")
    perdure("deploy", "--yes")
    return perdure


def test_an_edit_that_the_project_has_not_is_told(
    deployed: Perdure, project: Path, database: str
) -> None:
    assert deployed("drift").stdout == GOOD
    edit = (
        "create or replace function shop.tax(amount numeric) returns numeric"
        " immutable language sql as 'select amount * 0.3'"
    )
    execute(database, edit)
    assert deployed("drift").stdout == (
        "warning: approve@1 uses shop.tax(numeric), which is not what it was when it "
        "was compiled; new runs use it as it is now\n"
        f"  = help: bring database and project's schema to the same definition\n{GOOD}"
    )
    migrate(project, "0.2", "0.4")
    done = deployed("drift").stdout
    assert "compiled, and is another one in the project's schema; new runs" in done
    migrate(project, "0.4", "0.3")  # the team's own change, on both sides
    assert deployed("drift").stdout == GOOD
    execute(database, "drop function shop.tax")
    done = deployed("drift", code=1).stdout
    assert "approve@1 uses shop.tax(numeric), which is not there; new runs need" in done


def test_what_no_run_starts_with_is_not_told(
    deployed: Perdure, project: Path, database: str
) -> None:
    text = WORKFLOW.replace("total, shop.tax(total) as tax", "total")
    text = text.replace("shop.tax(total) > 0 and ", "").replace(
        "shop.big", "shop.orders"
    )
    text = text.replace("select email, shop.tax(total) as tax", "select 1 as tax")
    (project / "workflows" / "approve.yaml").write_text(text)
    deployed("compile")
    deployed("deploy", "--yes")
    execute(database, "create or replace view shop.big as select id from shop.orders")
    assert "warning" not in deployed("drift").stdout


def test_an_edit_is_seen_by_a_role_that_may_dump_nothing(
    deployed: Perdure, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = f"monitor_{uuid.uuid4().hex}"
    execute(database, "create or replace view shop.big as select id from shop.orders")
    execute(database, f"create role {role} login")
    execute(database, f"select df.grant_usage('{role}')")
    url = make_conninfo(database, user=role)
    monkeypatch.setenv("PERDURE_DATABASE_URL", url)
    try:
        done = deployed("drift")
        assert "warning: approve@1 uses shop.big, which is not what it" in done.stdout
        assert done.stderr == ""
    finally:
        execute(database, f"drop owned by {role} cascade; drop role {role}")
