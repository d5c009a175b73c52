"""How far serial methods are from parallel ones, in some figure."""

import math
from collections.abc import Sequence

from samfit.harness.report.kit.select import Series


def times_parallel(shown: Sequence[Series], sizes: Sequence[float]) -> float | None:
    """How many times the size of any parallel method every serial one has at least.

    ``sizes`` are those of ``shown``. None where some serial method is no larger than a parallel
    one, or where one kind is missing.
    """
    found = list(zip(shown, sizes, strict=True))
    serial = [size for series, size in found if series.serial is True]
    parallel = [size for series, size in found if series.serial is False]
    if not serial or not parallel or min(serial) <= max(parallel):
        return None
    return math.floor(10 * min(serial) / max(parallel)) / 10  # rounded up it would be wrong
