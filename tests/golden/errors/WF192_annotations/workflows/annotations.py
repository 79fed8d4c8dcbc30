from __future__ import annotations as _later

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from perdure import sleep, wait_for_signal, workflow


@dataclass
class Address:
    street: str
    place: Path


@workflow
def annotations(
    order_id: complex,
    total: int | str,
    note: Missing,
    count: Annotated[int, "inteer"],
    address: Address,
) -> Address:
    wait_for_signal("moved", payload=Address, timeout="1d")
    sleep("5s")
