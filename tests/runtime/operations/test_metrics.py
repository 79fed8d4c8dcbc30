"""What a worker shows to Prometheus, and what its health endpoint says."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from perdure.engine.database import Database, connect
from perdure.engine.errors import EngineError
from perdure.engine.metrics import serving
from perdure.engine.worker_meter import Histogram, Meter
from tests.runtime.engine.db import Db, logged
from tests.runtime.worker.processes import WorkerProcess, spawning, wait_until


@pytest.fixture
def spawn(url: str, tmp_path: Path) -> Iterator[Callable[..., WorkerProcess]]:
    with spawning(tmp_path) as start:
        yield partial(start, Database(url, "the test"), until="worker.started")


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(
            f"http://127.0.0.1:{port}{path}", timeout=60
        ) as got:
            return got.status, got.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def scrape(port: int) -> dict[str, float]:
    status, text = get(port, "/metrics")
    assert status == 200
    return {
        sample.name + "".join(f",{value}" for value in sample.labels.values()): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_what_a_worker_did_and_what_waits(
    db: Db, spawn: Callable[..., WorkerProcess]
) -> None:
    worker = spawn("--metrics-port", "0", "--connections", "2")
    port = worker.wait_for("metrics.serving")["port"]
    db.run("select df.start('select 1') from generate_series(1, 20)")
    db.start("'select 1 / 0'")
    db.start(f"df.seq({logged('a')}, df.sleep(100000))")
    cancelled = db.start("df.sleep(100000)")
    db.run("select df.cancel(%s)", cancelled)
    wait_until(lambda: scrape(port)["perdure_worker_steps_total"] >= 22)
    wait_until(
        lambda: (
            db.value("select count(*) from df.instances where ended_at is null") == 1
        )
    )

    runs = {"started_total": 23, "active": 1, "ended_total,completed": 20}
    runs |= {"ended_total,failed": 1, "ended_total,cancelled": 1}
    expected = {f"perdure_runs_{name}": value for name, value in runs.items()}
    wait_until(lambda: expected.items() <= scrape(port).items())
    found = scrape(port)
    assert found["perdure_worker_step_seconds_bucket,+Inf"] >= 22
    assert found["perdure_worker_step_seconds_sum"] > 0
    assert found["perdure_worker_connections"] == 3
    assert found["perdure_worker_healthy"] == 1
    assert found["perdure_database_up"] == 1
    assert found["perdure_ready_tasks"] == 0
    assert found["perdure_late_timers"] == 0
    assert found["perdure_worker_events_total,worker.started,info"] == 1
    assert get(port, "/elsewhere")[0] == 404


def test_pruned_runs_stay_counted(db: Db) -> None:
    db.finish("'select 1'")
    with serving(Meter(), db.url, "127.0.0.1", 0) as port:
        before = scrape(port)
    db.run("update df_engine.instances set completed_at = now() - interval '1 year'")
    db.run("call df.prune()")
    assert db.value("select count(*) from df.instances") == 0
    with serving(Meter(), db.url, "127.0.0.1", 0) as port:
        after = scrape(port)
    for name in ("perdure_runs_ended_total,completed", "perdure_runs_started_total"):
        assert (before[name], after[name]) == (1, 1)


def test_ready_work_and_late_timers_are_seen(db: Db) -> None:
    db.start("df.sleep(1)")
    db.work()
    for _ in range(3):
        db.start("'select 1'")
    db.run("update df_engine.tasks set ready_at = ready_at - interval '1 hour'")
    db.run("update df_engine.tasks set wake_at = wake_at - interval '2 hours'")
    with serving(Meter(), db.url, "127.0.0.1", 0) as port:
        found = scrape(port)
    assert found["perdure_ready_tasks"] == 3
    assert 3600 <= found["perdure_ready_oldest_seconds"] < 3700
    assert found["perdure_late_timers"] == 1
    assert 7000 < found["perdure_late_timer_seconds"] < 7300


def test_requests_by_outcome() -> None:
    meter = Meter()
    for status in (200, 204, 404):
        meter.heard("info", "http.answered", {"status": status, "ms": 20})
    meter.heard("warning", "http.failed", {"kind": "refused"})
    meter.heard("warning", "http.too_late", {})
    with serving(meter, "postgresql://127.0.0.1:1/none", "127.0.0.1", 0) as port:
        found = scrape(port)
    outcomes = {"2xx": 2, "4xx": 1, "refused": 1, "too_late": 1}
    for outcome, count in outcomes.items():
        assert found[f"perdure_worker_http_requests_total,{outcome}"] == count
    assert found["perdure_worker_http_seconds_bucket,0.01"] == 0
    assert found["perdure_worker_http_seconds_bucket,0.025"] == 3
    assert found["perdure_database_up"] == 0
    assert "perdure_ready_tasks" not in found


def test_a_histogram_counts_up() -> None:
    values = Histogram((1.0, 2.0))
    values.add(1.0, 2)
    values.add(1.5)
    values.add(9)
    assert values.buckets() == [("1.0", 2), ("2.0", 3), ("+Inf", 4)]
    assert values.total == 12.5


def test_health_follows_the_database(
    db: Db, spawn: Callable[..., WorkerProcess]
) -> None:
    worker = spawn("--metrics-port", "0", "--connections", "1")
    port = worker.wait_for("metrics.serving")["port"]
    wait_until(lambda: get(port, "/health")[0] == 200)
    facts = json.loads(get(port, "/health")[1])
    assert facts["ok"]
    assert facts["connections"] == {"notifications": "up", "steps 1": "up"}
    name = db.value("select current_database()")
    with connect(db.url, dbname="postgres", autocommit=True) as admin:
        admin.execute(f"alter database {name} allow_connections false".encode())
        admin.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = %s"
            " and application_name like 'perdure worker%%'",
            [name],
        )
        wait_until(lambda: get(port, "/health")[0] == 503)
        facts = json.loads(get(port, "/health")[1])
        assert not facts["ok"]
        assert "no connection for" in facts["reason"]
        admin.execute(f"alter database {name} allow_connections true".encode())
    wait_until(lambda: get(port, "/health")[0] == 200)
    assert scrape(port)["perdure_worker_reconnects_total"] >= 1


def test_a_worker_that_stops_says_so() -> None:
    meter = Meter()
    assert meter.trouble() == "the worker is starting"
    meter.heard("info", "worker.started", {})
    for purpose in ("steps 1", "notifications"):
        meter.heard("debug", "connection.opened", {"purpose": purpose})
    assert meter.trouble() is None
    meter.heard("info", "worker.stopping", {})
    with serving(meter, "", "127.0.0.1", 0) as port:
        status, text = get(port, "/health")
    assert status == 503
    assert json.loads(text)["reason"] == "the worker is stopping"


def test_a_port_that_is_taken_is_named() -> None:
    with (
        serving(Meter(), "", "127.0.0.1", 0) as port,
        pytest.raises(EngineError, match=f"cannot serve metrics on 127.0.0.1:{port}"),
        serving(Meter(), "", "127.0.0.1", port),
    ):
        pass
