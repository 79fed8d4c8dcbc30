from perdure import Concurrency, Failure, http, on_failure, sql, workflow


@workflow(
    timeout="2h",
    idempotency_key="order_id",
    concurrency=Concurrency(1, key="lower(email)"),
    schedule="30 2 * * 1-5",
    timezone="Europe/Berlin",
    overlap="queue",
    role="Shop Worker",
    database="shop",
    search_path=["shop", "public"],
)
def keys(order_id: int, email: str) -> None:
    @on_failure
    def failed(err: Failure) -> None:
        said = sql(
            "insert into audit (what) values (:err.message || :email) returning id",
            expect="one",
        )
        http.post(f"https://hooks.example.com/{said.id}", json={"step": err.step})
        if err.sqlstate == "PD031":
            raise

    sql("update orders set status = 'billed' where id = :order_id")
