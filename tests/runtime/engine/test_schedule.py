"""df.wait_for_schedule in time zones: clocks that change lose and repeat nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import psycopg
import pytest

from tests.runtime.engine.db import Db

NEXT = "select df_engine.next_time(%s, %s, %s)"


def times(db: Db, cron: str, zone: str, after: str, count: int) -> list[str]:
    """Return the next times, in UTC."""
    found: list[str] = []
    at = datetime.fromisoformat(after).replace(tzinfo=UTC)
    for _ in range(count):
        at = db.value(NEXT, cron, at, zone)
        found.append(at.astimezone(UTC).strftime("%m-%d %H:%M"))
    return found


def test_a_time_of_day_is_the_zone_s(db: Db) -> None:
    assert times(db, "0 9 * * *", "Europe/Berlin", "2030-01-10", 1) == ["01-10 08:00"]
    assert times(db, "0 9 * * *", "Europe/Berlin", "2030-07-10", 1) == ["07-10 07:00"]
    assert times(db, "0 9 * * *", "UTC", "2030-07-10", 1) == ["07-10 09:00"]
    # Monday in Auckland begins on Sunday in UTC
    assert times(db, "0 9 * * mon", "Pacific/Auckland", "2030-06-01", 1) == [
        "06-02 21:00"
    ]


def test_a_skipped_time_comes_as_much_later(db: Db) -> None:
    """Berlin, 31 March 2030: 02:00 is followed by 03:00, at 01:00 UTC."""
    assert times(db, "30 2 * * *", "Europe/Berlin", "2030-03-30", 3) == [
        "03-30 01:30",
        "03-31 01:30",
        "04-01 00:30",
    ]


def test_two_times_that_fall_together_are_one(db: Db) -> None:
    assert times(db, "30 2,3 * * *", "Europe/Berlin", "2030-03-31", 3) == [
        "03-31 01:30",
        "04-01 00:30",
        "04-01 01:30",
    ]
    assert times(db, "*/30 * * * *", "Europe/Berlin", "2030-03-31 00:00", 4) == [
        "03-31 00:30",
        "03-31 01:00",
        "03-31 01:30",
        "03-31 02:00",
    ]


def test_a_repeated_time_comes_once(db: Db) -> None:
    """Berlin, 27 October 2030: 03:00 is followed by 02:00, at 01:00 UTC."""
    assert times(db, "30 2 * * *", "Europe/Berlin", "2030-10-26", 3) == [
        "10-26 00:30",
        "10-27 00:30",
        "10-28 01:30",
    ]
    assert times(db, "0 1-3 * * *", "Europe/Berlin", "2030-10-26 22:00", 4) == [
        "10-26 23:00",
        "10-27 00:00",
        "10-27 02:00",
        "10-28 00:00",
    ]


@pytest.mark.parametrize("cron", ["*/20 * * * *", "0,20,40 */1 * * *"])
def test_what_runs_every_hour_does_so_in_a_repeated_one(db: Db, cron: str) -> None:
    found = times(db, cron, "Europe/Berlin", "2030-10-26 23:50", 8)
    assert (
        found
        == [
            f"10-27 {hour:02}:{minute:02}"
            for hour in range(3)
            for minute in (0, 20, 40)
        ][:8]
    )


@pytest.mark.parametrize(
    ("zone", "cron", "after", "expected"),
    [
        # half an hour, at 02:00: 02:15 comes at 02:45 of the new time
        ("Australia/Lord_Howe", "15 2 * * *", "2030-10-05 12:00", "10-05 15:45"),
        # midnight is skipped: 00:30 comes at 01:30
        ("Africa/Cairo", "30 0 * * *", "2030-04-25 12:00", "04-25 22:30"),
        # 23:30 twice on one evening: the first
        ("Africa/Cairo", "30 23 * * *", "2030-10-31 12:00", "10-31 20:30"),
    ],
)
def test_other_zones(db: Db, zone: str, cron: str, after: str, expected: str) -> None:
    assert times(db, cron, zone, after, 1) == [expected]


def test_every_day_of_a_year_once(db: Db) -> None:
    for zone in ("Europe/Berlin", "Australia/Lord_Howe"):
        for hour in (1, 2):
            count = db.value(
                """with recursive t (at) as (
                     select timestamptz '2030-01-01 12:00+00'
                     union all
                     select df_engine.next_time(%s, at, %s) from t
                     where at < timestamptz '2031-01-01 12:00+00')
                   select count(*) - 1 from t
                   where at <= timestamptz '2031-01-01 12:00+00'""",
                f"30 {hour} * * *",
                zone,
            )
            assert count == 365, (zone, hour)


def test_the_node_waits_in_its_zone(db: Db) -> None:
    db.run("select df.set_time('2030-07-10 00:00+00')")
    run = db.finish("df.wait_for_schedule('0 9 * * *', 'Europe/Berlin')")
    assert str(db.nodes(run)["1"]["wake_at"]) == "2030-07-10 07:00:00+00:00"


def test_a_schedule_that_never_comes_fails_its_own_node(db: Db) -> None:
    run = db.finish("df.seq('select 1', df.wait_for_schedule('0 0 30 2 *'))")
    nodes = db.nodes(run)
    assert (nodes["2"]["status"], nodes["2"]["error"]) == ("completed", None)
    assert (nodes["3"]["status"], nodes["3"]["sqlstate"]) == ("failed", "PD003")
    assert db.instance(run)["sqlstate"] == "PD003"


@pytest.mark.parametrize("zone", ["'Nowhere/Here'", "null"])
def test_what_is_refused(db: Db, zone: str) -> None:
    with pytest.raises(psycopg.errors.Error) as error:
        db.run(f"select df.wait_for_schedule('0 0 * * *', {zone})")
    assert error.value.sqlstate == "PD001"
