"""The functions of versions: those that the migrations make against those there.

What a migration makes is what PostgreSQL makes of its statement, so both sides are
rows of the catalog: to read types and defaults out of the text would find differences
that are none. Where that cannot be had (a standby makes no functions), the text of
the bodies is compared alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from perdure.release.deployed import Database, Definition, Difference, Function
from perdure.release.lock import Entry, Lock
from perdure.release.script import split

_CREATE = re.compile(
    r'create (?:or replace )?function (?P<name>(?:\w+|"[^"]+")\.(?:\w+|"[^"]+"))\('
)
_BODY = re.compile(r"^as [$](?P<tag>\w+)[$](?P<body>(?s:.*?))[$](?P=tag)[$];$", re.M)
SQL = "perdure drift --sql prints the SQL that mends it"
_MADE_AGAIN = "perdure drift --sql prints the SQL that makes it as the migration did"
_UNDONE = (
    "perdure drift --sql prints the SQL that undoes it; to keep the edit, make it in "
    "the workflow's source, too, and compile"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """A function that a version should have, and the script that makes it."""

    entry: Entry
    written: str
    statement: str
    script: str

    @property
    def name(self) -> str:
        """Its plain name."""
        return self.written.rpartition(".")[2].strip('"')

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from all others."""
        return self.entry.key, self.name

    @property
    def body(self) -> str:
        """The text of the function."""
        found = _BODY.search(self.statement)
        return found["body"] if found else ""

    @property
    def elsewhere(self) -> str:
        """The statement that makes it among the session's own, to look at it."""
        found = _CREATE.match(self.statement)
        assert found is not None  # it was found by it
        name = self.written.rpartition(".")[2]
        return f"create function pg_temp.{name}({self.statement[found.end() :]}"


Made = Mapping[tuple[str, str], Definition]
REGISTER = """\
on conflict (name, version) do update set signature = excluded.signature,
  source = excluded.source, source_map = excluded.source_map,
  compiler_version = excluded.compiler_version, target = excluded.target"""


def registration(script: str) -> tuple[str, ...]:
    """Return the statement of a script that registers what it does, if it has one."""
    begin = ("insert into perdure.workflow_versions", "insert into perdure.workflow_ch")
    return tuple(each for each in split(script) if each.startswith(begin))


def wanted(lock: Lock, scripts: Mapping[str, str]) -> list[Wanted]:
    """Return the functions that should be there of the versions that are deployed."""
    return [
        each
        for entry in lock.entries
        if entry.version not in lock.retired(entry.workflow)
        for each in of_version(lock, entry, scripts.get(entry.key, ""))
    ]


def of_version(lock: Lock, entry: Entry, script: str) -> Iterator[Wanted]:
    """Yield the functions that a version should have, from the script that makes it."""
    current = lock.current(entry.workflow)
    for statement in split(script):
        found = _CREATE.match(statement)
        if found is None:
            continue
        function = Wanted(entry, found["name"], statement, script)
        own = current is not None and current.version == entry.version
        if own or function.name != entry.workflow:  # else it is another version's
            yield function


def compared(
    function: Wanted, database: Database, made: Definition | None
) -> list[Difference]:
    """Compare a function with what is there under its name."""
    there = database.functions.get(function.name, ())
    if not there:
        return [_gone(function)]
    if made is None:
        return _by_body(function, there)
    own = [each for each in there if each.definition.types == made.types]
    others = [each for each in there if each not in own]
    if not own:
        return [_other_arguments(function, made, others)]
    found = [_overload(function, each) for each in others]
    changes = changed(made, own[0].definition)
    if changes:
        return [*found, _edited(function, made, own[0], changes)]
    return found + _grants(function, own[0])


def changed(made: Definition, there: Definition) -> list[str]:
    """Return in words how a function is not what it was made as."""
    found = [] if _same_text(made.body, there.body) else ["its text"]
    for what, before, after in (
        ("kind", made.kind, there.kind),
        ("arguments", made.arguments, there.arguments),
        ("result", made.result, there.result),
        ("language", made.language, there.language),
        ("volatility", made.volatility, there.volatility),
        ("runs as", made.security, there.security),
        ("null inputs", made.strictness, there.strictness),
        ("leakproof", str(made.leakproof).lower(), str(there.leakproof).lower()),
        ("parallel", made.parallel, there.parallel),
        ("settings", _shown(made.settings), _shown(there.settings)),
    ):
        if before != after:
            found.append(f"{what}: {after or 'none'} instead of {before or 'none'}")
    return found


def _same_text(made: str, there: str) -> bool:
    """Compare texts of functions; a tool that applied a file with CRLF keeps them."""
    return made.replace("\r\n", "\n") == there.replace("\r\n", "\n")


def _shown(settings: Sequence[str]) -> str:
    return ", ".join(settings)


