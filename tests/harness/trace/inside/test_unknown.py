import pytest

from samfit.harness.predict.traced import trace_without_data
from samfit.harness.record.cell import Cell

TINY = {"backbone": "vit_tiny", "image_size": 64}


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"adapter": "lora"}, []),
        ({"adapter": "sam_adapter"}, ["cuFFT"]),
        ({"adapter": "cad"}, ["cuFFT", "batch norm"]),
        ({"adapter": "lora", "precision": "bf16", "attention": "sdpa"}, []),
        ({"adapter": "lora", "precision": "bf16", "attention": "sdpa",
          "compute_capability": "9.0"}, ["attention"]),
        ({"adapter": "cad", "device": "cpu"}, []),
    ],
)  # fmt: skip
def test_what_is_not_known_is_named(fields, words):
    found = trace_without_data(Cell(**TINY, **fields))[1].unknown
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))
