from datetime import date
from typing import Any

from perdure import Part, Retry, http, secrets, workflow


@workflow
def archive(order_id: int) -> Any:
    file = http.get(
        f"https://files.example.com/invoices/{order_id}",
        expect_status=["2xx", 404],
    )
    customer = http.get(
        f"https://crm.example.com/customers/{order_id}",
        headers={
            "X-Order": f"order {order_id}",
            "Authorization": f"Bearer {secrets.crm_token}",
        },
        returns={"name": str, "tags": [str], "since": date | None},
        expect_status="2xx",
        timeout="10s",
    )
    http.post(
        "https://archive.example.com/documents",
        multipart={
            "title": f"Invoice {order_id}",
            "document": Part(
                source=file,
                filename=f"invoice-{order_id}.pdf",
                content_type="application/pdf",
            ),
        },
    )
    http.post(
        "https://hooks.example.com/done",
        form={"order": order_id, "state": customer.json.name},
        retry=Retry(max_attempts=4, backoff="2s", on=["503", "transport"]),
    )
    http.put("https://hooks.example.com/text", body=f"done {order_id}")
