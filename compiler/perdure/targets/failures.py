"""Failures that are handled, on a runtime where one error ends the run.

What a `try`, a retry or the item of a `foreach` holds is executed so that its failure
becomes a fact (see `scopes`, `statements`), and what follows asks for it. The rejected
way was to run each `try` as a run of its own: its results would have to travel between
runs, and every `try` would take seconds.

A statement that comes after a failure does nothing by itself, so a list of statements
needs no question between them. Everything else is put under a question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from perdure.diagnostics import Diagnostic, error
from perdure.plan.query import Code, Piece, Query, ResultRef, StepOf, StringLiteral
from perdure.plan.target import Target
from perdure.plan.tree import (
    Break,
    Call,
    Foreach,
    Http,
    If,
    Join,
    Node,
    Origin,
    Plan,
    Race,
    Raise,
    Repeat,
    Retry,
    Return,
    Seq,
    Sleep,
    SleepUntil,
    Sql,
    Timeout,
    Transaction,
    Try,
)
from perdure.plan.walk import every, reads, rebuilt, rewritten
from perdure.targets.children import called, raced, request
from perdure.targets.helpers import (
    Fresh,
    as_role,
    end_of_sleep,
    end_of_wait,
    in_order,
    nothing,
    run_id,
    sql,
)
from perdure.targets.items import each_item
from perdure.targets.retries import jump_out_of, retried
from perdure.targets.runs import timed
from perdure.targets.scopes import (
    Part,
    Scope,
    Where,
    Work,
    asks_for_once,
    handed_on,
    is_fine,
)
from perdure.targets.statements import (
    attempt,
    attempt_condition,
    once,
    stands_alone,
    together,
)

_KINDS = (Try, Raise, Timeout, Retry, Foreach, Transaction, Call)


def lower_failures(plan: Plan, target: Target, fresh: Fresh) -> tuple[Plan, Work]:
    """Return a plan without what handles failures, and what could not be done."""
    work = Work(target, _columns(plan.root), fresh)
    work.keeps = target.can("ledger") or asks_for_once(plan.root)
    kinds = any(isinstance(node, _KINDS) for node in every(plan.root))
    if not kinds and not work.keeps:
        return plan, work
    root = _known(work, plan.root)
    parts = expand(work, root, Where())
    nodes = arranged(plan.root.origin, parts, Where())
    return replace(plan, root=in_order(plan.root.origin, *nodes)), work


def _columns(root: Node) -> dict[str, tuple[str | None, ...]]:
    """Return the columns that are read of each result."""
    found: dict[str, dict[str | None, None]] = {}
    for ref in reads(root):
        found.setdefault(ref.name, {})[ref.column] = None
    return {name: tuple(columns) for name, columns in found.items()}


def _known(work: Work, root: Node) -> Node:
    """Return a plan whose SQL reads errors and rows where this runtime has them."""
    for node in every(root):
        if isinstance(node, Foreach) and node.result is not None:
            name = work.fresh.name("list")
            work.lists[node.result] = ResultRef(name, "list")

    def change(query: Query) -> Query:
        pieces: list[Piece] = []
        for piece in query:
            match piece:
                case StepOf(name):
                    pieces += [Code("("), ResultRef(name, "step"), Code(")")]
                case ResultRef(name, rows=True) if name in work.lists:
                    pieces += [Code("perdure.item_results(("), work.lists[name]]
                    pieces.append(Code(f")::uuid) as {name}"))
                case _:
                    pieces.append(piece)
        return tuple(pieces)

    return rewritten(root, change)


# --- lists ----------------------------------------------------------------------


def arranged(origin: Origin, parts: Sequence[Part], where: Where) -> list[Node]:
    """Return parts in order; after a failure nothing has an effect any more."""
    done: list[Node] = []
    failed = shut = False
    for at, part in enumerate(parts):
        if failed and (shut or not part.flat) and where.scope is not None:
            rest = in_order(origin, *arranged(origin, parts[at:], where))
            test = is_fine(origin, where.scope)
            done.append(If(as_role(origin, "fine"), test, rest, nothing(origin)))
            return done
        done.append(part.node)
        failed = failed or part.risky
        shut = shut or (part.risky and not part.solid)
    return done or [nothing(origin)]


def sequence(work: Work, node: Node, where: Where) -> Node:
    """Return a node with all that is in it rewritten, as one node."""
    parts = expand(work, node, where)
    return in_order(node.origin, *arranged(node.origin, parts, where))


def expand(work: Work, node: Node, where: Where) -> list[Part]:
    """Return what becomes of a node."""
    match node:
        case Seq(nodes=nodes):
            return [part for each in nodes for part in expand(work, each, where)]
        case Try():
            return _try(work, node, where)
        case Raise():
            return _raise(work, node, where)
        case Timeout():
            head, inside, cancel = raced(work, node, where)
            race = timed(node.origin, node.node, node.after, cancel)
            return [*map(Part, head), *expand(work, race, inside)]
        case Retry():
            return retried(work, node, where, _inner)
        case Foreach():
            return each_item(work, node, where, _inner)
        case Transaction():
            return together(work, where, node)
        case Call():
            return called(work, node, where, _inner)
        case _ if where.scope is None:
            return [Part(_plain(work, node, where))]
        case _:
            return _caught(work, node, where)


def _inner(work: Work, node: Node, where: Where) -> list[Node]:
    return arranged(node.origin, expand(work, node, where), where)


def _plain(work: Work, node: Node, where: Where) -> Node:
    """Return a node whose failure ends the run."""
    if isinstance(node, Sql):
        if node.once and stands_alone(node):
            work.found.append(_refused_once(work, node.origin))
        return once(work, where, node)
    if isinstance(node, Race):
        before, inside, cancel = raced(work, node, where)
        race = rebuilt(node, lambda each: sequence(work, each, inside))
        return in_order(node.origin, *before, race, *cancel)
    head, inside = _round(work, node, where)
    node = rebuilt(node, lambda each: sequence(work, each, inside))
    if isinstance(node, Repeat) and head:
        node = replace(node, body=in_order(node.body.origin, *head, node.body))
    return node


def _round(work: Work, node: Node, where: Where) -> tuple[list[Node], Where]:
    """Return where the body of a loop stands, and what tells its rounds apart."""
    if not isinstance(node, Repeat):
        return [], where
    where = replace(where, looped=True)
    if not work.kept(node):
        return [], where
    name = work.fresh.name("round")
    made = "select gen_random_uuid() as token"
    token = sql(node.origin, "round", made, result=name)
    ref = ("(", ResultRef(name, "token"), ")::text")
    return [token], replace(where, round=ref)


# --- nodes whose failure is handled -----------------------------------------------


def _caught(work: Work, node: Node, where: Where) -> list[Part]:
    match node:
        case Sql() if stands_alone(node):
            work.found.append(_refused_alone(work, node.origin))
            return [Part(node)]
        case Sql():
            return [attempt(work, where, node)]
        case Http():
            return request(work, node, where)
        case Sleep(duration=Sql() as query):
            return _timer(work, end_of_sleep(node.origin, query), where)
        case SleepUntil(time=query):
            return _timer(work, end_of_wait(node.origin, query), where)
        case Return(value=query):
            first, value = _computed(work, query, "result", "jsonb", where)
            return [first, Part(replace(node, value=value))]
        case If():
            return [_if(work, node, where)]
        case Join():
            return _join(work, node, where)
        case Race():
            return _race(work, node, where)
        case Repeat():
            return [_repeat(work, node, where)]
        case _:
            return [Part(node)]


def _timer(work: Work, end: Sql, where: Where) -> list[Part]:
    """Return the attempt to compute when a wait ends, and the wait."""
    first, time = _computed(work, end, "at", "timestamptz", where)
    return [first, Part(SleepUntil(as_role(end.origin, "sleep_until"), time))]


def _computed(
    work: Work, query: Sql, column: str, type_: str, where: Where
) -> tuple[Part, Sql]:
    """Return the attempt to compute what a node needs, and a query of that."""
    name = work.fresh.name(column)
    work.columns = {**work.columns, name: (column,)}
    first = attempt(work, where, replace(query, result=name))
    ref = ResultRef(name, column, optional=True)
    pieces = (Code("select ("), ref, Code(f")::{type_} as {column}"))
    return first, Sql(query.origin, pieces)


def _if(work: Work, node: If, where: Where) -> Part:
    """Return a condition; when it fails, the other arm finds its scope failed."""
    assert where.scope is not None
    test = attempt_condition(where, node.condition, False)
    origin = node.origin
    then = expand(work, node.then, where)
    other = expand(work, node.otherwise, where) if node.otherwise else []
    flat = all(part.flat for part in other)
    solid = all(part.solid and part.flat for part in (*then, *other))
    arm: Node | None = None
    if node.otherwise is not None:
        nodes = arranged(origin, other, where)
        arm = in_order(origin, *nodes)
        if not flat:
            fine = is_fine(origin, where.scope)
            arm = If(as_role(origin, "fine"), fine, arm, nothing(origin))
    first = in_order(origin, *arranged(origin, then, where))
    whole = replace(node, condition=test, then=first, otherwise=arm)
    return Part(whole, flat=flat, risky=True, solid=solid)


def _join(work: Work, node: Join, where: Where) -> list[Part]:
    """Return branches that all run to their end, and then the first failure."""
    assert where.scope is not None
    scopes = [where.scope.below(n) for n in range(1, len(node.branches) + 1)]
    branches = tuple(
        sequence(work, branch, replace(where, scope=scope))
        for branch, scope in zip(node.branches, scopes, strict=True)
    )
    joined = Part(replace(node, branches=branches))
    return [joined, replace(handed_on(node.origin, where, scopes), flat=False)]


def _race(work: Work, node: Race, where: Where) -> list[Part]:
    """Return branches of which the winner tells whether it failed.

    A loser must not: so each has a scope of its own, and only the winner's is asked.
    """
    head, where, cancel = raced(work, node, where)
    assert where.scope is not None
    name = work.fresh.name("won")
    branches = []
    for number, branch in enumerate(node.branches, 1):
        inside = replace(where, scope=where.scope.below(number))
        nodes = list(branch.nodes) if isinstance(branch, Seq) else [branch]
        if node.result is not None and isinstance(nodes[-1], Sql):
            nodes[-1] = replace(nodes[-1], result=node.result)
        inner = sequence(work, in_order(branch.origin, *nodes), inside)
        flag = sql(node.origin, "won", f"select {number} as branch", result=name)
        branches.append(in_order(branch.origin, inner, flag))
    won = where.scope.below("")
    number_ref = ResultRef(name, "branch", optional=True)
    pieces = (*won.pieces, " || (", number_ref, ")::text")
    query = ("select perdure.pass_on(", run_id(), ", ", *where.scope.pieces)
    end = sql(node.origin, "failed", *query, ", array[", *pieces, "]) as ok")
    race = Part(replace(node, branches=tuple(branches), result=None))
    return [*map(Part, head), race, *map(Part, cancel), Part(end, risky=True)]


def _repeat(work: Work, node: Repeat, where: Where) -> Part:
    """Return a loop that ends when its scope has failed."""
    assert where.scope is not None
    head, inside = _round(work, node, where)
    body = [*head, *_inner(work, node.body, inside)]
    ended = Break(as_role(node.origin, "break"))
    test = is_fine(node.origin, where.scope)
    end = If(as_role(node.origin, "fine"), test, nothing(node.origin), ended)
    before, after = node.while_, node.until
    whole = replace(
        node,
        body=in_order(node.body.origin, *body, end),
        while_=attempt_condition(where, before, False) if before else None,
        until=attempt_condition(where, after, True) if after else None,
    )
    return Part(whole, risky=True)


# --- try and timeout --------------------------------------------------------------


def _try(work: Work, node: Try, where: Where) -> list[Part]:
    """Return the steps, the handler if they have failed, and what runs at the end."""
    origin = node.origin
    tried = (each for each in (node.body, node.handler) if each)
    jump = next((found for each in tried if (found := jump_out_of(each))), None)
    if node.finally_ is not None and jump is not None:
        work.found.append(_refused_exit(work, jump))
        return [Part(node.body)]
    head, scope = work.entered(origin, where)
    inside = replace(where, scope=scope, again=None)
    body = _inner(work, node.body, inside)
    parts = [Part(each) for each in (*head, *body)]
    left = scope
    if node.handler is not None:
        work.caught[node.error] = scope
        left = scope.below("catch")
        outer = where if node.finally_ is None else replace(where, scope=left)
        parts.append(_handler(work, node, scope, outer))
    after: list[Part] = []
    if node.finally_ is not None:
        after = [replace(each, flat=False) for each in _last(work, node, where)]
    if node.handler is None or node.finally_ is not None:
        after.append(replace(handed_on(origin, where, [left]), flat=False))
    if node.finally_ is None or not _returns(node):
        return _together(origin, [*parts, *after])
    (steps,), (last,) = _together(origin, parts), _together(origin, after)
    whole = Try(origin, steps.node, "", None, last.node)
    return [Part(whole, risky=steps.risky or last.risky)]


def _raise(work: Work, node: Raise, where: Where) -> list[Part]:
    """Return what hands an error on, after a second one was noted in its detail."""
    failed = work.caught[node.error]
    again = handed_on(node.origin, where, [failed])
    if node.second is None:
        return [again]
    query = ("select perdure.note_second(", run_id(), ", ", *failed.pieces, ", ")
    second = (*work.caught[node.second.error].pieces, ", ")
    what = StringLiteral(node.second.what)
    return [Part(sql(node.origin, "failed", *query, *second, what, ") as ok")), again]


def _together(origin: Origin, parts: Sequence[Part]) -> list[Part]:
    """Return parts as one: what they are made of is not to be put under a question."""
    risky = any(part.risky for part in parts)
    return [Part(in_order(origin, *(part.node for part in parts)), risky=risky)]


def _handler(work: Work, node: Try, failed: Scope, where: Where) -> Part:
    assert node.handler is not None
    origin = node.origin
    nodes = _inner(work, node.handler, where)
    if work.columns.get(node.error):
        query = (
            "select f.step, f.message, f.sqlstate, f.detail\nfrom perdure.failure(",
            run_id(),
            ", ",
            *failed.pieces,
            ") as f",
        )
        nodes.insert(0, sql(origin, "error", *query, result=node.error))
    test = is_fine(origin, failed)
    handled = in_order(origin, *nodes)
    whole = If(as_role(origin, "catch"), test, nothing(origin), handled)
    return Part(whole, risky=where.scope is not None)


def _last(work: Work, node: Try, where: Where) -> list[Part]:
    assert node.finally_ is not None
    nodes = _inner(work, node.finally_, where)
    risky = where.scope is not None
    return [Part(each, risky=risky) for each in nodes]


def _returns(node: Node) -> bool:
    return any(isinstance(each, Return) for each in every(node))


def _refused_alone(work: Work, origin: Origin) -> Diagnostic:
    return error(
        "WF620",
        origin.span,
        f'the failure of this statement cannot be handled on target "{work.target}"',
        "it would be executed by a function there, which PostgreSQL refuses",
        help="put it outside of `try`, `retry`, and what follows a step with `undo`",
    )


def _refused_once(work: Work, origin: Origin) -> Diagnostic:
    return error(
        "WF620",
        origin.span,
        f'this statement cannot have its effects once on target "{work.target}"',
        "it cannot be executed by the function that would note it in the same "
        "transaction",
        help="leave out `effects`, and write what does no harm when it runs twice",
    )


def _refused_exit(work: Work, jump: Node) -> Diagnostic:
    word, instead = ("continue", "end the round")
    if isinstance(jump, Break):
        word, instead = ("break", "leave the loop")
    return error(
        "WF620",
        jump.origin.span,
        f'a `{word}` cannot leave a `try` that has a "finally" on target '
        f'"{work.target}"',
        "it would pass over the `finally` there",
        help=f"keep in a `let` what to do, and {instead} after the `try`",
    )
