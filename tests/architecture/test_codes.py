"""The registry of diagnostics: complete, unambiguous, and each with a golden case."""

from __future__ import annotations

import re
from collections import Counter
from itertools import chain

import pytest

from perdure.diagnostics.codes import (
    REGISTRY,
    Code,
    durability,
    importing,
    names,
    reading,
    releases,
    shapes,
    sql,
    targets,
)
from tests.architecture.project import PACKAGE, ROOT

RANGES: dict[str, tuple[Code, ...]] = {
    "1": reading.CODES,
    "2": names.CODES,
    "3": shapes.CODES,
    "4": durability.CODES,
    "5": sql.CODES,
    "6": targets.CODES,
    "7": releases.CODES,
    "8": importing.CODES,
}
GOLDEN = ROOT / "tests" / "golden" / "errors"
IMPORTS = ROOT / "tests" / "golden" / "import" / "errors"
CASE = re.compile(r"(WF\d{3})_[a-z0-9_]+")


def golden_codes() -> set[str]:
    """Return the codes that have a case: a folder `WF203_unknown_column`.

    Those of `perdure import` have files of SQL instead, `WF802_operator.sql`.
    """
    cases = [path.name for path in GOLDEN.iterdir()]
    cases += [path.stem for path in IMPORTS.glob("*.sql")]
    return {name[:5] for name in cases if CASE.fullmatch(name)}


def mentioned_codes() -> set[str]:
    """Return the codes that the compiler's own modules name."""
    sources = (
        path.read_text(encoding="utf-8")
        for path in PACKAGE.rglob("*.py")
        if "codes" not in path.parts
    )
    return set(chain.from_iterable(re.findall(r'"(WF\d{3})"', s) for s in sources))


def test_codes_and_slugs_are_unique() -> None:
    entries = list(chain.from_iterable(RANGES.values()))
    for key in ("code", "slug"):
        counts = Counter(getattr(entry, key) for entry in entries)
        assert [value for value, count in counts.items() if count > 1] == []


@pytest.mark.parametrize("digit", sorted(RANGES))
def test_codes_stand_in_the_module_of_their_range_in_order(digit: str) -> None:
    codes = [entry.code for entry in RANGES[digit]]
    assert codes == sorted(codes)
    assert [code for code in codes if not code.startswith(f"WF{digit}")] == []


def test_every_code_that_is_reported_is_registered() -> None:
    assert mentioned_codes() - set(REGISTRY) == set()


def test_every_registered_code_is_reported() -> None:
    assert set(REGISTRY) - mentioned_codes() == set()


def test_every_code_has_a_golden_case() -> None:
    assert set(REGISTRY) - golden_codes() == set()


def test_every_golden_case_belongs_to_a_code() -> None:
    strange = [p.name for p in GOLDEN.iterdir() if not CASE.fullmatch(p.name)]
    assert strange == []
    assert golden_codes() - set(REGISTRY) == set()


@pytest.mark.parametrize("entry", REGISTRY.values(), ids=REGISTRY)
def test_an_entry_is_a_page(entry: Code) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.slug)
    assert entry.summary
    assert not entry.summary.endswith(".")
    assert entry.what.rstrip().endswith(".")
    assert entry.why.rstrip().endswith(".")
    assert entry.wrong.strip()
    assert entry.right.strip()
    assert entry.wrong.strip() != entry.right.strip()
