"""What reading one workflow carries along, and the checks that all readers share.

A reader takes a part of Python's tree and returns a piece of the syntax tree, or None
after it has reported why there is none.
"""

from __future__ import annotations

import ast
import builtins
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar

import perdure.authoring as authoring
from perdure.diagnostics import Diagnostic, Edit, Fix, error, warning
from perdure.frontend.python.held import shown
from perdure.frontend.python.places import Places
from perdure.frontend.yaml.language import MAX_NAME, NAME_PATTERN, RESERVED
from perdure.frontend.yaml.shared import Shared
from perdure.source import Source, Span
from perdure.syntax.expr import Expr, Name
from perdure.syntax.tree import Step

T = TypeVar("T")
Load = Callable[[str], Source | None]


@dataclass(frozen=True, slots=True)
class Given:
    """A value that is known when the workflow is compiled, and where it is used."""

    value: Any
    span: Span


Operand = ast.expr | Given
"""Something to read: a part of the file, or a constant that the module holds."""


@dataclass(slots=True)
class Round:
    """One round of a loop over constants: its names, and their values and places.

    `bound` are those that SQL reads, with the names and values that they have there;
    what an undo reads, which runs when later rounds are over, is bound of its own.
    `apart` says whether the loop stands in a branch or in a loop over rows.
    """

    given: Mapping[str, Given]
    apart: bool
    bound: dict[tuple[str, bool], tuple[Name, Expr]] = field(default_factory=dict)


@dataclass(slots=True)
class Context:
    """The function that is read, its module, and what was found so far.

    `locals` are the names that the function binds; `literals` the string literals
    that module-level names are assigned; `payloads` the member of a result that has a
    declared form, by the result's name, "" for all of it. `blocks` are the functions
    nested in it, which are branches; `reading` are those that are being read, and
    `used` those that were. `loops` says of each loop around what is read whether it
    is written out; `errors` are the names of the failures that are being handled.
    `rounds` are the rounds of such loops by the names that they bind, `copies` how
    often what they hold is written out, `taken` the names that were bound for SQL.
    `apart_depth` counts the branches and loops over rows around what is read, `undoing`
    says whether an undo is read.
    `held` are the containers of the module that were read, and what is held of them,
    by the `id` of the container.
    `choices` are the values of the inputs that take some only, and keep theirs;
    `members` have the first of them, also for those that may be null.
    `once` are the names that nothing but loops binds, `ended` those of them whose loop
    over constants is over.
    `wholes` are the names of results that statements take apart, by the `id` of these.
    `shared` are the project's definitions, `failure` what runs when all fails, and
    `body` are the statements of the workflow; `unended` says that one of them that
    ends it could not be read.
    """

    places: Places
    load: Load
    namespace: Mapping[str, Any]
    literals: Mapping[str, ast.expr]
    found: list[Diagnostic] = field(default_factory=list)
    unread: set[str] = field(default_factory=set)
    locals: set[str] = field(default_factory=set)
    payloads: dict[str, str] = field(default_factory=dict)
    blocks: dict[str, ast.FunctionDef] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    reading: list[str] = field(default_factory=list)
    loops: list[bool] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    rounds: Mapping[str, Round] = field(default_factory=dict)
    copies: int = 1
    taken: dict[str, tuple[bool, str]] = field(default_factory=dict)
    choices: dict[str, Sequence[Any]] = field(default_factory=dict)
    members: dict[str, Any] = field(default_factory=dict)
    once: frozenset[str] = frozenset()
    ended: set[str] = field(default_factory=set)
    apart_depth: int = 0
    undoing: bool = False
    shared: Shared = field(default_factory=Shared)
    failure: tuple[Step, ...] | None = None
    body: Sequence[ast.stmt] = ()
    unended: bool = False
    depth: int = 0
    held: dict[int, tuple[Any, Any]] = field(default_factory=dict)
    wholes: dict[int, str] = field(default_factory=dict)

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        *notes: str,
        help: str | None = None,
        fix: Fix | None = None,
    ) -> None:
        """Add an error; what is read twice, in a loop that is written out, twice."""
        self.found.append(error(code, span, message, *notes, help=help, fix=fix))

    def warn(self, code: str, span: Span, message: str, help: str) -> None:
        """Add a warning."""
        self.found.append(warning(code, span, message, help=help))

    def take(self, result: tuple[T, list[Diagnostic]]) -> T:
        """Add the findings of another reader and return its result."""
        self.found.extend(result[1])
        return result[0]

    @contextmanager
    def apart(self, undoing: bool = False) -> Iterator[None]:
        """Say that what is read binds names of its own."""
        before = self.undoing
        self.apart_depth, self.undoing = self.apart_depth + 1, before or undoing
        yield
        self.apart_depth, self.undoing = self.apart_depth - 1, before

    def span(self, operand: Operand | ast.stmt | ast.pattern) -> Span:
        """Return the place of an operand, a statement or a pattern."""
        if isinstance(operand, Given):
            return operand.span
        return self.places.span(operand)

    def shown(self, operand: Operand) -> str:
        """Return how a message names an operand."""
        if isinstance(operand, Given):
            return short(shown(operand.value))
        return short(ast.unparse(operand))

    def known(self, name: str) -> bool:
        """Say whether a name is one of the module, or of Python itself."""
        return name not in self.locals and (
            name in self.namespace or hasattr(builtins, name)
        )


