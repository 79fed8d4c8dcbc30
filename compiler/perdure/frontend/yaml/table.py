"""What the tables of the language are made of: kinds of values, keys, steps."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What kind of value a key has; the text is how messages and docs name it."""

    NAME = "a name"
    TEXT = "text"
    EXPRESSION = "an expression"
    TEMPLATE = "text, perhaps with ${...}"
    MESSAGE = "text, perhaps with ${...}, or nothing"
    SQL = "an SQL statement"
    FILE = "a file name"
    REQUEST = "a method and a URL"
    DURATION = "a duration"
    TIMEOUT = "a duration in whole seconds"
    DELAY = "a duration or an expression"
    TYPE = "a type"
    INPUTS = "a mapping of names to types"
    VALUE = "a value"
    RESULT = "a value, or nothing"
    HEADERS = "a mapping of header names to text"
    BINDINGS = "a mapping of names to expressions"
    STEPS = "a list of steps"
    ARMS = "a list of mappings with if and then"
    BRANCHES = "a mapping of branch names to lists of steps"
    EXPECT = "one, maybe or many"
    EFFECTS = "once"
    RETRY = "a number of attempts or a mapping"
    COUNT = "a whole number from 1"
    FACTOR = "a number from 1"
    FLAG = "true or false"
    CONDITIONS = "a list of SQLSTATEs, HTTP statuses or transport"
    NOTHING = "nothing"
    LIMIT = "a duration above zero"
    CASES = "a mapping of values to lists of steps"
    EACH = "a name, in, and a step"
    COLUMNS = "a mapping of columns to values"
    CRON = "a cron expression of five fields"
    ZONE = "a time zone"
    ARGUMENTS = "a mapping of inputs to values"
    FORM = "a mapping of fields to text"
    PARTS = "a mapping of parts to text or mappings"
    STATUSES = "an HTTP status or a list of them"
    OVERLAP = "skip, queue or allow"
    CONCURRENCY = "a number of runs or a mapping"
    IDENTIFIER = "a name of the database's"
    SCHEMAS = "a schema or a list of them"
    TYPES = "a mapping of names to shapes"
    RETRIES = "a mapping of names to retry policies"


_STEPS = (Kind.STEPS, Kind.BRANCHES, Kind.CASES)


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a mapping."""

    name: str
    kind: Kind
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class StepKind:
    """A kind of step; its first key names it.

    `example` is a list of steps that reads without a finding; `files` are those it
    needs, by name. A `bare` kind may also be written as one word.
    """

    keys: tuple[Key, ...]
    doc: str
    example: str
    bare: bool = False
    files: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The key that makes a step one of this kind."""
        return self.keys[0].name

    @property
    def holds_steps(self) -> bool:
        """Whether there are steps inside a step of this kind."""
        return any(key.kind in _STEPS and key.name != "undo" for key in self.keys)
