import torch

from samfit.bench.lean import Pair, compare


def test_both_branches_compute_the_same():
    pair = Pair(1, channels=8, grid=4)
    torch.testing.assert_close(pair.output(pair.lean), pair.output(pair.plain))


def test_the_comparison_gives_times_and_their_ratio():
    figures = compare(Pair(1, channels=8, grid=4), rounds=3)
    assert figures["plain_ms"] > 0
    assert figures["speedup_p10"] <= figures["speedup_median"] <= figures["speedup_p90"]
