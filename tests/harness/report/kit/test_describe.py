"""Words and numbers that tables and plots share."""

import pytest
from synthetic_records import GIB, MIB

from samfit.harness.report.kit.describe import size


@pytest.mark.parametrize(
    ("nbytes", "text"), [(512, "0.50 KiB"), (3 * MIB, "3.00 MiB"), (5 * GIB // 2, "2.50 GiB")]
)
def test_sizes_have_the_unit_that_suits_them(nbytes, text):
    assert size(nbytes) == text
