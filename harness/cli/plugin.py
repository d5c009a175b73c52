"""A fixture for pytest, found when samfit is installed: memory as a test, on any computer."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from samfit import ProgramReport


@pytest.fixture(scope="session")
def cuda_rehearsal() -> "Callable[..., ProgramReport]":
    """``samfit.rehearse``: run a function that trains on a card that is not there.

        def test_fits(cuda_rehearsal):
            report = cuda_rehearsal(train_two_steps, card="T4")
            report.assert_at_most("14 GiB")

    The test is skipped where no card can be stood in for.
    """
    from samfit.harness.run.function import rehearse, why_not_rehearsed

    if reason := why_not_rehearsed():
        pytest.skip(reason)
    return rehearse
