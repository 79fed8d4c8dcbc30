"""What Python has and a workflow has not: why, and what to write instead.

The source of a workflow is compiled to SQL steps, and between two steps there is no
process that could hold Python objects. What only such a process can do is refused
where it stands.
"""

from __future__ import annotations

import ast
import builtins
import enum
import types
from collections.abc import Mapping, Sequence
from typing import Any

import perdure.authoring as authoring
from perdure.authoring.workflow import Workflow
from perdure.frontend.python.constants import UNKNOWN, constant
from perdure.frontend.python.context import Context, nearest, report_missing
from perdure.frontend.yaml.language import KINDS
from perdure.source import Span

_Reason = tuple[str, str, str | None]
"""What it is called, why it can't be, and what to write instead."""

_NO_OBJECTS = "a workflow holds values of PostgreSQL, not Python objects"
_NO_PROCESS = "a workflow is compiled, no Python process runs it"

_NO_BITS = "expressions have no operators on bits"


def _bits(word: str | None, shown: str) -> str:
    """Return what to write for an operator on bits, and for what may be meant by it."""
    step = f'bits are computed in an sql step: sql("select {shown} as bits")'
    return f'for conditions write "{word}"; {step}' if word else step


_VALUES = (str, bytes, int, float, list, tuple, dict, set, frozenset)

STATEMENTS: Mapping[type[ast.AST], _Reason] = {
    ast.AsyncFor: ('"async for"', _NO_PROCESS, "write the loop without async"),
    ast.AsyncWith: ('"async with"', _NO_PROCESS, "write with parallel(): instead"),
    ast.AsyncFunctionDef: (
        '"async def"',
        _NO_PROCESS,
        "write def: every step is waited for",
    ),
    ast.TryStar: (
        '"except*"',
        "a step has one failure",
        "write except Failure as err:",
    ),
    ast.ClassDef: ("a class", _NO_OBJECTS, "define it in the module, as a shape"),
    ast.Delete: (
        '"del"',
        "a name keeps its value to the end of the run",
        "leave it out",
    ),
    ast.Global: (
        '"global"',
        "a module's variables do not live as long as a run",
        "keep the value in a table, by an sql step",
    ),
    ast.Nonlocal: (
        '"nonlocal"',
        "a branch can't bind what another one reads",
        "give the name in the branch another name",
    ),
    ast.Import: (
        '"import"',
        "what is imported is known when the workflow is compiled",
        "import at the top of the module",
    ),
    ast.ImportFrom: (
        '"import"',
        "what is imported is known when the workflow is compiled",
        "import at the top of the module",
    ),
}

_COMPREHENSION = (
    "rows are not in Python's memory",
    "compute it in an sql step, where ':rows.*' in FROM reads all rows of a step",
)

EXPRESSIONS: Mapping[type[ast.AST], _Reason] = {
    ast.ListComp: ("a comprehension", *_COMPREHENSION),
    ast.SetComp: ("a comprehension", *_COMPREHENSION),
    ast.DictComp: ("a comprehension", *_COMPREHENSION),
    ast.GeneratorExp: ("a generator", *_COMPREHENSION),
    ast.Await: ('"await"', _NO_PROCESS, 'leave "await" out: every step is waited for'),
    ast.Yield: ('"yield"', _NO_PROCESS, "write return for the result"),
    ast.YieldFrom: ('"yield from"', _NO_PROCESS, "write return for the result"),
    ast.Lambda: (
        "a lambda",
        _NO_OBJECTS,
        "a lambda is a branch, as in parallel(a=lambda: sql(...))",
    ),
    ast.NamedExpr: ('":="', "a name is bound by a statement", "assign it first"),
    ast.Starred: ('"*"', _NO_OBJECTS, "write the values one by one"),
    ast.Set: ("a set", "JSON and PostgreSQL have no sets", "write a list"),
    ast.Dict: (
        "a dict",
        "an expression is one value",
        "build it in an sql step, or put it where JSON is expected",
    ),
    ast.List: (
        "a list",
        "an expression is one value",
        'make it in an sql step: sql("select array[1, 2] as name")',
    ),
    ast.Tuple: ("a tuple", "an expression is one value", "assign one name at a time"),
    ast.Slice: (
        "a slice",
        "an expression is one value",
        "write func.substr(text, 1, 3)",
    ),
    ast.Invert: ('"~"', _NO_BITS, _bits("not", "~:a")),
    ast.Pow: ('"**"', "it is not part of expressions", "write func.power(a, b)"),
    ast.FloorDiv: (
        '"//"',
        "it is not part of expressions",
        'write func.floor(cast(a, "numeric") / b); / of two integers cuts off',
    ),
    ast.BitAnd: ('"&"', _NO_BITS, _bits("and", ":a & :b")),
    ast.BitOr: ('"|"', _NO_BITS, _bits("or", ":a | :b")),
    ast.BitXor: ('"^"', _NO_BITS, _bits("!=", ":a # :b")),
    ast.LShift: ('"<<"', _NO_BITS, _bits(None, ":a << :b")),
    ast.RShift: ('">>"', _NO_BITS, _bits(None, ":a >> :b")),
    ast.MatMult: ('"@"', "it is not part of expressions", "compute it in an sql step"),
}

