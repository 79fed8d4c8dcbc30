"""What expressions need beside Python's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

T = TypeVar("T")


class Written:
    """An expression that PostgreSQL evaluates: in Python it has no value.

    It is what a default such as `interval("1 day")` is when its module is imported.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        """Return what is evaluated, and where."""
        return f"<{self.text}, which PostgreSQL evaluates>"


class Functions:
    """The functions of PostgreSQL, by name: `func.lower(order.email)`."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Make any name readable for type checkers; there is no value."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: Written(f"{name}(...)")


func = Functions()


@overload
def cast(value: object, type: type[T], /) -> T: ...


@overload
def cast(value: object, type: str | object, /) -> Any: ...


def cast(value: object, type: object, /) -> Any:
    """Convert a value, to a Python type or to a type of PostgreSQL by name."""
    return Written("cast(...)")


def coalesce(*values: Any) -> Any:
    """Return the first value that is not null."""
    return Written("coalesce(...)")


def now() -> Any:
    """Return the time at which the step runs."""
    return Written("now()")


def interval(text: str, /) -> Any:
    """Return an interval as PostgreSQL writes them: `interval("1 day")`."""
    return Written("interval(...)")


def expr(text: str, /) -> Any:
    """Write an expression in PostgreSQL's syntax, for what Python has no operator for.

    References in it stand bare, as in `expr("order.email like '%@example.com'")`.
    """
    return Written("expr(...)")
