from perdure import http, workflow


@workflow
def fetches(path: str) -> None:
    http.get(f"ftp://example.com/{path}")
