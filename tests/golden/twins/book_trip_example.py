from typing import Any

from perdure import Failure, Retry, http, sql, workflow


@workflow
def book_trip(trip_id: int, services: str = "http://127.0.0.1:8765") -> Any:
    """Book a flight, a hotel and a car with three services. When one of them fails for
    good, what was booked before it is cancelled, in reverse order.
    """
    trip = sql("select traveller from travel.trips where id = :trip_id", expect="one")
    try:

        def undo_flight() -> None:
            http.delete(f"{services}/flights/{flight.json.reference}", retry=5)

        flight = http.post(
            f"{services}/flights",
            json={"traveller": trip.traveller},
            returns={"reference": str},
            expect_status=201,
            retry=Retry(max_attempts=3, backoff="1s"),
            undo=undo_flight,
        )
        sql(
            """\
insert into travel.bookings (trip_id, kind, reference)
values (:trip_id, 'flight', :flight.json.reference)
""",
            undo=lambda: sql(
                "delete from travel.bookings where trip_id = :trip_id and kind = 'flight'"
            ),
        )

        def undo_hotel() -> None:
            http.delete(f"{services}/hotels/{hotel.json.reference}", retry=5)

        hotel = http.post(
            f"{services}/hotels",
            json={"traveller": trip.traveller},
            returns={"reference": str},
            expect_status=201,
            retry=Retry(max_attempts=3, backoff="1s"),
            undo=undo_hotel,
        )
        sql(
            """\
insert into travel.bookings (trip_id, kind, reference)
values (:trip_id, 'hotel', :hotel.json.reference)
""",
            undo=lambda: sql(
                "delete from travel.bookings where trip_id = :trip_id and kind = 'hotel'"
            ),
        )
        car = http.post(
            f"{services}/cars",
            json={"traveller": trip.traveller},
            returns={"reference": str},
            expect_status=201,
            retry=Retry(max_attempts=3, backoff="1s"),
        )
    except Failure as err:
        sql("update travel.trips set status = 'failed' where id = :trip_id")
        return {"status": "failed", "step": err.step, "because": err.message}
    sql("update travel.trips set status = 'booked' where id = :trip_id")
    return {
        "status": "booked",
        "references": [flight.json.reference, hotel.json.reference, car.json.reference],
    }
