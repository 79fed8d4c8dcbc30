from typing import Any, TypedDict

import psycopg
import sqlalchemy

from perdure import deployed_workflow, workflow


class Result(TypedDict):
    status: str


@workflow
def approve(order_id: int) -> Result:
    return {"status": "done"}


def starts(connection: psycopg.Connection[Any], engine: sqlalchemy.Engine) -> None:
    approve.start(connection, "1")  # E: No overload variant of "start" | P: No overloads for "start"
    approve.start(connection)  # E: No overload variant of "start" | P: No overloads for "start"
    approve.start(connection, order=1)  # E: No overload variant of "start" | P: No overloads for "start"
    approve.start(order_id=1)  # E: No overload variant of "start" | P: No overloads for "start"
    approve.start(engine, order_id=1)  # E: No overload variant of "start" | P: No overloads for "start"
    approve.start("postgresql://", order_id=1)  # E: No overload variant of "start" | P: No overloads for "start"
    run = approve.start(connection, 1)
    run.result()["state"]  # E: "state" is not a valid TypedDict key | P: Could not access item in TypedDict
    run.statu()  # E: has no attribute "statu" | P: Cannot access attribute "statu"
    if run.status() == "done":  # E: Non-overlapping equality check | P: nothing
        run.wait(timeout="5s")  # E: Argument "timeout" to "wait" | P: Argument of type "Literal['5s']"
    approve.with_options(keys="a")  # E: Unexpected keyword argument "keys" | P: No parameter named "keys"


async def awaits(connection: psycopg.AsyncConnection[Any]) -> None:
    approve.start(connection, 1).run_id  # E: has no attribute "run_id" | P: Cannot access attribute "run_id"
    run = await approve.start(connection, 1)
    run.result()["status"]  # E: is not indexable | P: "__getitem__" method not defined
    deployed_workflow(5)  # E: No overload variant
