"""DBOS: workflows and steps are decorated functions, started by DBOS.start_workflow."""

from __future__ import annotations

import time
from typing import Any

from bench.runtime.drivers.work import make_tables
from bench.runtime.peers import peer
from dbos import DBOS

insert = DBOS.step(name="insert")(peer.insert)
insert_late = DBOS.step(name="insert_late")(peer.insert_late)


@DBOS.workflow()
def steps(run: int, count: int, due: float | None) -> None:
    for step in range(count if due is None else count - 1):
        insert(run, step)
    if due is not None:
        insert_late(run, due)


@DBOS.workflow()
def sleep(run: int, due: float) -> None:
    DBOS.sleep(max(0.0, due - time.time()))
    insert_late(run, due)


@DBOS.workflow()
def wait(run: int) -> None:
    insert_late(run, DBOS.recv("go", timeout_seconds=3600))


@DBOS.workflow()
def branch(run: int, step: int) -> None:
    insert(run, step)


@DBOS.workflow()
def fan(run: int, width: int) -> None:
    handles = [DBOS.start_workflow(branch, run, step) for step in range(width)]
    for handle in handles:
        handle.get_result()
    insert_late(run, 0.0)


class Dbos:
    """How DBOS does what is measured."""

    def steps(self, run: int, count: int, last_due: float | None = None) -> object:
        return DBOS.start_workflow(steps, run, count, last_due)

    def sleep(self, run: int, due: float) -> object:
        return DBOS.start_workflow(sleep, run, due)

    def wait(self, run: int) -> Any:
        return DBOS.start_workflow(wait, run).get_workflow_id()

    def signal(self, handle: Any, sent: float) -> None:
        DBOS.send(handle, sent, "go")

    def fan(self, run: int, width: int) -> object:
        return DBOS.start_workflow(fan, run, width)


def main() -> None:
    make_tables(peer.URL)
    url = peer.URL.replace("postgresql://", "postgresql+psycopg://")
    DBOS(
        config={
            "name": "bench",
            "system_database_url": url,
            "application_version": "1",
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    peer.run(Dbos())


if __name__ == "__main__":
    main()
