"""Findings of `verify` for a terminal: what is wrong once, then where.

A column that is gone is the same mistake in every version that reads it. Versions of a
workflow of which the same is to be said share a line; the JSON has each finding.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from perdure.release.verify import Finding

_SHOWN = 6
"""So many steps and places are named in a line."""


def render_text(findings: Sequence[Finding], versions: int) -> str:
    """Return findings for a terminal."""
    groups: dict[object, list[Finding]] = {}
    for each in findings:
        key = (each.severity, each.code, each.message)
        groups.setdefault(key, []).append(each)
    lines = [line for found in groups.values() for line in _group(found)]
    if not findings and not versions:
        lines.append("nothing to verify: there is no version")
    elif not findings:
        fit = "1 version fits" if versions == 1 else f"{versions} versions fit"
        lines.append(f"good: {fit} the schema")
    return "\n".join(lines) + "\n"


def _group(found: Sequence[Finding]) -> Iterator[str]:
    """Yield what one mistake is, where it is, and what to do."""
    first = found[0]
    code = f"[{first.code}]" if first.code else ""
    keys = list(dict.fromkeys(each.key for each in found))
    if len(keys) == 1:
        yield f"{first.severity}{code}: {first.key}: {first.message}"
        for same in _of_same_notes(found):
            yield from places(same)
            yield from (f"  = note: {note}" for note in same[0].notes)
    else:
        yield f"{first.severity}{code}: {first.message}, in {len(keys)} versions"
        for versions in _alike(found):
            for same in _of_same_notes(versions):
                yield f"  --> {_versions(same)}{_steps(same)}"
                yield from (f"      = note: {note}" for note in same[0].notes)
    yield from (f"  = help: {text}" for text in _helps(found))


def _helps(found: Sequence[Finding]) -> Iterator[str]:
    """Yield what to do, and for which versions, where not all are to do the same."""
    keys = {each.key for each in found}
    helps: dict[str, list[Finding]] = {}
    for each in found:
        if each.advice:
            which = each.key if len(keys) == 1 else "VERSION"
            helps.setdefault(each.advice.replace(each.key, which), []).append(each)
    for text, own in helps.items():
        if {each.key for each in own} == keys:
            yield text
            continue
        workflows: dict[str, list[Finding]] = {}
        for each in own:
            workflows.setdefault(each.workflow, []).append(each)
        yield f"for {', '.join(map(_versions, workflows.values()))}: {text}"


def places(found: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines that say where findings of one version are."""
    for each in found:
        if each.place:
            step = f", step {each.step}" if each.step else ""
            yield f"  --> {each.place}, as it was compiled{step}"


def _of_same_notes(found: Sequence[Finding]) -> list[list[Finding]]:
    """Return findings by what is to be said about each step."""
    same: dict[tuple[str, ...], list[Finding]] = {}
    for each in found:
        same.setdefault(each.notes, []).append(each)
    return list(same.values())


def _alike(found: Sequence[Finding]) -> list[list[Finding]]:
    """Return the findings of versions of a workflow of which the same is said."""
    by_version: dict[str, list[Finding]] = {}
    for each in found:
        by_version.setdefault(each.key, []).append(each)
    same: dict[object, list[Finding]] = {}
    for of_one in by_version.values():
        said = (of_one[0].workflow, frozenset(each.notes for each in of_one))
        same.setdefault(said, []).extend(of_one)
    return list(same.values())


def _versions(found: Sequence[Finding]) -> str:
    """Return `order@1 to @4, @7`."""
    numbers = sorted({each.version for each in found})
    texts = []
    for _, run in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0]):
        row = [number for _, number in run]
        if len(row) > 2:
            texts.append(f"@{row[0]} to @{row[-1]}")
        else:
            texts += [f"@{number}" for number in row]
    return found[0].workflow + ", ".join(texts)


def _steps(found: Sequence[Finding]) -> str:
    """Return the steps of versions, and where they stood as they were compiled."""
    names = _distinct((each.step,) for each in found if each.step)
    lines: dict[str, set[int]] = {}
    for each in filter(None, (each.place for each in found)):
        file, _, line = each.rpartition(":")
        lines.setdefault(file, set()).add(int(line))
    texts = {file: [str(line) for line in sorted(of)] for file, of in lines.items()}
    where = ", ".join(f"{file}:{_listed(each)}" for file, each in texts.items())
    steps = f", step{'s' if len(names) > 1 else ''} {_listed(names)}" if names else ""
    return steps + (f" ({where}, as compiled)" if where else "")


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN
    return ", ".join(texts[:_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _distinct(lists: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(text for texts in lists for text in texts))
