"""The rules that say for whom a change of a workflow matters; `docs/releases.md` has
them as a table.

Three classes. *metadata*: the compiled workflow does the same; no version is made,
but for inputs that are listed otherwise.
*compatible*: callers and those who send signals need not change. *breaking*: they
must. Runs that have started never change: they stay on their version. So a changed
step is compatible however much it does otherwise; judging what steps do is the
reviewer's matter, who is shown their differences.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

Effect = Literal["metadata", "compatible", "breaking"]

ORDER: tuple[Effect, ...] = ("metadata", "compatible", "breaking")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a kind of change means, and why."""

    name: str
    effect: Effect
    reason: str


def _rules(effect: Effect, rules: Mapping[str, str]) -> dict[str, Rule]:
    return {name: Rule(name, effect, reason) for name, reason in rules.items()}


RULES: Mapping[str, Rule] = {
    **_rules(
        "metadata",
        {
            "description-changed": "a description is for readers only",
            "file-moved": "where a workflow stands does not change what it does",
            "inputs-listed-otherwise": "calls take them in the order of before: those "
            "that may be left out come last; a version is made all the same",
        },
    ),
    **_rules(
        "compatible",
        {
            "workflow-added": "nobody calls it yet",
            "input-added-optional": "calls that leave it out go on working",
            "input-widened": "every value of the old type is one of the new type",
            "input-made-optional": "calls that give a value go on working",
            "input-default-changed": "calls that leave it out mean another value now",
            "returns-added": "the result has a declared type now",
            "returns-extended": "readers find every member that they know",
            "returns-never-null": "readers that expect null don't meet it any more",
            "signal-added-timeout": "the run goes on when nobody sends it",
            "payload-relaxed": "every payload that was accepted is accepted",
            "signal-timeout-changed": "senders send the same, in another time",
            "sent-added": "a signal more is sent",
            "schedule-changed": "runs start by themselves at other times",
            "option-changed": "callers call as before",
            "host-added": "the workers must be allowed to reach it",
            "host-removed": "nothing is asked of it any more",
            "secret-added": "the workers must be given it",
            "secret-removed": "the workers need it no more",
            "call-added": "another workflow does a part",
            "call-removed": "another workflow does no part any more",
            "call-taken-in": "the run does its steps itself, and no other one is "
            "started",
            "call-on-its-own": "a run of its own does its steps",
            "reads-added": "the role of the runs needs the right to read it",
            "reads-removed": "it is read no more",
            "writes-added": "the role of the runs needs the right to write it",
            "writes-removed": "it is written no more",
            "rolled-back": "a version that was there is current again; runs in flight "
            "stay on theirs",
            "version-retired": "it goes once its runs have ended; those that failed "
            "can't be retried then",
            "schema-changed": "the schema gives its steps other types than those it "
            "was compiled with",
            "ring-changed": "it and a workflow that changed call each other, and their "
            "versions go together",
            "steps-changed": "runs that have started stay on their version",
        },
    ),
    **_rules(
        "breaking",
        {
            "workflow-not-compared": "what it was does not compile; a version in the "
            "lock is read under the schema of today, a revision of git under its own",
            "workflow-unfit": "what is to be in force does not compile under the "
            "project's schema: runs that start with it would fail",
            "workflow-removed": "callers have nothing to call any more",
            "workflow-renamed": "callers must call it by its new name",
            "input-added-required": "callers must give a value",
            "input-removed": "calls that give a value fail",
            "input-type-changed": "callers may give values that are refused",
            "input-made-required": "callers that leave it out or give null fail",
            "inputs-reordered": "calls that give values by position mean others",
            "returns-removed": "readers of the result can rely on nothing",
            "returns-changed": "readers of the result find something else",
            "returns-not-compared": "its type comes from the schema, which no version "
            "keeps; a revision of git has its own to compare with",
            "returns-may-be-null": "readers of the result may find null",
            "signal-added": "runs wait until somebody sends it",
            "signal-timeout-removed": "runs wait until somebody sends it",
            "signal-removed": "what senders send is not heard",
            "signals-taken-in": "its signals go to the run itself now, for no other "
            "one is started",
            "signals-on-its-own": "its signals go to the run of its own now",
            "payload-restricted": "payloads that were accepted are refused",
            "sent-removed": "who waits for it waits on",
            "role-added": "nobody may call it until it is granted; the role needs the "
            "rights on what the steps touch",
            "role-removed": "its steps run as who calls it, who needs the rights on "
            "what they touch; everybody may call it",
            "role-changed": "what was granted on it has to be granted again; the new "
            "role needs the rights on what the steps touch",
        },
    ),
}


def worst(effects: Iterable[Effect]) -> Effect | None:
    """Return the class that matters most; None of none."""
    return max(effects, key=ORDER.index, default=None)


def at_least(effect: Effect | None, limit: Effect) -> bool:
    """Say whether a class matters as much as another."""
    return effect is not None and ORDER.index(effect) >= ORDER.index(limit)
