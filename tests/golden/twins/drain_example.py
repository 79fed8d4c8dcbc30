from typing import Annotated, Any

from perdure import Failure, sql, transaction, until, workflow


@workflow
def drain(lease: Annotated[Any, "interval"] = "5 minutes") -> Any:
    """Take jobs from a queue until it is empty. Several of these may run side by side,
    and beside other consumers; a job that fails is left to the lease, three times
    at most.
    """
    taken = 0
    failed = 0
    while True:
        job = sql(
            """\
update jobs.queue set attempts = attempts + 1, leased_until = now() + :lease
 where id = (select id from jobs.queue
              where done_at is null and attempts < 3
                and (leased_until is null or leased_until < now())
              order by id limit 1 for update skip locked)
returning id, payload
""",
            expect="maybe",
        )
        if job.id is None:
            break
        taken = taken + 1
        try:
            with transaction():
                sql(
                    """\
insert into jobs.output (job_id, text)
values (:job.id, 'did ' || repeat(:job.payload, 10 / (6 - length(:job.payload))))
""",
                )
                sql("update jobs.queue set done_at = now() where id = :job.id")
        except Failure as err:
            failed = failed + 1
            sql("update jobs.queue set last_error = :err.message where id = :job.id")
        until(taken >= 100000)
    return {"taken": taken, "failed": failed}
