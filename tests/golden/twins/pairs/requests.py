from typing import Annotated, Any, TypedDict

from perdure import Part, http, run, secrets, sql, wait_for_signal, workflow


class File(TypedDict):
    pages: Annotated[int, "integer"]
    to: list[Annotated[Any, "address?"]]


@workflow
def requests(order_id: int) -> Any:
    file = http.get(
        f"https://files.example.com/{order_id}",
        headers={"Authorization": f"Bearer {secrets.files_token}"},
        expect_status=["2xx", 404],
        returns=File,
        retry="gentle",
    )
    http.post(
        f"https://print.example.com/jobs?key={secrets.print_key}",
        multipart={
            "document": Part(
                source=file,
                filename=f"order {order_id}.pdf",
                content_type="application/pdf",
            ),
            "cover": Part(body=f"Order {order_id}", filename="cover.txt"),
            "pages": file.json["pages"],
            "note": "by hand",
        },
        timeout="10s",
    )

    def forget() -> None:
        http.delete(f"https://auth.example.com/token/{token.body}")
        sql("insert into shop.audit (what) values ('no token')")

    token = http.post(
        "https://auth.example.com/token",
        form={
            "grant_type": "client_credentials",
            "secret": secrets.client_secret,
        },
        expect_status=200,
        when=file.status == 404,
        undo=forget,
    )
    where = wait_for_signal("moved", payload="address", timeout="1d")
    return {"street": where.data.street, "run": run.id}
