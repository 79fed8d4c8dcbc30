"""What expressions need beside Python's operators."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, overload

from perdure.authoring.never import compiled_only

T = TypeVar("T")


class Functions:
    """The functions of PostgreSQL, by name: `func.lower(order.email)`."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        """Make any name readable for type checkers; there is no value."""
        raise AttributeError(name)


func = Functions()


@overload
def cast(value: object, type: type[T], /) -> T: ...


@overload
def cast(value: object, type: str | object, /) -> Any: ...


def cast(value: object, type: object, /) -> Any:
    """Convert a value, to a Python type or to a type of PostgreSQL by name."""
    compiled_only("cast(...)")


def coalesce(*values: Any) -> Any:
    """Return the first value that is not null."""
    compiled_only("coalesce(...)")


def now() -> Any:
    """Return the time at which the step runs."""
    compiled_only("now()")


def interval(text: str, /) -> Any:
    """Return an interval as PostgreSQL writes them: `interval("1 day")`."""
    compiled_only("interval(...)")


def expr(text: str, /) -> Any:
    """Write an expression in PostgreSQL's syntax, for what Python has no operator for.

    References in it stand bare, as in `expr("order.email like '%@example.com'")`.
    """
    compiled_only("expr(...)")
