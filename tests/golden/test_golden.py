"""Case folders: the contract of the compiler as files to read.

* `errors/<CODE>_<what>/`: what `perdure check` says, in `errors.txt`; with a
  `workflows.lock`, also what `perdure compile` says;
* `ok/<case>/`: workflows that must be silent;
* `stages/<case>/`: every form of a workflow, one file each.

A case has `workflows/`, and may have `schema.sql` and `perdure.toml`; without the
former it has `tests/golden/schema.sql`. `pytest --accept` writes what is expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from perdure.config import Config, read_config
from perdure.diagnostics.render import render_text
from perdure.frontend.yaml.language import STEPS
from perdure.pipeline import Checked, Compiler, open_compiler, workflow_files
from perdure.source import Source

HERE = Path(__file__).parent


def cases(kind: str) -> list[Path]:
    """Return the case folders of a kind."""
    return sorted(path for path in (HERE / kind).iterdir() if path.is_dir())


def named(path: Path) -> str:
    return path.name


class Workshop:
    """Compilers of cases, over one state folder, so that they share their server.

    The compiler of the first case stays open, which keeps the server up.
    """

    def __init__(self, state: Path, stack: ExitStack) -> None:
        self.state = state
        self.stack = stack
        self.first: Compiler | None = None

    def open(self, config: Config) -> AbstractContextManager[Compiler]:
        """Open the compiler of a case."""
        compiler = open_compiler(config, state_dir=self.state, remember=False)
        if self.first is None:
            self.first = self.stack.enter_context(compiler)
            return nullcontext(self.first)
        return compiler

    @contextmanager
    def check(self, case: Path) -> Iterator[tuple[Compiler | None, Checked]]:
        """Check a case; without a compiler where its configuration is wrong."""
        config = Config(root=case)
        sources: dict[str, Source] = {}
        if (case / "perdure.toml").exists():
            read, found = read_config(case / "perdure.toml")
            text = (case / "perdure.toml").read_text()
            sources = {"perdure.toml": Source("perdure.toml", text)}
            if read is None:
                yield None, Checked((), tuple(found), sources)
                return
            config = read
        if not config.schema and not config.schema_url:
            own = case / "schema.sql"
            schema = own if own.exists() else HERE / "schema.sql"
            config = replace(config, schema=(schema,))
        config = replace(
            config, workflows=case / "workflows", migrations=case / "migrations"
        )
        with self.open(config) as compiler:
            yield compiler, compiler.check(workflow_files(config))


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with ExitStack() as stack:
        yield Workshop(tmp_path_factory.mktemp("golden"), stack)


def compare(path: Path, actual: str, accept: bool) -> None:
    """Compare with an expected file, or write it."""
    if accept:
        path.write_text(actual)
    assert path.exists(), f"no {path.name} yet; run pytest --accept and read it"
    assert actual == path.read_text()


@pytest.mark.parametrize("case", cases("errors"), ids=named)
def test_errors(case: Path, workshop: Workshop, accept: bool) -> None:
    with workshop.check(case) as (compiler, checked):
        findings = list(checked.findings)
        if compiler is not None and (case / "workflows.lock").exists():
            findings += compiler.release(checked).findings
    text = render_text(findings, checked.sources, colour=False)
    compare(case / "errors.txt", text, accept)
    code = case.name.split("_")[0]
    assert code in {each.code for each in findings}


@pytest.mark.parametrize("case", cases("ok"), ids=named)
def test_ok(case: Path, workshop: Workshop) -> None:
    with workshop.check(case) as (_, checked):
        pass
    assert render_text(checked.findings, checked.sources, colour=False) == ""
    assert checked.units


@pytest.mark.parametrize("case", cases("stages"), ids=named)
def test_stages(case: Path, workshop: Workshop, accept: bool) -> None:
    with workshop.check(case) as (compiler, checked):
        assert render_text(checked.findings, checked.sources, colour=False) == ""
        assert compiler is not None
        for unit in checked.units:
            for stage in ("syntax", "ir", "plan", "sql"):
                ending = "sql" if stage == "sql" else f"{stage}.json"
                text = compiler.dump(unit, stage)
                compare(case / f"{unit.name}.{ending}", text, accept)


OPTIONS = frozenset(
    {"when", "undo", "retry", "timeout", "elif", "every", "while", "until", "finally"}
    | {"collect", "max_parallel", "form", "multipart", "expect_status", "returns"}
    | {"schedule", "idempotency_key", "concurrency", "on_failure", "database"}
)
ELSEWHERE = {"sql_file"}  # read, it is `sql`


@pytest.mark.parametrize("target", ["perdure", "pg_durable"])
def test_every_construct_is_in_a_stage_of_each_target(target: str) -> None:
    texts = []
    for case in cases("stages"):
        config = case / "perdure.toml"
        there = config.exists() and "pg_durable" in config.read_text()
        if there is (target == "pg_durable"):
            texts += [each.read_text() for each in case.glob("workflows/*.yaml")]
    wanted = {kind.name for kind in STEPS} - ELSEWHERE | OPTIONS
    words = set(re.findall(r"\b[a-z_]+\b", "\n".join(texts)))
    assert wanted - words == set()
