"""Calls whose steps are taken into the caller, before anything else is lowered.

The inputs of the called workflow become values, its variables get names of their own,
and each of its `return` steps binds the result instead. That works where nothing
follows a `return`: what follows an `if` of which one arm returns moves into the arm
that goes on. A return out of a loop or a branch, or two arms that go on behind a
return, would need code that is copied or asked for; such a workflow is run on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any, cast

from perdure.ir.expr import Expression, Reference
from perdure.ir.tree import (
    Arm,
    CallStep,
    FailStep,
    GroupStep,
    Head,
    IfStep,
    LetStep,
    ReturnStep,
    Step,
    Workflow,
)
from perdure.ir.types import Type, Variable
from perdure.ir.values import as_expression, null_of

Steps = tuple[Step, ...]

_NAMES_OF_VARIABLES = frozenset({"variable", "outside", "inside", "item", "error"})


# --- which workflows ------------------------------------------------------------


def can_inline(workflow: Workflow) -> bool:
    """Say whether the steps of a workflow mean the same in the steps of another.

    They do not when the workflow has options of its own, reads facts of its run, or
    returns from a place that is not the end.
    """
    return (
        workflow.options is None
        and not any(each.variable == "run" for each in _every(workflow, Reference))
        and _structured(workflow.steps)
    )


def _structured(steps: Steps) -> bool:
    """Say whether every `return` is the last that happens, after rearranging."""
    for at, step in enumerate(steps):
        if not _returns(step):
            continue
        if not _is_plain(step):
            return False
        if isinstance(step, ReturnStep):
            return True
        if not isinstance(step, IfStep):
            return False
        arms = [*(arm.steps for arm in step.arms), step.otherwise]
        going = [arm for arm in arms if not ends(arm)]
        rest = steps[at + 1 :]
        if rest and len(going) > 1:
            return False
        return all(_structured((*arm, *(() if ends(arm) else rest))) for arm in arms)
    return True


def ends(steps: Steps) -> bool:
    """Say whether no path comes to the end of steps, as far as `if` can tell."""
    return any(_ends(step) for step in steps)


def _is_plain(step: Step) -> bool:
    """Say whether nothing but the steps before it decides that a step is done."""
    head = step.head
    return head.when is None and head.timeout is None and head.undo is None


def _returns(step: Step) -> bool:
    return any(True for _ in _every(step, ReturnStep))


def _ends(step: Step) -> bool:
    if not _is_plain(step):
        return False
    match step:
        case ReturnStep() | FailStep():
            return True
        case IfStep():
            arms = [*(arm.steps for arm in step.arms), step.otherwise]
            return all(ends(arm) for arm in arms)
        case _:
            return False


# --- taking them in -------------------------------------------------------------


def inline(workflow: Workflow) -> Workflow:
    """Return a workflow without calls that are inlined; it names these."""
    calls = [each for each in _every(workflow.steps, CallStep) if each.inline]
    if not calls:
        return workflow
    state = _Inliner({each.id: each for each in workflow.variables})
    steps = state.steps(workflow.steps)
    variables, taken_in = tuple(state.variables.values()), tuple(state.calls)
    return replace(workflow, steps=steps, variables=variables, taken_in=taken_in)


@dataclass(slots=True)
class _Inliner:
    """The variables of the workflow, to which those of called ones are added."""

    variables: dict[str, Variable]
    count: int = 0
    calls: list[Head] = field(default_factory=list)

    def steps(self, steps: Steps) -> Steps:
        found: list[Step] = []
        for step in steps:
            if isinstance(step, CallStep) and step.inline:
                found += self._call(step)
            else:
                found.append(_with_inner(step, self.steps))
        return tuple(found)

    def _call(self, call: CallStep) -> list[Step]:
        callee = call.callee
        assert callee is not None
        self.count += 1
        self.calls.append(call.head)
        names = _Renaming(self._renamed(callee), f"{call.head.path}.call.")
        given = {each.name: each.value for each in call.arguments}
        plain = replace(call.head, when=None, absent=(), timeout=None, undo=None)
        steps: list[Step] = []
        for each in callee.inputs:
            value = given.get(each.name) or each.default or null_of(each.type)
            steps.append(LetStep(plain, names.variables[each.variable], value))
        result = call.variable and _Result(plain, call.variable, call.result)
        steps += self.steps(_ended(names.renamed(callee.steps), result or None))
        if call.head == plain and not any(each.head.undo for each in callee.steps):
            return steps
        return [GroupStep(call.head, tuple(steps), None)]

    def _renamed(self, callee: Workflow) -> dict[str, str]:
        """Enter the variables of a called workflow under names that are free."""
        names: dict[str, str] = {}
        for each in callee.variables:
            base = f"{callee.name}_{self.count}_{each.id}"
            name, number = base, 1
            while name in self.variables:
                number += 1
                name = f"{base}_{number}"
            kind = "value" if each.kind == "input" else each.kind
            self.variables[name] = replace(each, id=name, kind=kind)
            names[each.id] = name
        return names


@dataclass(frozen=True, slots=True)
class _Renaming:
    """New names of variables, and where the steps stand now."""

    variables: dict[str, str]
    prefix: str

    def renamed(self, node: Any) -> Any:
        """Return a node with all names of variables in it changed."""
        if isinstance(node, tuple):
            return tuple(self.renamed(item) for item in node)
        if isinstance(node, Head):
            return replace(
                node,
                path=self.prefix + node.path,
                absent=tuple(self.variables.get(each, each) for each in node.absent),
                when=self.renamed(node.when),
                undo=self.renamed(node.undo),
            )
        if not is_dataclass(node) or isinstance(node, (type, Workflow, Variable)):
            return node
        changed: dict[str, Any] = {}
        for each in fields(node):
            value = getattr(node, each.name)
            if each.name in _NAMES_OF_VARIABLES and isinstance(value, str):
                new = self.variables.get(value, value)
            else:
                new = self.renamed(value)
            if new is not value:
                changed[each.name] = new
        return replace(cast("Any", node), **changed) if changed else node


@dataclass(frozen=True, slots=True)
class _Result:
    """Where the result of a call goes."""

    head: Head
    variable: str
    type: Type

    def bound(self, head: Head, value: Expression) -> Step:
        return LetStep(head, self.variable, value)


def _ended(steps: Steps, result: _Result | None) -> Steps:
    """Return steps whose `return` binds a result and is the last thing to happen."""
    done: list[Step] = []
    for at, step in enumerate(steps):
        rest = steps[at + 1 :]
        if isinstance(step, ReturnStep):
            if result is not None:
                value = (
                    null_of(result.type)
                    if step.value is None
                    else as_expression(step.value, result.type)
                )
                done.append(result.bound(step.head, value))
            return tuple(done)
        if isinstance(step, FailStep) and _is_plain(step):
            return (*done, step)
        if isinstance(step, IfStep) and _returns(step):
            return (*done, _if(step, rest, result))
        done.append(step)
    if result is not None:
        done.append(result.bound(result.head, null_of(result.type)))
    return tuple(done)


def _if(step: IfStep, rest: Steps, result: _Result | None) -> IfStep:
    """Move what follows into the arm that goes on; every arm binds the result."""

    def arm(steps: Steps) -> Steps:
        return _ended(steps if ends(steps) else (*steps, *rest), result)

    arms = tuple(Arm(each.condition, arm(each.steps)) for each in step.arms)
    return replace(step, arms=arms, otherwise=arm(step.otherwise))


def _with_inner(step: Step, change: Callable[[Steps], Steps]) -> Step:
    """Return a step with all lists of steps in it changed."""
    return cast("Step", _changed(step, change))


def _changed(node: Any, change: Callable[[Steps], Steps]) -> Any:
    new: dict[str, Any] = {}
    for each in fields(node):
        value = getattr(node, each.name)
        if isinstance(value, tuple) and value and _is_step(value[0]):
            replaced: Any = change(value)
        elif isinstance(value, tuple) and value and _holds_steps(value[0]):
            replaced = tuple(_changed(item, change) for item in value)
        else:
            continue
        new[each.name] = replaced
    return replace(node, **new) if new else node


def _is_step(node: Any) -> bool:
    return hasattr(node, "head")


def _holds_steps(node: Any) -> bool:
    """Say whether a node is an arm, a case or a branch."""
    return is_dataclass(node) and any(
        isinstance(getattr(node, each.name), tuple) and each.name == "steps"
        for each in fields(node)
    )


def _every(node: Any, kind: type[Any]) -> Iterator[Any]:
    """Yield all nodes of a kind below a node, called workflows left out."""
    if isinstance(node, tuple):
        for item in node:
            yield from _every(item, kind)
    elif is_dataclass(node) and not isinstance(node, type):
        if isinstance(node, kind):
            yield node
        for each in fields(node):
            if each.compare:
                yield from _every(getattr(node, each.name), kind)


__all__ = ["can_inline", "ends", "inline"]