CALLS: Mapping[str, str] = {
    "print": "insert a row with sql(...); perdure show prints what each step did",
    "time.sleep": 'write sleep("5s")',
    "asyncio.sleep": 'write sleep("5s")',
    "asyncio.gather": "write gather(...) from perdure",
    "datetime.now": "write now()",
    "datetime.utcnow": "write now()",
    "datetime.today": "write now()",
    "date.today": "write func.current_date()",
    "time.time": "write now()",
    "uuid4": "write func.gen_random_uuid()",
    "uuid.uuid4": "write func.gen_random_uuid()",
    "random.random": "write func.random()",
    "requests": "write http.get(...) from perdure",
    "httpx": "write http.get(...) from perdure",
    "urllib": "write http.get(...) from perdure",
    "json": "write the value as it is: json= and return take dicts and lists",
    "os": "read it into a constant of the module, or make it an input",
    "open": "read it into a constant of the module, or make it an input",
    "input": "make it an input, or wait_for_signal(...)",
    "len": "write func.length(text), or count(*) in an sql step",
    "str": "write cast(value, str)",
    "int": "write cast(value, int)",
    "float": "write cast(value, float)",
    "bool": "write cast(value, bool)",
    "Decimal": "write cast(value, Decimal)",
    "UUID": "write cast(value, UUID)",
    "abs": "write func.abs(value)",
    "round": "write func.round(value, 2)",
    "min": "write func.least(a, b), or min(...) in an sql step",
    "max": "write func.greatest(a, b), or max(...) in an sql step",
    "sum": "write sum(...) in an sql step",
    "any": "write exists(...) in an sql step",
    "all": "write bool_and(...) in an sql step",
    "sorted": "write order by in an sql step",
    "range": "count with a name: attempt += 1 in a while loop",
    "enumerate": "number the rows: row_number() over (order by ...) in the sql step",
    "zip": "join the rows in an sql step",
    "reversed": "write order by ... desc in the sql step",
    "dict": 'write {"name": value} where JSON is expected',
    "list": "write [a, b] where JSON is expected",
    "tuple": "write [a, b] where JSON is expected",
    "set": "write (a, b) after in",
    "isinstance": "the type is known: perdure check says what it is",
    "logging": "insert a row with sql(...); perdure show prints what each step did",
    "logger": "insert a row with sql(...); perdure show prints what each step did",
    "log": "insert a row with sql(...); perdure show prints what each step did",
}

