"""Constants that Python cannot write, or that answer nothing."""

from perdure import sql, workflow

HUGE = 10**5000
NESTED: list[object] = []
NESTED.append([NESTED, NESTED])


class Mute:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("eq")

    def __hash__(self) -> int:
        raise RuntimeError("hash")

    def __repr__(self) -> str:
        raise RuntimeError("repr")

    def __getattr__(self, name: str) -> object:
        raise RuntimeError("attribute")


MUTE = Mute()


@workflow
def constants() -> object:
    number = HUGE
    mute = MUTE
    sql("select :number, :mute")
    return {"number": HUGE, "nested": NESTED, "mute": MUTE}