def left_over(entry: Entry, name: str, database: Database) -> list[Difference]:
    """Find the functions of a name that a retired version should not have."""
    there = database.functions.get(name, ())
    if not there:
        return []
    message = f'is retired, and a function "{name}" is there'
    drops = tuple(map(drop, there))
    return [Difference("left-over", entry.key, message, "database", SQL, drops)]


# --- what is said -----------------------------------------------------------------


def _gone(function: Wanted) -> Difference:
    message = f'is registered, and its function "{function.name}" is gone'
    return Difference(
        "no-objects",
        function.entry.key,
        message,
        "neither",
        _MADE_AGAIN,
        tuple(_made_again(function)),
    )


def _by_body(function: Wanted, there: Sequence[Function]) -> list[Difference]:
    same = [e for e in there if _same_text(e.definition.body, function.body)]
    if same:
        return _grants(function, same[0])
    message = f'has a function "{function.name}" that was edited in place: its text'
    remedy = tuple(_made_again(function))
    return [
        Difference("edited", function.entry.key, message, "database", _UNDONE, remedy)
    ]


def _other_arguments(
    function: Wanted, made: Definition, there: Sequence[Function]
) -> Difference:
    """Say that a function takes other types: it has to be dropped and made."""
    now = " and ".join(f"({each.definition.arguments})" for each in there)
    return Difference(
        "edited",
        function.entry.key,
        f'has a function "{function.name}" that was edited in place: '
        f"arguments: {now} instead of ({made.arguments})",
        "database",
        _UNDONE,
        (
            *map(drop, there),
            *_made_again(function),
            *_granted_again(function, made, there),
        ),
    )


def _edited(
    function: Wanted, made: Definition, there: Function, changes: Sequence[str]
) -> Difference:
    now = there.definition
    remedy = _made_again(function)
    if (made.kind, made.arguments, made.result) != (
        now.kind,
        now.arguments,
        now.result,
    ):  # what can't be replaced
        remedy = [drop(there), *remedy, *_granted_again(function, made, [there])]
    return Difference(
        "edited",
        function.entry.key,
        f'has a function "{function.name}" that was edited in place: '
        + "; ".join(changes),
        "database",
        _UNDONE,
        tuple(remedy),
    )


def _overload(function: Wanted, stray: Function) -> Difference:
    name, shown = function.name, f"{function.name}({stray.definition.types})"
    return Difference(
        "overload",
        function.entry.key,
        f'has a function "{name}", and another one of its name is there: {shown}',
        "database",
        "a call may find the one or the other, or neither; give it another name, or "
        "perdure drift --sql prints the SQL that drops it",
        (drop(stray),),
    )


def _grants(function: Wanted, there: Function) -> list[Difference]:
    """Compare whose a function is that runs as a role, and who may call it."""
    entry, what = function.entry, f'function "{function.name}"'
    if entry.role is None:
        return []
    name = there.identity
    found = []
    if there.owner != entry.role:
        found.append(
            Difference(
                "grants",
                entry.key,
                f'has a {what} that belongs to "{there.owner}", not to "{entry.role}"',
                "database",
                SQL,
                (f'alter function {name} owner to "{entry.role}";',),
            )
        )
    if there.public:
        found.append(
            Difference(
                "grants",
                entry.key,
                f'has a {what} that runs as "{entry.role}", and everybody may call it',
                "database",
                SQL,
                (f"revoke execute on function {name} from public;",),
            )
        )
    return found


# --- what mends it ----------------------------------------------------------------


def _made_again(function: Wanted) -> list[str]:
    """Return the statements of the script that make a function, be it there or not."""
    about = re.compile(
        r"(?:create(?: or replace)?|comment on|revoke all on|alter) function "
        rf'(?:\w+|"[^"]+")\."?{re.escape(function.name)}"?\('
    )
    found = [each for each in split(function.script) if about.match(each)]
    return [
        re.sub(r"^create function", "create or replace function", each)
        for each in found
    ]


def _granted_again(
    function: Wanted, made: Definition, there: Sequence[Function]
) -> list[str]:
    """Return what gives those back their rights who had them on what is dropped."""
    name = f"{function.written}({made.types})"
    grantees = dict.fromkeys(role for each in there for role in each.grants)
    shut = function.entry.role is None and not any(each.public for each in there)
    return [
        *([f"revoke execute on function {name} from public;"] if shut else []),
        *(f"grant execute on function {name} to {role};" for role in grantees),
    ]


def drop(function: Function, *, there: bool = True) -> str:
    """Return what drops a function; `there` says that it can't be gone already."""
    kind = (
        function.definition.kind if there else f"{function.definition.kind} if exists"
    )
    return f"drop {kind} {function.identity};"


def mark(workflow: str, version: int, retired_at: str) -> str:
    """Return what says in the register when a version was retired."""
    return (
        f"update perdure.workflow_versions set retired_at = {retired_at} "
        f"where name = '{workflow}' and version = {version};"
    )