METHODS: Mapping[str, str] = {
    "lower": "write func.lower(text)",
    "upper": "write func.upper(text)",
    "strip": "write func.trim(text)",
    "startswith": "write func.starts_with(text, prefix)",
    "endswith": "write expr(\"text like '%suffix'\")",
    "replace": "write func.replace(text, old, new)",
    "split": "write func.string_to_array(text, ',')",
    "join": "write func.concat_ws(', ', a, b)",
    "format": "write an f-string",
    "json": 'write r.json["name"], without parentheses',
    "raise_for_status": 'write expect_status="2xx": another status fails the step',
    "get": 'write value["key"], which is null when it is not there',
    "isoformat": 'write cast(value, "text")',
    "strftime": "write func.to_char(value, 'YYYY-MM-DD')",
    "total_seconds": 'write func.extract("epoch", value)',
    "append": "write told = collect(id=...) as the last line of a for loop over rows, "
    "or keep the rows in a table",
    "extend": "keep the rows in a table, by an sql step",
    "add": "keep the values in a table, by an sql step",
    "pop": "take a row from a table, by an sql step",
    "update": "write a new dict where the value is needed",
}


def refuse_statement(ctx: Context, node: ast.stmt) -> None:
    """Report a statement that no workflow can have."""
    span = ctx.places.head(node)
    what, why, instead = STATEMENTS.get(
        type(node), (f'"{ctx.places.text[span.start : span.end]}"', _NO_PROCESS, None)
    )
    ctx.report("WF172", span, f"{what} is no part of a workflow: {why}", help=instead)


def refuse_expression(ctx: Context, node: ast.expr) -> None:
    """Report an expression that PostgreSQL has not."""
    span, kind = ctx.span(node), type(node)
    if isinstance(node, ast.List) and not node.elts:
        message = "a list that grows can't be here: a workflow has no Python objects"
        help_ = (
            "in a loop over rows, told = collect(id=...) as its last line gives rows"
        )
        ctx.report("WF173", span, message, help=help_)
        return
    match node:
        case ast.BinOp(left=left, right=right):
            kind = type(node.op)  # type: ignore[assignment]  # a class of operators
            what = EXPRESSIONS[kind][0]
            after, before = ctx.span(left).end, ctx.span(right).start
            span = ctx.places.find(what.strip('"'), after, before)
        case ast.UnaryOp():
            kind = type(node.op)  # type: ignore[assignment]  # a class of operators
            span = Span(span.path, span.start, span.start + 1)
        case ast.Await() | ast.Yield() | ast.YieldFrom() | ast.Lambda():
            word = {ast.Await: "await", ast.Lambda: "lambda"}.get(type(node), "yield")
            span = ctx.places.find(word, span.start, span.end)
    what, why, instead = EXPRESSIONS.get(
        kind, ("this", "it is not part of expressions", None)
    )
    ctx.report("WF173", span, f"{what} can't be here: {why}", help=instead)


def refuse_call(ctx: Context, node: ast.Call) -> None:
    """Report the call of what is no step and no function of PostgreSQL."""
    function = node.func
    written = ast.unparse(function)
    span = ctx.span(function)
    owner = constant(ctx, function.value) if isinstance(function, ast.Attribute) else 0
    if isinstance(owner, Workflow) and isinstance(function, ast.Attribute):
        _refuse_application(ctx, function)
        return
    if isinstance(function, ast.Attribute) and not _is_of_module(ctx, function):
        _refuse_method(ctx, function, node.args)
        return
    if isinstance(function, ast.Name) and not ctx.known(function.id):
        _unknown_function(ctx, function)
        return
    ctx.report(
        "WF174",
        span,
        f'"{written}" is a Python function: {_NO_PROCESS}',
        help=_in_module(ctx, node)
        or _instead_of_call(written)
        or "call it when the module is imported and use the constant, or do it in SQL",
    )


_PURE = frozenset(
    {"abs", "all", "any", "bool", "float", "int", "len", "list", "max", "min"}
    | {"round", "set", "sorted", "str", "sum", "tuple"}
)
"""Functions of Python that make a constant of constants."""


def _in_module(ctx: Context, node: ast.Call) -> str | None:
    """Return where a call belongs that reads nothing but constants of the module."""
    if not isinstance(node.func, ast.Name) or node.func.id not in _PURE:
        return None
    args = [each for each in node.args if _reads_constants(ctx, each)]
    if not args or len(args) < len(node.args) - _literals(node.args):
        return None
    return f"write NAME = {ctx.shown(node)} in the module, and NAME here"


