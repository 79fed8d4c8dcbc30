"""`return` and `continue` where the runtime has neither.

Structured rewriting first: what follows an `if` of which one arm leaves moves into the
other arm, without being copied. A return that ends up last is simply the last node.
A return out of a loop or a branch of a join stores the run's outcome in a table and
leaves the loop; what follows asks the table first. Copying what follows into several
arms was rejected: it grows exponentially.

A branch of a race stores its outcome in a place of its own, because a loser might do so
after the race is decided; what follows the race takes over that of the winner. A `try`
that comes here handles no failure any more: it has a `finally`, for its returns, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from perdure.diagnostics import Diagnostic, error
from perdure.plan.query import Piece, ResultRef, RunRef
from perdure.plan.target import Target
from perdure.plan.tree import (
    Break,
    Continue,
    If,
    Join,
    Loop,
    Node,
    Origin,
    Plan,
    Race,
    Repeat,
    Return,
    Seq,
    Sql,
    Try,
)
from perdure.plan.walk import children
from perdure.targets.helpers import Fresh, as_role, in_order, nothing, sql

Pieces = tuple[str | Piece, ...]


@dataclass(frozen=True, slots=True)
class _Where:
    """Where a node stands: in a loop, in a branch, and whether returns are stored.

    `skipped` is the result in which a `continue` leaves word, where it has to;
    `place` is the key under which the outcome is stored.
    """

    in_loop: bool = False
    stored: bool = False
    skipped: str | None = None
    place: Pieces = (RunRef("id"),)


@dataclass(slots=True)
class _Exits:
    target: Target
    fresh: Fresh
    found: list[Diagnostic] = field(default_factory=list)


def lower_exits(
    plan: Plan, target: Target, fresh: Fresh
) -> tuple[Plan, list[Diagnostic]]:
    """Return a plan without `Return` and `Continue`, and what could not be done."""
    exits = _Exits(target, fresh)
    nodes = _sequence(exits, _list(plan.root), _Where())
    return replace(plan, root=in_order(plan.root.origin, *nodes)), exits.found


def _list(node: Node | None) -> list[Node]:
    if node is None:
        return []
    return list(node.nodes) if isinstance(node, Seq) and not node.result else [node]


def _leaves(node: Node) -> bool:
    """Say whether a `Return`, or a `Continue` of the loop around, is in a node."""
    match node:
        case Return() | Continue():
            return True
        case Repeat() | Loop():
            return any(_returns(each) for each in children(node))
        case _:
            return any(_leaves(each) for each in children(node))


def _returns(node: Node) -> bool:
    return isinstance(node, Return) or any(_returns(each) for each in children(node))


def _goes_on(nodes: Sequence[Node]) -> bool:
    """Say whether control may reach the end of a sequence."""
    return all(_passes(node) for node in nodes)


def _passes(node: Node) -> bool:
    match node:
        case Return() | Continue() | Break():
            return False
        case If(then=then, otherwise=otherwise):
            return _goes_on(_list(then)) or _goes_on(_list(otherwise))
        case Seq(nodes=nodes):
            return _goes_on(nodes)
        case Join(branches=branches):
            return all(_goes_on(_list(each)) for each in branches)
        case _:
            return True


def _sequence(exits: _Exits, nodes: Sequence[Node], where: _Where) -> list[Node]:
    """Rewrite nodes in order; each is followed by all that come after it."""
    done: list[Node] = []
    for at, node in enumerate(nodes):
        rest = list(nodes[at + 1 :])
        if isinstance(node, Continue):
            if where.skipped is not None:
                done.append(_skipping(node.origin, where.skipped, True))
            return done or [nothing(node.origin)]
        if isinstance(node, Return):
            return [*done, *_return(node, where)]
        if isinstance(node, If) and _leaves(node):
            return [*done, *_if(exits, node, rest, where)]
        done.append(_inside(exits, node, where))
        if _needs_guard(node, where):
            return [*done, *_guarded(exits, node.origin, rest, where)]
    return done


def _needs_guard(node: Node, where: _Where) -> bool:
    """Say whether what follows must ask; out of a join in a loop, a break leads."""
    if isinstance(node, Join):
        return _returns(node) and not where.in_loop
    return _returns(node) and isinstance(node, (Repeat, Loop, Race, Try))


def _return(node: Return, where: _Where) -> list[Node]:
    """End the run: the value is the last node's, or stored; then leave the loop."""
    if not where.in_loop and not where.stored:
        return [node.value]
    query: Pieces = ("select perdure.set_outcome(", *where.place)
    query += (", r.result) as ok\nfrom (", *node.value.query, ") as r")
    store = replace(sql(node.origin, "", *query), origin=node.origin)
    leave = [Break(as_role(node.origin, "break"))] if where.in_loop else []
    return [store, *leave]


