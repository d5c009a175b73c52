import pytest
import torch
from golden_case import golden
from hypothesis import given, strategies as st
from user_error import user_error

from samfit.adapters.parts.quaternion import QuaternionMatrix


@golden("quaternion_linear")
def test_equals_the_official_layer(case):
    quaternion = QuaternionMatrix(case.config["in_features"], case.config["out_features"])
    bias = []

    def ours(official):
        bias.append(official["bias"] if case.config["bias"] else 0)
        return {"matrix.parts": torch.stack([official[f"{part}_weight"] for part in "rijk"])}

    def outputs():
        inputs = {f"y{name[1:]}": case.inputs[name] for name in case.config["shapes"]}
        return {name: x @ quaternion() + bias[0] for name, x in inputs.items()}

    case.check(case.call({"matrix": quaternion}, ours, outputs))


@given(seed=st.integers(0, 2**32 - 1))
def test_multiplies_quaternions_as_hamilton_did(seed):
    """The norm of a product is the product of the norms."""
    torch.manual_seed(seed)
    quaternion = QuaternionMatrix(4, 4).double()
    torch.nn.init.normal_(quaternion.parts)
    x = torch.randn(4, dtype=torch.double)
    product = (x @ quaternion()).norm()
    assert product.item() == pytest.approx((x.norm() * quaternion.parts.norm()).item())


def test_starts_without_a_real_part():
    parts = QuaternionMatrix(8, 8).parts
    assert not parts[0].any()
    assert (parts[1:] >= 0).all() and (parts[1:] < 1).all() and parts[1:].any()


def test_needs_multiples_of_four():
    with user_error("6", "multiples of 4"):
        QuaternionMatrix(6, 8)
