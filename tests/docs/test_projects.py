"""The pages that describe files agree with those files."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from perdure.cli.init import skeleton
from perdure.config import read_config
from tests.docs.markdown import ROOT, blocks

DOCS = ROOT / "docs"


def yaml_of(page: Path) -> list[str]:
    return [b.text for b in blocks(page.read_text()) if b.language == "yaml"]


def test_the_readme_shows_the_workflow_of_a_new_project() -> None:
    workflow = skeleton()["workflows/order_approval.yaml"]
    without_remark = re.sub(r"\n  # To tell .*?\n\n", "", workflow, flags=re.DOTALL)
    assert yaml_of(ROOT / "README.md") == [without_remark]


def test_getting_started_shows_the_workflow_in_python() -> None:
    workflow = skeleton(python=True)["workflows/order_approval.py"]
    function = workflow[workflow.index("@workflow") :]
    function = re.sub(r"\n    # To tell .*?\n\n", "\n", function, flags=re.DOTALL)
    page = (DOCS / "getting-started.md").read_text()
    assert [b.text for b in blocks(page) if b.language == "python"] == [function]


def test_the_example_uses_the_schema_of_the_golden_cases() -> None:
    example = (ROOT / "examples" / "orders" / "schema.sql").read_text()
    assert (ROOT / "tests" / "golden" / "schema.sql").read_text() == example


def configuration_page() -> tuple[str, str]:
    """Return the page, and the configuration that it shows."""
    page = (DOCS / "configuration.md").read_text()
    (shown,) = (b.text for b in blocks(page) if b.option("file") == "perdure.toml")
    return page, shown


def test_the_configuration_of_the_page_is_read(tmp_path: Path) -> None:
    _, shown = configuration_page()
    data = tomllib.loads(shown)
    for name in data["schema"] + data["seed"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "perdure.toml").write_text(shown)
    config, found = read_config(tmp_path / "perdure.toml")
    assert found == []
    assert config is not None
    assert config.http_allow == ("hooks.internal",)


def test_every_configuration_key_has_a_section(tmp_path: Path) -> None:
    page, shown = configuration_page()
    (tmp_path / "perdure.toml").write_text("no_such_key = 1\n[http]\nno_such_key = 1\n")
    _, found = read_config(tmp_path / "perdure.toml")
    known = [
        name
        for each in found
        for name in (each.help or "").removeprefix("the keys are: ").split(", ")
    ]
    headings = re.findall(r"^## ([\w.]+)$", page, flags=re.MULTILINE)
    assert {name for name in known if name != "allow"} == {
        heading.split(".")[0] for heading in headings
    }
    assert set(tomllib.loads(shown)) == {name for name in known if name != "allow"}


@pytest.mark.parametrize("name", ["seed.sql", "schema/001_shop.sql"])
def test_a_new_project_has_what_its_configuration_names(name: str) -> None:
    files = skeleton()
    data = tomllib.loads(files["perdure.toml"])
    assert name in files
    assert any(name.startswith(each) for each in [data["schema"], *data["seed"]])
