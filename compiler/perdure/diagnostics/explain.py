"""The registry of codes as pages: `perdure explain WF203`, and docs/errors.md."""

from __future__ import annotations

import textwrap

from perdure.diagnostics.codes import REGISTRY, Code

_RANGES = {
    "1": "Reading",
    "2": "Names and types",
    "3": "Nullability and cardinality",
    "4": "Durability and effects",
    "5": "SQL",
    "6": "Targets",
    "7": "Releases",
    "8": "Import",
}

_HEAD = """\
<!-- Written from the registry of codes; edit compiler/perdure/diagnostics/codes. -->

# Error codes

Every finding of `perdure check` and `perdure compile` has a code. This page shows them
all; `perdure explain WF203` prints the part of one. A finding that is a warning can be
silenced where it stands, by a comment that names it: `# perdure: ignore[WF412] reason`.
"""


def explain(code: str) -> str:
    """Return the page of a code as plain text; raises KeyError for an unknown one."""
    entry = REGISTRY[code]
    parts = [
        f"{entry.code}: {entry.summary}",
        _filled(entry.what),
        _filled(entry.why),
        f"Wrong:\n\n{_indented(entry.wrong)}",
        f"Right:\n\n{_indented(entry.right)}",
    ]
    return "\n\n".join(parts)


def markdown(entry: Code, level: int = 1) -> str:
    """Return the page of a code in Markdown, its title a heading of the level."""
    return "\n\n".join(
        (
            f"{'#' * level} {entry.code}: {entry.slug}",
            f"{_sentence(entry.summary)}",
            entry.what,
            entry.why,
            f"Wrong:\n\n{_fenced(entry.wrong)}",
            f"Right:\n\n{_fenced(entry.right)}",
        )
    )


def codes_page() -> str:
    """Return docs/errors.md."""
    parts = [_HEAD.rstrip()]
    entries = sorted(REGISTRY.values(), key=lambda entry: entry.code)
    for digit, title in _RANGES.items():
        members = [entry for entry in entries if entry.code[2] == digit]
        if members:
            parts.append(f"## {digit}xx: {title}")
            parts.append(_table(members))
            parts += [markdown(entry, 3) for entry in members]
    return "\n\n".join(parts) + "\n"


def _table(entries: list[Code]) -> str:
    rows = ["| code | says |", "|---|---|"]
    for entry in entries:
        anchor = f"{entry.code}-{entry.slug}".lower()
        summary = entry.summary.replace("|", "\\|")
        rows.append(f"| [{entry.code}](#{anchor}) | {summary} |")
    return "\n".join(rows)


def _filled(text: str) -> str:
    paragraphs = text.strip().split("\n\n")
    return "\n\n".join(textwrap.fill(" ".join(p.split()), 80) for p in paragraphs)


def _indented(snippet: str) -> str:
    return textwrap.indent(snippet.strip("\n"), "    ")


def _fenced(snippet: str) -> str:
    language = "sql" if snippet.startswith(("select ", "create ")) else "yaml"
    return f"```{language}\n{snippet.strip(chr(10))}\n```"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."
