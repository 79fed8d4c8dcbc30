"""Names of results: unique in the graph, and found in no statement's text.

A name is `r<number>_<what>`. No name is the beginning of another, because a runtime
may look for names by prefix; emission keeps the user's text from containing `$name`
at all, and the choice of the prefix makes sure once more.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from perdure.ir.expr import Expression, Template
from perdure.lower.index import Index


@dataclass(slots=True)
class Names:
    """Hands out names."""

    prefix: str
    count: int = 0
    given: dict[str, str] = field(default_factory=dict)

    def fresh(self, what: str) -> str:
        """Return a new name that tells what it is of."""
        self.count += 1
        word = re.sub(r"[^A-Za-z0-9_]", "_", what)[:40]
        return f"{self.prefix}{self.count}_{word}"

    def of(self, variable: str, what: str) -> str:
        """Return the name of a variable's result, the same at all its bindings."""
        if variable not in self.given:
            self.given[variable] = self.fresh(what)
        return self.given[variable]


def names_for(index: Index) -> Names:
    """Return a source of names that cannot stand in any text of the workflow."""
    text = "\n".join(_texts(index)).lower()
    prefix = "r"
    while re.search(rf"[$]{prefix}[0-9]", text):
        prefix += "r"
    return Names(prefix)


def _texts(index: Index) -> list[str]:
    found = [token.text for token in index.tokens if "$" in token.text]
    for expr in index.of(Expression):
        found += [part for part in expr.parts if isinstance(part, str)]
    for template in index.of(Template):
        found += [part for part in template.parts if isinstance(part, str)]
    return found
