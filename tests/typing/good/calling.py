"""An application that starts workflows, over connections of all kinds."""

from decimal import Decimal
from typing import Any, TypedDict, assert_type

import psycopg
import sqlalchemy
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession
from sqlalchemy.orm import Session

from perdure import AsyncHandle, Handle, deployed_workflow, sql, workflow


class Result(TypedDict):
    status: str


@workflow
def approve(order_id: int, threshold: Decimal = Decimal(1000)) -> Result:
    sql("select 1")
    return {"status": "done"}


def starts(
    connection: psycopg.Connection[Any], core: sqlalchemy.Connection, orm: Session
) -> None:
    run = approve.start(connection, 1)
    assert_type(run, Handle[Result])
    assert_type(run.result(), Result)
    assert_type(run.wait(timeout=5)["status"], str)
    assert_type(approve.start(core, order_id=1, threshold=Decimal(5)), Handle[Result])
    assert_type(approve.with_options(key="a").start(orm, 1), Handle[Result])
    assert_type(approve.attach(connection, run.run_id), Handle[Result])
    assert_type(run.status() == "completed", bool)
    run.signal("approval", {"approved": True})
    run.cancel()


async def awaits(
    connection: psycopg.AsyncConnection[Any], core: AsyncConnection, orm: AsyncSession
) -> None:
    run = await approve.start(connection, 1)
    assert_type(run, AsyncHandle[Result])
    assert_type(await run.wait(), Result)
    assert_type(await approve.start(core, 1), AsyncHandle[Result])
    assert_type(await approve.start(orm, 1), AsyncHandle[Result])
    assert_type(approve.attach(core, run.run_id), AsyncHandle[Result])


def by_name(connection: psycopg.Connection[Any]) -> None:
    hello = deployed_workflow("hello", returns=Result)
    assert_type(hello.start(connection, who="Ada").result(), Result)
    listed = deployed_workflow("listed", returns=list[int])
    assert_type(listed.start(connection).wait(), list[int])
    assert_type(deployed_workflow("any").start(connection), Handle[Any])
