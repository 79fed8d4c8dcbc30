"""The inputs of a run that is to go on in another version.

They are checked as those of a start are: what the version could not read would fail the
run later, when it cannot be moved back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches

from psycopg import errors, sql

from perdure.engine.client import Connection, cast
from perdure.engine.errors import UsageError
from perdure.engine.version_function import Parameter, VersionFunction

_SHOWN = 60


@dataclass(frozen=True, slots=True)
class NewInputs:
    """What a move changes in the inputs of a run.

    `made` is a JSON object of those that it had not; of these `defaults`, as text, were
    not given. `dropped` are those that the version has not.
    """

    made: str | None
    defaults: Mapping[str, str | None]
    dropped: tuple[str, ...]


class UnfitInputs(UsageError):
    """A version cannot take the inputs of a run; `missing` are those to be given."""

    def __init__(self, wrong: tuple[str, ...], missing: tuple[str, ...]) -> None:
        super().__init__("\n".join(wrong))
        self.wrong = wrong
        self.missing = missing


def new_inputs(
    connection: Connection,
    run: str,
    function: VersionFunction,
    given: Mapping[str, str | None],
) -> NewInputs:
    """Return what a version adds to the inputs of a run. Raises UsageError."""
    kept = _inputs_of(connection, run)
    _check_given(function, kept, given)
    added = [each for each in function.parameters if each.name not in kept]
    with connection.transaction(force_rollback=True):
        for name, value in function.settings:
            if name != "search_path":
                connection.execute("select set_config(%s, %s, true)", [name, value])
        _check(connection, function, kept, given)
        made = _made(connection, function, added, given)
        return NewInputs(
            made,
            {
                name: value
                for name, value in _texts(connection, made).items()
                if name not in given
            },
            tuple(e for e in kept if e not in {p.name for p in function.parameters}),
        )


def _inputs_of(connection: Connection, run: str) -> dict[str, str | None]:
    """Return the inputs that a run has, as text."""
    rows = connection.execute(
        "select e.key, e.value from df.instances i"
        " cross join jsonb_each_text(i.input) e where i.id = %s",
        [run],
    ).fetchall()
    return dict(rows)


def _check_given(
    function: VersionFunction,
    kept: Mapping[str, str | None],
    given: Mapping[str, str | None],
) -> None:
    """Raise UsageError for inputs that the version has not, or that the run has."""
    names = [each.name for each in function.parameters]
    for name in given:
        if name not in names:
            near = get_close_matches(name, names, 1)
            known = f"its inputs: {', '.join(names) or 'none'}"
            help = f'did you mean "{near[0]}"?' if near else known
            raise UsageError(f'the version has no input "{name}"; {help}')
        if name in kept:
            raise UsageError(
                f'the run has an input "{name}" already, and keeps what it is: '
                f"{_shown(kept[name])}"
            )


def _check(
    connection: Connection,
    function: VersionFunction,
    kept: Mapping[str, str | None],
    given: Mapping[str, str | None],
) -> None:
    """Raise UsageError where an input is missing or not what the version takes.

    It is UnfitInputs, unless it is about what was given.
    """
    mistakes = _misfits(connection, function, given)
    if mistakes:
        raise UsageError("\n".join(mistakes))
    missing = tuple(
        each.name
        for each in function.parameters
        if each.name not in {*kept, *given} and each.default is None
    )
    wrong = _misfits(connection, function, kept)
    lacking = [
        f'input "{each.name}" ({each.type}) is missing'
        for each in function.parameters
        if each.name in missing
    ]
    if wrong or lacking:
        raise UnfitInputs((*wrong, *lacking), missing)


def _misfits(
    connection: Connection,
    function: VersionFunction,
    values: Mapping[str, str | None],
) -> list[str]:
    """Return which values are not what the parameters of a version take."""
    return [
        found
        for each in function.parameters
        if each.name in values
        for found in _misfit(connection, each, values[each.name])
    ]


def _misfit(
    connection: Connection, parameter: Parameter, value: str | None
) -> Iterator[str]:
    """Yield why a parameter cannot have a value."""
    name, kind = parameter.name, parameter.type
    if value is None:
        if not parameter.nullable:
            yield f'input "{name}" is null, and {kind} there, never null'
        return
    try:
        with connection.transaction():
            query = sql.SQL("select {}").format(cast(kind))
            connection.execute(query, [value])
    except (errors.DataError, errors.IntegrityError) as error:
        reason = error.diag.message_primary or str(error)
        yield f'input "{name}" is {_shown(value)}, and {kind} there: {reason}'


def _made(
    connection: Connection,
    function: VersionFunction,
    added: list[Parameter],
    given: Mapping[str, str | None],
) -> str | None:
    """Return inputs that a run has not, as a start would store them.

    The expression that makes the input of a start is evaluated with the values in the
    place of the parameters.
    """
    if function.made is None or not added:
        return None
    connection.execute("set local search_path = pg_catalog")
    new = {each.name for each in added}
    columns = sql.SQL(", ").join(
        sql.SQL("cast({} as {}) as {}").format(
            _value(each, given) if each.name in new else sql.NULL,
            sql.SQL(each.type),
            sql.Identifier(each.name),
        )
        for each in function.parameters
    )
    query = sql.SQL("select (({}) - {}::text[])::text from (select {}) p").format(
        sql.SQL(function.made),
        sql.Literal([e.name for e in function.parameters if e.name not in new]),
        columns,
    )
    row = connection.execute(query.as_string(connection).encode()).fetchone()
    return str(row[0]) if row else None


def _value(parameter: Parameter, given: Mapping[str, str | None]) -> sql.Composable:
    if parameter.name in given:
        return sql.Literal(given[parameter.name])
    return sql.SQL(parameter.default or "null")


def _texts(connection: Connection, made: str | None) -> dict[str, str | None]:
    """Return the values of a JSON object as text."""
    if made is None:
        return {}
    rows = connection.execute("select * from jsonb_each_text(%s::jsonb)", [made])
    return dict(rows.fetchall())


def _shown(value: str | None) -> str:
    if value is None:
        return "null"
    short = value if len(value) <= _SHOWN else f"{value[:_SHOWN]}..."
    return f'"{short}"'