def _if(exits: _Exits, node: If, rest: list[Node], where: _Where) -> list[Node]:
    """Move what follows into the arm that goes on, if there is only one."""
    then, otherwise = _list(node.then), _list(node.otherwise)
    going = [arm for arm in (then, otherwise) if _goes_on(arm)]
    if rest and len(going) == 2:
        return _both(exits, node, rest, where)
    if _goes_on(then):
        then = [*then, *rest]
    elif _goes_on(otherwise):
        otherwise = [*otherwise, *rest]
    return [_rebuilt(exits, node, then, otherwise, where)]


def _rebuilt(
    exits: _Exits,
    node: If,
    then: Sequence[Node],
    otherwise: Sequence[Node],
    where: _Where,
) -> Node:
    first = in_order(node.then.origin, *_sequence(exits, then, where)) if then else None
    after = _sequence(exits, otherwise, where)
    second = in_order(node.origin, *after) if after else None
    return replace(node, then=first or nothing(node.origin), otherwise=second)


def _both(exits: _Exits, node: If, rest: list[Node], where: _Where) -> list[Node]:
    """Both arms go on at times: returns are stored, and what follows asks for them."""
    if any(_continue_in(each) for each in (node.then, node.otherwise) if each):
        return _skippable(exits, node, rest, where)
    stored = replace(where, stored=True)
    arms = _rebuilt(exits, node, _list(node.then), _list(node.otherwise), stored)
    return [arms, *_guarded(exits, node.origin, rest, where)]


def _skippable(exits: _Exits, node: If, rest: list[Node], where: _Where) -> list[Node]:
    """Return arms of which a `continue` leaves word for what follows.

    A return in them ends the loop at once, so nothing needs to ask for that.
    """
    origin = node.origin
    name = where.skipped or exits.fresh.name("skipped")
    inside = replace(where, skipped=name)
    arms = _rebuilt(exits, node, _list(node.then), _list(node.otherwise), inside)
    skip = ResultRef(name, "skip")
    test = sql(origin, "skipped", "select (", skip, ")::boolean as ok")
    after = in_order(origin, *_sequence(exits, rest, where))
    guarded = If(as_role(origin, "skipped"), test, nothing(origin), after)
    if where.skipped is not None:
        return [arms, guarded]
    return [_skipping(origin, name, False), arms, guarded]


def _skipping(origin: Origin, name: str, skip: bool) -> Sql:
    return sql(
        origin, "skip", f"select {'true' if skip else 'false'} as skip", result=name
    )


def _continue_in(node: Node) -> Continue | None:
    """Return the first `continue` of the round in which a node stands."""
    if isinstance(node, Continue):
        return node
    if isinstance(node, (Repeat, Loop)):
        return None
    found = (_continue_in(each) for each in children(node))
    return next((each for each in found if each is not None), None)


def _guarded(
    exits: _Exits, origin: Origin, rest: list[Node], where: _Where
) -> list[Node]:
    """Return what follows a node that may have ended the run."""
    ended = sql(origin, "ended", "select perdure.has_outcome(", *where.place, ") as ok")
    after = _sequence(exits, rest, where)
    if where.in_loop:
        leave: Node = Break(as_role(origin, "break"))
    elif where.stored:
        leave = nothing(origin)
    else:
        leave = sql(
            origin, "outcome", "select perdure.outcome(", *where.place, ") as result"
        )
    if not after and where.stored and not where.in_loop:
        return []
    other = in_order(origin, *after) if after else nothing(origin)
    return [If(as_role(origin, "ended"), ended, leave, other)]


