import pytest

from samfit.adapters.core.registry import adapter_names
from samfit.harness.predict.predict import predict
from samfit.harness.record.cell import Cell
from samfit.harness.step.ladder import ladder, with_every_exact_lever


def names(adapter, **settings):
    return [rung.name for rung in ladder(Cell(adapter=adapter, settings=settings))]


def test_methods_climb_what_they_can_use():
    assert names("lora") == ["attention", "optimizer", "checkpointing", "precision"]
    assert names("cad") == [
        "set lean=true",
        "attention",
        "optimizer",
        "encoder-micro-batch",
        "checkpointing",
        "precision",
        "cache-embeddings",
    ]
    assert "checkpointing" not in names("vpt", deep=False)
    assert "cache-embeddings" not in names("lst")


def test_a_rung_adds_to_the_settings_that_there_are():
    cell = Cell(adapter="cad", settings={"scale": 0.2})
    assert ladder(cell)[0].pull(cell).settings == {"lean": True, "scale": 0.2}


@pytest.mark.parametrize("adapter", adapter_names())
def test_every_rung_lowers_the_peak_or_leaves_it(adapter):
    cell = Cell(adapter=adapter, backbone="vit_tiny", image_size=512, batch_size=2)
    peak = predict(cell).memory.peak_allocated_bytes
    exact = with_every_exact_lever(cell)
    assert predict(exact).memory.peak_allocated_bytes < peak
    assert exact.precision == "fp32"
    assert not exact.cache_embeddings
