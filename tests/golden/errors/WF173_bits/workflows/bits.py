from perdure import sleep, workflow


@workflow
def bits(a: int, b: int):
    both = a & b
    either = a | b
    other = a ^ b
    none = ~a
    left = a << 2
    right = a >> 2
    a |= b
    if a > 1 & b > 2:
        sleep("1s")
