from dataclasses import dataclass, field
from typing import NamedTuple

from perdure import http, wait_for_signal, workflow


@dataclass
class Approval:
    approved: bool
    approver: str = "nobody"
    note: str | None = None


class Page(NamedTuple):
    number: int
    size: int = 10


@dataclass
class Lines:
    lines: list[str] = field(default_factory=list)


@dataclass
class Plain:
    note: str | None = None


@workflow
def answers(order_id: int) -> Approval:
    answer = wait_for_signal("approval", payload=Approval, timeout="1d")
    page = http.get(f"https://x.example.com/{order_id}", returns=Page)
    lines = http.get(f"https://x.example.com/{page.status}", returns=Lines)
    plain = http.get(f"https://x.example.com/{lines.status}", returns=Plain)
    if plain.json.note is None or answer.timed_out:
        return Approval(approved=False)
    return Approval(answer.data.approved, answer.data.approver)
