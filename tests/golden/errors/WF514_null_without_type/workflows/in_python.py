from perdure import coalesce, workflow


@workflow
def in_python(number: int):
    count = None
    count = coalesce(count, 0) + number
    return count