def _literals(args: Sequence[ast.expr]) -> int:
    return len([each for each in args if isinstance(each, ast.Constant)])


def _reads_constants(ctx: Context, node: ast.expr) -> bool:
    """Say whether an expression reads the module, and nothing of the workflow."""
    read = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    known = [each for each in read if ctx.known(each.id)]
    values = [each for each in known if not callable(constant(ctx, each))]
    return bool(values) and len(known) == len(read)


def _refuse_application(ctx: Context, function: ast.Attribute) -> None:
    """Report `ship.start(...)`, which an application would call."""
    name = ast.unparse(function.value)
    message = f'"{name}.{function.attr}" is for applications: {_NO_PROCESS}'
    help_ = f"write {name}(...) to run it as a step, or start({name}(...))"
    ctx.report("WF174", ctx.span(function), message, help=help_)


def _instead_of_call(written: str) -> str | None:
    parts = written.split(".")
    tail = ".".join(parts[-2:])
    for each in (written, tail, parts[-1] if len(parts) == 1 else "", parts[0]):
        if each in CALLS:
            return CALLS[each]
    return None


def _is_of_module(ctx: Context, function: ast.Attribute) -> bool:
    """Say whether this is `module.function`, `Class.method` or `logger.info`."""
    owner = constant(ctx, function.value)
    if owner is not UNKNOWN:
        return not isinstance(owner, _VALUES)
    root = function.value
    while isinstance(root, ast.Attribute):
        root = root.value
    if not isinstance(root, ast.Name):
        return False
    meant = _instead_of_call(ast.unparse(function))  # of what is not imported
    return ctx.known(root.id) or (meant is not None and root.id not in ctx.locals)


def _refuse_method(
    ctx: Context, function: ast.Attribute, args: Sequence[ast.expr]
) -> None:
    end = ctx.span(function).end
    span = Span(ctx.places.source.path, end - len(function.attr), end)
    message = f'"{function.attr}" is a method: values of PostgreSQL have none'
    instead = METHODS.get(function.attr)
    if isinstance(constant(ctx, function.value), dict) and function.attr == "get":
        instead = _LOOKUP
    elif _reads_constants(ctx, ast.Tuple([function.value, *args], ast.Load())):
        instead = (
            f"write NAME = {ctx.shown(function)}(...) in the module, and NAME here"
        )
    help_ = instead or "call a function of PostgreSQL: func.name(value)"
    ctx.report("WF175", span, message, help=help_)


def _unknown_function(ctx: Context, function: ast.Name) -> None:
    name = function.id
    span = ctx.span(function)
    steps = {*KINDS, "parallel", "race", "gather", "every", "until", "expr", "cast"}
    known = [each for each in ctx.namespace if callable(ctx.namespace[each])]
    meant = nearest(name, [*known, *steps])
    help_ = f"write func.{name}(...) for a function of PostgreSQL"
    if name in ctx.locals and (name in ctx.namespace or hasattr(builtins, name)):
        message = f'"{name}" is a value of this workflow, which hides the function'
        help_ = f'give the value another name, such as "{name}_"'
        ctx.report("WF174", span, message, help=help_)
        return
    if report_missing(ctx, function):
        return
    if meant:
        help_ = f'did you mean "{meant}"?'
    ctx.report("WF174", span, f'there is no function "{name}"', help=help_)


def refuse_attribute(ctx: Context, node: ast.expr) -> None:
    """Report an attribute of what is neither a name nor a step's result."""
    owner = node.value if isinstance(node, ast.Attribute) else node
    if isinstance(owner, ast.Call):
        message = "a step's result is read by its name"
        help_ = "assign the step to a name first, and read the name's column"
        ctx.report("WF178", ctx.span(owner), message, help=help_)
        return
    if isinstance(owner, ast.Subscript) and isinstance(owner.value, ast.Name):
        message = f'the rows of "{owner.value.id}" have no numbers'
        help_ = f"write for row in {owner.value.id}:, or read one row by an sql step"
        ctx.report("WF173", ctx.span(owner), message, help=help_)
        return
    message = "only names have columns and members"
    ctx.report("WF173", ctx.span(node), message, help="assign the value to a name")


