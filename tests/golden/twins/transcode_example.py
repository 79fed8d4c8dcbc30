from typing import Any

from perdure import Failure, http, run, sql, wait_for_signal, workflow


@workflow
def transcode(video_id: int, service: str = "http://127.0.0.1:8765") -> Any:
    """Hand a video to a service and wait for its call back, which may arrive before
    the wait begins: a signal is never lost.
    """
    video = sql(
        "update media.videos set status = 'queued' where id = :video_id returning source",
        expect="one",
    )
    job = http.post(
        f"{service}/jobs",
        json={"source": video.source, "run": run.id, "signal": "transcoded"},
        returns={"job": str},
        expect_status=202,
    )
    done = wait_for_signal(
        "transcoded",
        payload={"ok": bool, "location": str | None, "reason": str | None},
        timeout="6h",
    )
    if done.timed_out:
        http.delete(f"{service}/jobs/{job.json.job}")
        sql("update media.videos set status = 'timed out' where id = :video_id")
        return {"status": "timed out"}
    if not done.data.ok:
        sql("update media.videos set status = 'failed' where id = :video_id")
        raise Failure(f"job {job.json.job} failed: {done.data.reason}")
    sql(
        """\
update media.videos set status = 'ready', location = :done.data.location
 where id = :video_id
""",
    )
    return {"status": "ready", "location": done.data.location}