def short(text: str) -> str:
    """Return text cut to what fits into a message."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "..."


def counted(number: int, noun: str) -> str:
    """Return `1 input` and `2 inputs`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def nearest(word: str, words: Iterable[str]) -> str | None:
    """Return the word that was probably meant."""
    if len(word) > 2 * MAX_NAME:
        return None
    return next(iter(get_close_matches(word.lower(), list(words), 1, 0.65)), None)


def suggestion(span: Span, meant: str | None) -> dict[str, Any]:
    """Return the help and the fix for a word that should be another."""
    if meant is None:
        return {}
    fix = Fix(f'replace by "{meant}"', (Edit(span, meant),))
    return {"help": f'did you mean "{meant}"?', "fix": fix}


def report_missing(ctx: Context, node: ast.expr) -> bool:
    """Report a word of `perdure` that the module has not imported; say if it is one."""
    word = node.func if isinstance(node, ast.Call) else node
    if not isinstance(word, ast.Name) or word.id not in authoring.__all__:
        return False
    if ctx.known(word.id) or word.id in ctx.locals:
        return False
    message = f'"{word.id}" is not imported'
    help_ = f"add: from perdure import {word.id}"
    ctx.report("WF174", ctx.span(word), message, help=help_)
    return True


def names_stored(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return the names that statements bind, at any depth."""
    names = (
        each
        for node in nodes
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)
    )
    return frozenset(each.id for each in names)


def name_of(ctx: Context, word: str, span: Span) -> Name | None:
    """Return a name that steps, inputs or branches may have."""
    if not re.fullmatch(NAME_PATTERN, word):
        rule = "names are lower-case letters, digits and _, not a digit first"
        snake = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", word).lower()
        plain = unicodedata.normalize("NFKD", snake)  # accents are then apart
        kept = "".join(each for each in plain if not unicodedata.combining(each))
        likely = re.sub(r"\W+", "_", kept, flags=re.A)
        fits = re.fullmatch(NAME_PATTERN, likely) and len(likely) <= MAX_NAME
        good = fits and likely.strip("_")
        help_ = f'for example "{likely}"' if good else None
        ctx.report("WF119", span, f'"{short(word)}" is not a name', rule, help=help_)
    elif len(word) > MAX_NAME:
        message = f"the name has {len(word)} characters, the limit is {MAX_NAME}"
        ctx.report("WF119", span, message, help="choose a shorter name")
    elif word in RESERVED:
        message = f'"{word}" is a word of the expression language, not a name'
        ctx.report("WF120", span, message, help=f'for example "{word}_"')
    else:
        return Name(word, span)
    return None