_LOOKUP = "write a match with a case for each key, or keep the values in a table"


def refuse_subscript(ctx: Context, node: ast.Subscript) -> None:
    """Report a subscript that is no member of JSON."""
    help_ = 'a member of JSON is value["name"] or value[0]; for arrays, use SQL'
    message = "a subscript is a constant name or number"
    ctx.report("WF173", ctx.span(node.slice), message, help=help_)


def refuse_container(ctx: Context, node: ast.expr) -> None:
    """Report `x in rows`, and `x in "text"`."""
    message = '"in" needs a tuple or a list of values'
    help_ = "to look among rows, write exists(...) in an sql step"
    text = "func.strpos(text, part) > 0"
    known = constant(ctx, node)
    if isinstance(known, str):
        help_ = f"to look into a text, write {text}"
    elif isinstance(known, dict):
        help_ = f"write NAME = tuple({ctx.shown(node)}) in the module, for its keys"
    elif isinstance(node, ast.Call) and constant(ctx, node.func) is range:
        help_ = "write 0 <= x < 10"
    elif isinstance(node, ast.Call) and _reads_constants(ctx, node):
        help_ = f"write NAME = tuple({ctx.shown(node)}) in the module, and in NAME here"
    elif isinstance(node, ast.Name):
        array = "func.array_position(array, x) is not None"
        help_ += f"; in a text, {text}; in an array, {array}"
    elif isinstance(node, ast.Attribute):
        help_ += "; in an array, func.array_position(array, x) is not None"
    ctx.report("WF173", ctx.span(node), message, help=help_)


def unreadable_constant(ctx: Context, node: ast.expr) -> None:
    """Report something of the module that is no constant."""
    root: ast.expr = node
    while isinstance(root, (ast.Attribute, ast.Subscript)):
        root = root.value
    shown = ast.unparse(node)
    if isinstance(root, ast.Name) and hasattr(builtins, root.id):
        refused = f'"{shown}" is part of Python, a value was expected'
        ctx.report("WF195", ctx.span(node), refused)
        return
    owner = constant(ctx, node.value) if isinstance(node, ast.Attribute) else None
    looked_up = constant(ctx, node.value) if isinstance(node, ast.Subscript) else None
    if isinstance(looked_up, (dict, list, tuple)) and _of_run(ctx, node):
        what = shown.partition("[")[0]
        message = f'"{what}" is a constant, what of it is read is known by the run only'
        ctx.report("WF195", ctx.span(node), message, help=_LOOKUP)
        return
    help_ = _instead_of_call(shown)
    if owner is authoring.func:
        help_ = f"a function is called: {shown}()"
    kinds = "number, text, enum, date, tuple, list, dict or dataclass"
    ctx.report(
        "WF195",
        ctx.span(node),
        f'"{shown}" is not a constant of the module',
        "it is read when the workflow is compiled",
        help=help_ or f"use a module-level {kinds}",
    )


def _of_run(ctx: Context, node: ast.expr) -> bool:
    """Say whether an expression reads a name that the workflow binds."""
    names = (each for each in ast.walk(node) if isinstance(each, ast.Name))
    return any(not ctx.known(each.id) for each in names)


def instead_of(value: Any) -> str | None:
    """Return what to write in place of a value that PostgreSQL can't hold."""
    if isinstance(value, (list, tuple, set, frozenset, dict)):
        return "an expression is one value; a list can stand after in, or in JSON"
    if isinstance(value, enum.EnumType) and len(value):
        return f"name a member: {value.__name__}.{next(iter(value)).name}"
    if isinstance(value, types.FunctionType):
        return "a function can't be a value; call one of PostgreSQL's: func.name(...)"
    return None
