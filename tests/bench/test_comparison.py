import json

import pytest
from small_sam import SIDE

from samfit.bench import batched
from samfit.bench.batched import Comparison
from samfit.harness.record.cell import Cell

CELL = Cell(adapter="decoder", backbone="vit_tiny", image_size=SIDE, batch_size=2, device="cpu")


def test_times_are_kept_in_pairs_and_none_of_the_warm_up():
    comparison = Comparison(CELL)
    for _ in range(2):
        comparison.naive()
        comparison.batched()
    assert len(comparison.naive_ms) == len(comparison.batched_ms) == 2
    assert min(comparison.naive_ms + comparison.batched_ms) > 0


def test_the_speedup_is_that_of_the_pairs():
    comparison = Comparison(CELL)
    comparison.batched_ms, comparison.naive_ms = [1.0, 10.0, 2.0], [2.0, 30.0, 2.0]
    figures = comparison.figures()
    assert figures["batched_ms"] == figures["naive_ms"] == 2
    assert figures["speedup_median"] == 2
    assert figures["speedup_p10"] == pytest.approx(1.2)
    assert figures["speedup_p90"] == pytest.approx(2.8)


def test_the_command_prints_every_method_as_json_or_as_a_table(monkeypatch, capsys):
    monkeypatch.setattr(batched, "BATCHED_CELLS", [CELL])
    batched.main(rounds=1, json_=True)
    (row,) = json.loads(capsys.readouterr().out)
    assert row.keys() >= {"adapter", "batched_ms", "naive_ms", "speedup_median"}
    batched.main(rounds=1)
    assert "decoder" in capsys.readouterr().out
