"""17x, 180 and 19x: workflows in Python."""

from perdure.diagnostics.codes.model import Code

CODES: tuple[Code, ...] = (
    Code(
        code="WF170",
        slug="python-syntax",
        summary="the file is not Python",
        what="The file breaks a rule of Python's syntax, as Python itself reports it.",
        why="Nothing of the file can be read.",
        wrong='order = sql("select 1"',
        right='order = sql("select 1")',
    ),
    Code(
        code="WF171",
        slug="import-fails",
        summary="importing the file fails",
        what="The module of a workflow is imported once, so that its constants, types "
        "and shapes can be used. The message is what Python raised; the notes are the "
        "lines of the project's other files that it came through.",
        why="What the names of the module stand for is not known otherwise.",
        wrong="from perdure import sq",
        right="from perdure import sql",
    ),
    Code(
        code="WF172",
        slug="statement-of-python",
        summary="the statement is no part of a workflow",
        what="`global`, `del`, `class`, `import`, `with` and others do something in a "
        "Python process, and statements that only compute a value do nothing. A `for` "
        "goes over the rows of a step or over constants, an `except` handles the "
        "failure of any step, and a `case` is a constant.",
        why="A workflow's function is never executed. Its source is compiled to steps "
        "inside of PostgreSQL, which have no process between them.",
        wrong="global attempts\nattempts = 1",
        right='attempts = 1\nsql("insert into shop.audit (what) values (:attempts)")',
    ),
    Code(
        code="WF173",
        slug="expression-of-python",
        summary="the expression has no counterpart in PostgreSQL",
        what="Comprehensions, lambdas, `await`, slices, and some operators are not "
        "part of expressions. `and`, `or`, `not`, comparisons, arithmetic, `in` with "
        "a tuple, `is None`, `a if b else c` and f-strings are.",
        why="Expressions are evaluated by PostgreSQL, on its values.",
        wrong="totals = [row.total for row in orders]",
        right='totals = sql("select total from :orders.*")',
    ),
    Code(
        code="WF174",
        slug="call-of-python",
        summary="a Python function is called",
        what="In a workflow, steps and functions of PostgreSQL are called. `func.name` "
        "is any function of PostgreSQL, `cast(value, type)` converts.",
        why="No Python process runs the workflow, so there is nobody to call it.",
        wrong="started = datetime.now()",
        right="started = now()",
    ),
    Code(
        code="WF175",
        slug="method-call",
        summary="a method of a value is called",
        what="Inputs and columns are values of PostgreSQL, which have no methods; "
        "functions take them as arguments.",
        why="The annotation of an input says which type of PostgreSQL it has. It does "
        "not make it a Python object.",
        wrong="email = order.email.lower()",
        right="email = func.lower(order.email)",
    ),
    Code(
        code="WF176",
        slug="unsupported-assignment",
        summary="something other than a name is assigned",
        what="An assignment binds one name to a value or to the result of a step. "
        "Attributes and elements can't be assigned, a result can't be unpacked, and "
        "its type is not annotated.",
        why="A result does not change after its step. What changes is in tables.",
        wrong="order.total = 0",
        right="total = 0",
    ),
    Code(
        code="WF177",
        slug="value-in-sql-text",
        summary="a value is put into SQL as text",
        what="The text of a statement holds an f-string field, `format` or `%` with "
        "a value that is known only when the workflow runs.",
        why="A value that becomes code can do anything. As a reference it stays a "
        "value, with its type, and the statement can be checked.",
        wrong='sql(f"delete from shop.orders where id = {order.id}")',
        right='sql("delete from shop.orders where id = :order.id")',
    ),
    Code(
        code="WF178",
        slug="step-in-expression",
        summary="a step stands inside an expression",
        what="A step is a statement of its own; its result is read by its name.",
        why="A step is a checkpoint, and has to have a place and a name to be found by "
        "when a run is looked at.",
        wrong='if sql("select count(*) as n from shop.orders").n > 0:\n    ...',
        right='orders = sql("select count(*) as n from shop.orders")\n'
        "if orders.n > 0:\n    ...",
    ),
    Code(
        code="WF179",
        slug="not-constant",
        summary="a value is not known when the workflow is compiled",
        what="Statements, names, timeouts, types and options are part of the "
        "workflow's definition. They are literals or constants of the module.",
        why="They are checked and compiled into the version.",
        wrong='wait_for_signal("approval", timeout=order.patience)',
        right='wait_for_signal("approval", timeout="1d")',
    ),
    Code(
        code="WF180",
        slug="forgotten-workflow",
        summary="a function has steps and is no workflow",
        what="A function of the module calls `sql`, `sleep`, `http.post` or another "
        "step, and `@workflow` does not stand above it. Nothing is said of a function "
        "that the module names elsewhere, that has another decorator, or whose name "
        "begins with `_`.",
        why="It is not compiled, so it is neither checked nor deployed, and calling it "
        "raises an error: steps are only compiled.",
        wrong='def ship(order_id: int):\n    sql("select :order_id as id")',
        right='@workflow\ndef ship(order_id: int):\n    sql("select :order_id as id")',
    ),
    Code(
        code="WF190",
        slug="not-a-function",
        summary="`@workflow` stands on something other than a plain function",
        what="A workflow is a function of the module: no class, no method, not async, "
        "and without other decorators.",
        why="Its source is compiled. What surrounds or replaces a function when "
        "Python runs has no effect on that.",
        wrong="@workflow\nasync def ship(order_id: int):\n    ...",
        right="@workflow\ndef ship(order_id: int):\n    ...",
    ),
    Code(
        code="WF191",
        slug="invalid-parameter",
        summary="a parameter can't be an input",
        what="Every input has a name and a type. There is no `*args` and no "
        "`**options`; branches have no parameters at all. An input that is a `Literal` "
        "or an enum takes its values, also from a default and from other workflows.",
        why="The inputs are the arguments of an SQL function.",
        wrong="@workflow\ndef ship(order_id):\n    ...",
        right="@workflow\ndef ship(order_id: int):\n    ...",
    ),
    Code(
        code="WF192",
        slug="annotation-without-type",
        summary="an annotation has no type in PostgreSQL",
        what="`int`, `str`, `bool`, `float`, `Decimal`, `datetime`, `date`, `time`, "
        "`timedelta`, `UUID`, `bytes`, `dict`, `list[T]` and `T | None` have one. "
        '`Annotated[int, "integer"]` names any other. Payloads and results may also '
        "be dataclasses, TypedDicts and NamedTuples, and `tuple[T, ...]` is a list.",
        why="Values are stored and computed with PostgreSQL's types.",
        wrong="def ship(order_id: complex):\n    ...",
        right="def ship(order_id: int):\n    ...",
    ),
    Code(
        code="WF193",
        slug="wrong-arguments",
        summary="a step is called with wrong arguments",
        what="A step takes one argument without a name, its statement, URL, "
        "signal or workflow. Options are given by name, and have values of their kind.",
        why="Arguments that nothing reads are most likely meant for something else.",
        wrong='sql("select 1 as n", "one")',
        right='sql("select 1 as n", expect="one")',
    ),
    Code(
        code="WF194",
        slug="misplaced-block",
        summary="a part of a block stands where it means nothing",
        what="`branch` stands in `parallel` or `race`, `every` is the first and "
        "`until` the last line of a `while` loop, `collect` the last line of a `for` "
        "loop over rows, and `step` stands around one step. A function inside of a "
        "workflow is a branch, and `return` in it would end the branch only.",
        why="These words describe the block around them.",
        wrong='every("5m")\nwhile True:\n    sleep("1s")',
        right='while True:\n    every("5m")\n    sleep("1s")',
    ),
    Code(
        code="WF195",
        slug="not-a-value",
        summary="a name of the module has no value in PostgreSQL",
        what="A workflow can use the numbers, texts, booleans, dates, times, UUIDs and "
        "enums of its module, and lists, dicts and dataclasses of them as JSON. They "
        "are the same wherever and whenever the module is imported: what it computes "
        "of the time or of chance is refused, what it reads of the environment gets a "
        "warning.",
        why="The constant is written into the compiled workflow. Where it differs "
        "there is another version to compile, which `compile --check` misses in CI.",
        wrong="import math\n\nhalf = math.sin",
        right="half = 0.5",
    ),
    Code(
        code="WF196",
        slug="python-format",
        summary="an f-string formats a value",
        what="Text is put together by PostgreSQL, which does not know Python's formats "
        "and conversions, nor the names of an enum's members, which Python prints.",
        why="Functions of PostgreSQL say the same in its way.",
        wrong='raise Failure(f"only {order.total:.2f}")',
        right="total = cast(func.round(order.total, 2), str)\n"
        'raise Failure(f"only {total}")',
    ),
    Code(
        code="WF197",
        slug="marked-in-python",
        summary="`${...}` in a Python string is plain text",
        what="In YAML, `${order.id}` in a text is a value. In Python an f-string says "
        "the same.",
        why="Text that was copied from YAML would reach its receiver as it stands.",
        wrong='http.get("https://example.com/orders/${order.id}")',
        right='http.get(f"https://example.com/orders/{order.id}")',
    ),
    Code(
        code="WF198",
        slug="identity",
        summary="`==` compares with None, or `is` compares values",
        what="`is None` and `is not None` ask for null. Two values are compared with "
        "`==`.",
        why="In PostgreSQL nothing equals null, and values have no identity.",
        wrong="if order.note == None:\n    ...",
        right="if order.note is None:\n    ...",
    ),
    Code(
        code="WF199",
        slug="default-without-effect",
        summary="a default of a class means nothing for what others send",
        what="The class is the form of a signal's payload or of a response, and one of "
        "its fields has a default. Python uses it where an object of the class is "
        "made, also where an application sends one. In what arrives without the field "
        "it is missing, which fails the step, or null where the field may be null.",
        why="PostgreSQL reads what others send, and makes no objects of Python.",
        wrong="@dataclass\nclass Approval:\n    approved: bool\n"
        '    approver: str = "nobody"',
        right="@dataclass\nclass Approval:\n    approved: bool\n"
        "    approver: str | None = None",
    ),
)
