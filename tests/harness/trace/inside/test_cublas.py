import pytest

from samfit.harness.device.cards import card_of_capability
from samfit.harness.trace.inside import cublas

MIB = 2**20


@pytest.mark.parametrize(
    ("capability", "mib"),
    [("7.5", 8.125), ("8.0", 8.125), ("8.9", 8.125), ("9.0", 32), ("10.0", 32), ("12.0", 32)],
)
def test_workspace_depends_on_the_generation(capability, mib):
    assert cublas.workspace_bytes(card_of_capability(capability)) == mib * MIB
