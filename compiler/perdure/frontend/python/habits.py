"""Tables of what Python has and a workflow has not, and what to write instead.

`value`, `text`, `array`, `a` and `b` in what to write stand for what was written.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

Reason = tuple[str, str, str | None]
"""What it is called, why it can't be, and what to write instead."""

NO_OBJECTS = "a workflow holds values of PostgreSQL, not Python objects"
NO_PROCESS = "a workflow is compiled, no Python process runs it"

_NO_BITS = "expressions have no operators on bits"


def _bits(word: str | None, shown: str) -> str:
    """Return what to write for an operator on bits, and for what may be meant by it."""
    step = f'bits are computed in an sql step: sql("select {shown} as bits")'
    return f'for conditions write "{word}"; {step}' if word else step


STATEMENTS: Mapping[type[ast.AST], Reason] = {
    ast.AsyncFor: ('"async for"', NO_PROCESS, "write the loop without async"),
    ast.AsyncWith: ('"async with"', NO_PROCESS, "write with parallel(): instead"),
    ast.AsyncFunctionDef: (
        '"async def"',
        NO_PROCESS,
        "write def: every step is waited for",
    ),
    ast.TryStar: (
        '"except*"',
        "a step has one failure",
        "write except Failure as err:",
    ),
    ast.ClassDef: ("a class", NO_OBJECTS, "define it in the module, as a shape"),
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

EXPRESSIONS: Mapping[type[ast.AST], Reason] = {
    ast.ListComp: ("a comprehension", *_COMPREHENSION),
    ast.SetComp: ("a comprehension", *_COMPREHENSION),
    ast.DictComp: ("a comprehension", *_COMPREHENSION),
    ast.GeneratorExp: ("a generator", *_COMPREHENSION),
    ast.Await: ('"await"', NO_PROCESS, 'leave "await" out: every step is waited for'),
    ast.Yield: ('"yield"', NO_PROCESS, "write return for the result"),
    ast.YieldFrom: ('"yield from"', NO_PROCESS, "write return for the result"),
    ast.Lambda: (
        "a lambda",
        NO_OBJECTS,
        "a lambda is a branch, as in parallel(a=lambda: sql(...))",
    ),
    ast.NamedExpr: ('":="', "a name is bound by a statement", "assign it first"),
    ast.Starred: ('"*"', NO_OBJECTS, "write the values one by one"),
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
    ast.Pow: (
        '"**"',
        "it is not part of expressions",
        'write func.power(cast(a, "numeric"), b)',
    ),
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
    "len": "write func.length(text), func.cardinality(array), or count(*) of rows in "
    "an sql step",
    "str": "write cast(value, str)",
    "int": "write cast(value, int) of text; of a number, which that would round, "
    "cast(func.trunc(value), int)",
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
    "isinstance": "leave it out: a value has one type, which is known",
    "math.ceil": "write func.ceil(value)",
    "math.floor": "write func.floor(value)",
    "math.trunc": "write func.trunc(value)",
    "math.sqrt": "write func.sqrt(value)",
    "math.exp": "write func.exp(value)",
    "math.log": "write func.ln(value)",
    "math.fabs": "write func.abs(value)",
    "math": "write func.name(value) for a function of PostgreSQL",
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
    "date": "write cast(value, date)",
    "time": "write cast(value, time)",
    "timestamp": 'write func.extract("epoch", value)',
    "weekday": 'write func.extract("isodow", value) - 1',
    "isoweekday": 'write func.extract("isodow", value)',
    "astimezone": 'write func.timezone("Europe/Berlin", value)',
    "quantize": "write func.round(value, 2), which rounds halves away from zero",
    "title": "write func.initcap(text)",
    "capitalize": "write func.initcap(text)",
    "casefold": "write func.lower(text)",
    "lstrip": "write func.ltrim(text)",
    "rstrip": "write func.rtrim(text)",
    "removeprefix": 'write func.regexp_replace(text, "^prefix", "")',
    "removesuffix": 'write func.regexp_replace(text, "suffix$", "")',
    "zfill": "write func.lpad(text, func.greatest(5, func.length(text)), '0')",
    "rjust": "write func.lpad(text, func.greatest(5, func.length(text)))",
    "ljust": "write func.rpad(text, func.greatest(5, func.length(text)))",
    "find": "write func.strpos(text, part) - 1",
    "index": "write func.strpos(text, part) - 1",
    "isdigit": "write func.translate(text, '0123456789', '') == ''",
    "encode": 'write func.convert_to(text, "UTF8")',
    "decode": 'write func.convert_from(value, "UTF8")',
    "hex": 'write func.encode(value, "hex")',
    "copy": "write the name: values do not change",
    "strftime": "write func.to_char(value, 'YYYY-MM-DD')",
    "total_seconds": 'write func.extract("epoch", value)',
    "append": "write told = collect(id=...) as the last line of a for loop over rows, "
    "or keep the rows in a table",
    "extend": "keep the rows in a table, by an sql step",
    "add": "keep the values in a table, by an sql step",
    "pop": "take a row from a table, by an sql step",
    "update": "write a new dict where the value is needed",
}


PARTS: Mapping[str, str] = {
    **{each: each for each in ("year", "month", "day", "hour", "minute", "second")},
    "days": "day",
}
"""What Python's times have as attributes, by the names of their fields in SQL."""
