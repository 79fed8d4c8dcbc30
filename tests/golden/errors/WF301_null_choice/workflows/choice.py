from perdure import coalesce, sql, workflow


@workflow
def choice(n: int | None, m: int, flag: bool | None, note: str | None) -> None:
    size = "large" if n > 1 else "small"
    kind = "odd" if n == 1 or note is None else "even"
    both = m if flag and note is not None and note != "x" else 0
    known = "large" if n is not None and n > 1 else "small"
    sure = "yes" if coalesce(flag, False) else "no"
    after = 0 if n is None else (1 if n > 1 else 2)
    one = "a" if m > 1 else "b" if flag else "c"
    sql("select :size, :kind, :both, :known, :sure, :after, :one")
    if n == 1 or note is None:
        return
    assert note is None or (note == "a" and m == 1), "of the note"
