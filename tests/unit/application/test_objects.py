"""A workflow to tools of Python: it is its function, at one place in its module."""

from __future__ import annotations

import copy
import inspect
import pickle
import typing

from perdure import deployed_workflow, workflow


@workflow(name="order-approval")
def approve(order_id: int, note: str = "") -> bool:
    """Approve an order."""
    raise AssertionError("never executed")


def test_a_workflow_has_what_its_function_has() -> None:
    assert approve.__name__ == approve.__qualname__ == "approve"
    assert approve.__module__ == __name__
    assert approve.__doc__ == "Approve an order."
    assert str(inspect.signature(approve)) == (
        "(order_id: 'int', note: 'str' = '') -> 'bool'"
    )
    assert typing.get_type_hints(approve)["order_id"] is int
    assert inspect.getsource(approve).startswith("@workflow")
    assert repr(approve) == "<workflow order-approval>"


def test_a_workflow_is_copied_and_pickled_as_itself() -> None:
    assert copy.copy(approve) is approve
    assert copy.deepcopy({"flow": approve})["flow"] is approve
    assert pickle.loads(pickle.dumps(approve)) is approve


def test_options_and_names_survive_pickling() -> None:
    optional = approve.with_options(version=3, key="a")
    again = pickle.loads(pickle.dumps(optional))
    assert repr(again) == "<workflow order-approval@3>"
    assert again._target == optional._target
    assert again._function is approve.function
    assert repr(copy.deepcopy(optional)) == repr(optional)
    named = pickle.loads(pickle.dumps(deployed_workflow("ship", returns=dict)))
    assert (named.name, named._returns) == ("ship", dict)
