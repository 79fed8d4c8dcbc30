"""Inputs of some values, defaults that are lists, and a result taken apart."""

from __future__ import annotations

import enum
from typing import Any, Literal, NamedTuple

from perdure import sql, workflow


class Speed(enum.StrEnum):
    SLOW = "slow"
    FAST = "fast"


class Price(NamedTuple):
    net: int
    label: str | None = None


MORE = {"late": [False]}


@workflow
def prices(
    n: int,
    speed: Speed = Speed.FAST,
    round: Literal[1, 2] | None = None,
    tags: tuple[str, ...] = ("a b", 'c"d'),
    more: dict[str, Any] = MORE,
) -> Price | None:
    net, label = price_of(n, Speed.SLOW)
    sql(
        """
        insert into shop.audit (what)
        values (concat_ws(' ', :net, :label, :speed, :round, :tags::text, :more))
        """
    )
    if net > 2:
        return Price(net)
    if net > 1 and label is not None:
        return Price(net, label=f"${net}")
    return None


@workflow
def price_of(n: int, speed: Speed) -> Price:
    if n > 2:
        return Price(n)
    return Price(n, label=speed)
