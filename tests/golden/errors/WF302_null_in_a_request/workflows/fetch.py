from perdure import http, workflow


@workflow
def fetch(name: str | None, token: str | None) -> None:
    http.get(f"https://example.com/customers/{name}")
    http.post(
        "https://example.com/customers",
        json={"name": name},
        headers={"Authorization": f"Bearer {token}"},
    )