def _inside(exits: _Exits, node: Node, where: _Where) -> Node:
    """Rewrite what stands in a construct."""
    match node:
        case Repeat(body=body) | Loop(body=body):
            inner = _sequence(exits, _list(body), _Where(in_loop=True, stored=True))
            return replace(node, body=in_order(body.origin, *inner))
        case Join(branches=branches):
            return replace(
                node,
                branches=tuple(_branch(exits, each, where) for each in branches),
            )
        case Race() if _returns(node):
            return _race(exits, node, where)
        case Try(body=body, finally_=last):
            return _finally(exits, body, last, where)
        case Race(branches=branches):
            return replace(
                node,
                branches=tuple(_branch(exits, each, where) for each in branches),
            )
        case If() | Seq():
            inner = [_inside(exits, each, where) for each in children(node)]
            return _with(node, inner)
        case _:
            return node


def _with(node: If | Seq, inner: Sequence[Node]) -> Node:
    if isinstance(node, Seq):
        return replace(node, nodes=tuple(inner))
    return replace(node, then=inner[1], otherwise=inner[2] if len(inner) > 2 else None)


def _branch(exits: _Exits, node: Node, where: _Where) -> Node:
    """Rewrite a branch; a `continue` in it would have to cross the join."""
    jump = _continue_in(node)
    if jump is not None:
        exits.found.append(_refused_continue(exits, jump.origin))
        return node
    inner = _sequence(exits, _list(node), replace(where, stored=True))
    return in_order(node.origin, *inner)


def _finally(exits: _Exits, body: Node, last: Node | None, where: _Where) -> Node:
    """Return steps that store what they return, and after them what always runs."""
    inside = replace(where, in_loop=False, skipped=None, stored=True)
    first = _sequence(exits, _list(body), inside)
    return in_order(body.origin, *first, *_sequence(exits, _list(last), where))


def _race(exits: _Exits, node: Race, where: _Where) -> Node:
    """Return branches that store what they return, and what takes over the winner's."""
    origin, name = node.origin, exits.fresh.name("race")
    begin = sql(origin, "race", "select gen_random_uuid() as token", result=name)
    place = (*where.place, " || '/' || (", ResultRef(name, "token"), ")::text || '.")
    won = exits.fresh.name("won")
    branches = []
    for number, branch in enumerate(node.branches, 1):
        head, last = place[:-1], f"{place[-1]}{number}'"
        inside = replace(where, in_loop=False, skipped=None, place=(*head, last))
        flag = sql(origin, "won", f"select {number} as branch", result=won)
        inner = _branch(exits, _binding(node, branch), inside)
        branches.append(in_order(branch.origin, inner, flag))
    winner = (f"{place[-1]}' || (", ResultRef(won, "branch", optional=True), ")::text")
    query = ("select perdure.take_outcome(", *where.place, ", ", *place[:-1], *winner)
    end = sql(origin, "won", *query, ") as ok")
    race = replace(node, branches=tuple(branches), result=None)
    return in_order(origin, begin, race, end)


def _binding(race: Race, branch: Node) -> Node:
    """Return a branch whose last statement gives what the race would."""
    nodes = _list(branch)
    if race.result is not None and isinstance(nodes[-1], Sql):
        nodes[-1] = replace(nodes[-1], result=race.result)
    return in_order(branch.origin, *nodes)


def _refused_continue(exits: _Exits, origin: Origin) -> Diagnostic:
    return error(
        "WF603",
        origin.span,
        f'this "continue" cannot be expressed on target "{exits.target}"',
        "the branch cannot end the round for the branches beside it",
        help='continue after the branches, or use target "perdure"',
    )
