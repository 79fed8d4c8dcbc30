from typing import Any

from perdure import collect, foreach, sql, workflow


@workflow
def score_places() -> Any:
    """Score every place that has none, twenty at a time."""
    places = sql("select id, name from geo.places where score is null order by id")
    for place in foreach(places, max_parallel=20):
        one = sql(
            """\
update geo.places set score = length(name) + id % 7 where id = :place.id
returning score
""",
            expect="one",
        )
        scored = collect(id=place.id, score=one.score)
    total = sql(
        "select count(*) as places, sum(s.score)::bigint as score from :scored.* s",
    )
    return {"places": total.places, "score": total.score}
